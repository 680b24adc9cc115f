import { Graph, layout } from "@dagrejs/dagre";
import type { StackFrame } from "@unknot/protocol/stacks.ts";
import { hierarchy, partition } from "d3-hierarchy";
import type { Edge, Vertex } from "./messages.ts";

/** Where a vertex is drawn: its middle and its size, in pixels. */
export interface PlacedVertex {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedEdge extends Edge {
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  readonly vertices: readonly PlacedVertex[];
  readonly edges: readonly PlacedEdge[];
}

const vertexWidth = 220;
const vertexHeight = 46;

/** Between two parts of the graph that have nothing to do with one another. */
const gap = 12;

/**
 * Places the vertices in layers, so that who waits stands left of what is waited for. Parts that are not connected stand
 * below one another, in the order of their first vertices: the largest knots first.
 */
export function layoutGraph(vertices: readonly Vertex[], edges: readonly Edge[]): GraphLayout {
  const partOf = partsOf(vertices, edges);
  let width = 0;
  let height = 0;
  const placed: PlacedVertex[] = [];
  const drawn: PlacedEdge[] = [];
  for (const [part, members] of Map.groupBy(vertices, ({ id }) => partOf(id))) {
    const own = layoutPart(
      members,
      edges.filter(({ from }) => partOf(from) === part),
    );
    const top = height === 0 ? 0 : height + gap;
    placed.push(...own.vertices.map((vertex) => ({ ...vertex, y: vertex.y + top })));
    drawn.push(
      ...own.edges.map((edge) => ({ ...edge, points: edge.points.map(({ x, y }) => ({ x, y: y + top })) })),
    );
    width = Math.max(width, own.width);
    height = top + own.height;
  }
  return { width, height, vertices: placed, edges: drawn };
}

/** The part of the graph that a vertex is in, named for one of its vertices. */
function partsOf(vertices: readonly Vertex[], edges: readonly Edge[]): (id: string) => string {
  const above = new Map(vertices.map(({ id }) => [id, id]));
  const find = (id: string): string => {
    let root = id;
    for (let next = above.get(root); next !== undefined && next !== root; next = above.get(root)) root = next;
    return root;
  };
  for (const { from, to } of edges) above.set(find(to), find(from));
  return find;
}

function layoutPart(vertices: readonly Vertex[], edges: readonly Edge[]): GraphLayout {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 18, ranksep: 70, marginx: 16, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of vertices) graph.setNode(id, { width: vertexWidth, height: vertexHeight });
  for (const { from, to } of edges) graph.setEdge(from, to, {});
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number };
  return {
    width,
    height,
    vertices: vertices.map(({ id }) => {
      const { x = 0, y = 0 } = graph.node(id) as { readonly x?: number; readonly y?: number };
      return { id, x, y, width: vertexWidth, height: vertexHeight };
    }),
    edges: edges.map((edge) => {
      const { points = [] } = graph.edge(edge.from, edge.to) as {
        readonly points?: readonly { readonly x: number; readonly y: number }[];
      };
      return { ...edge, points };
    }),
  };
}

/** A frame of the flame graph: its place as shares of the whole width, and its depth, 0 at the top. */
export interface PlacedFrame {
  readonly id: string;
  readonly frame: StackFrame;
  readonly depth: number;
  readonly left: number;
  readonly width: number;
  readonly parent?: string;
}

/** A narrower frame can be neither read nor hit. */
const narrowest = 0.004;

/** Places frames and what is below them, side by side; says how many are too narrow to be drawn. */
export function layoutFrames(frames: readonly StackFrame[]): {
  readonly frames: readonly PlacedFrame[];
  readonly tooNarrow: number;
} {
  const total = frames.reduce((sum, { count }) => sum + count, 0);
  const all: StackFrame = { name: "", count: total, own: 0, maxWaitMs: 0, below: frames };
  // The width of a frame is its own tasks and those of the frames below it; frames that were left out leave a gap.
  const root = hierarchy(all, ({ below }) => below).sum(
    ({ count, below }) => count - below.reduce((sum, each) => sum + each.count, 0),
  );
  const placed: PlacedFrame[] = [];
  const ids = new Map<object, string>();
  let tooNarrow = 0;
  for (const node of partition<StackFrame>()(root)) {
    if (node.depth === 0) continue;
    const width = node.x1 - node.x0;
    if (width < narrowest) {
      tooNarrow++;
      continue;
    }
    const parent = node.parent ? ids.get(node.parent) : undefined;
    const { name, at } = node.data;
    const index = node.parent?.children?.indexOf(node) ?? 0;
    const id = `${parent ?? ""}/${index} ${at} ${name}`;
    ids.set(node, id);
    placed.push({
      id,
      frame: node.data,
      depth: node.depth - 1,
      left: node.x0,
      width,
      ...(parent === undefined ? {} : { parent }),
    });
  }
  return { frames: placed, tooNarrow };
}
