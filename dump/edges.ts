/**
 * The edges of a graph in flat arrays: those of vertex v lead to `targets[starts[v]]` … `targets[starts[v + 1] - 1]`.
 */
export interface Edges {
  readonly starts: Int32Array;
  readonly targets: Int32Array;
}

/** Edge n leads from `from[n]` to `to[n]`. Edges of one vertex keep their order. */
export function edgesOf(vertices: number, from: ArrayLike<number>, to: ArrayLike<number>): Edges {
  const starts = new Int32Array(vertices + 1);
  for (let edge = 0; edge < from.length; edge++) {
    const next = (from[edge] ?? 0) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let vertex = 0; vertex < vertices; vertex++) {
    starts[vertex + 1] = (starts[vertex + 1] ?? 0) + (starts[vertex] ?? 0);
  }
  const free = starts.slice();
  const targets = new Int32Array(from.length);
  for (let edge = 0; edge < from.length; edge++) {
    const vertex = from[edge] ?? 0;
    const slot = free[vertex] ?? 0;
    targets[slot] = to[edge] ?? 0;
    free[vertex] = slot + 1;
  }
  return { starts, targets };
}

/** The same edges, leading back. */
export function turnedRound({ starts, targets }: Edges): Edges {
  const vertices = starts.length - 1;
  const sources = new Int32Array(targets.length);
  for (let vertex = 0; vertex < vertices; vertex++) {
    const end = starts[vertex + 1] ?? 0;
    for (let edge = starts[vertex] ?? 0; edge < end; edge++) sources[edge] = vertex;
  }
  return edgesOf(vertices, targets, sources);
}
