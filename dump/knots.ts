import type { ResourceId } from "@unknot/protocol/resource.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import { all, any, open, resourceAt, taskAt, type WaitForGraph } from "./wait-for-graph.ts";

/** A set of tasks that can never go on because of one another. */
export interface Knot {
  /**
   * One shortest cycle: vertices of the graph, each waiting for the next and the last for the first. Starts with the
   * task that has the smallest id.
   */
  readonly cycle: readonly number[];
  readonly tasks: readonly TaskId[];
  readonly resources: readonly ResourceId[];
  /** False when the knot exists only if nobody outside gives back a permit or a client. */
  readonly proved: boolean;
  /** Tasks outside the knot that can't go on before it comes apart. */
  readonly behind: number;
}

/** Counting the tasks behind each of very many knots would take quadratic time. */
const mostCounted = 200;

/**
 * All knots of a graph, those with the smallest task ids first. First reduces the graph: whatever may go on does, and
 * with it who waits for it, until nothing changes (Holt, "Some deadlock properties of computer systems", 1972, for
 * and-or requests as in Knapp, "Deadlock detection in distributed databases", 1987). What is left is stuck. The
 * strongly connected parts of it (Tarjan 1972) that stay stuck when everything outside them could go on are the
 * knots; the rest waits behind them. Every step is linear and iterative.
 */
export function findKnots(graph: WaitForGraph): readonly Knot[] {
  const proved = coresOf(graph, false);
  const inProved = new Set(proved.flat());
  const doubtful = graph.doubtful.includes(1)
    ? coresOf(graph, true).filter((core) => !core.some((vertex) => inProved.has(vertex)))
    : [];
  const cores = [
    ...proved.map((members) => ({ members, proved: true })),
    ...doubtful.map((members) => ({ members, proved: false })),
  ];
  if (cores.length === 0) return [];
  const stuck = stuckVertices(graph);
  const knots = cores.map(({ members, proved: sure }, index) => {
    const tasks = members.flatMap((vertex) => taskAt(graph, vertex)?.id ?? []);
    const cycle = shortestCycle(graph, members);
    return {
      cycle,
      tasks: inCycleOrder(graph, cycle, tasks),
      resources: resourcesOf(graph, cycle, members),
      proved: sure,
      behind: index < mostCounted ? countBehind(graph, stuck, members) : 0,
    };
  });
  return knots.sort((a, b) => (a.tasks[0] ?? 0) - (b.tasks[0] ?? 0));
}

/** 1 for every vertex that can't go on, as far as the graph tells. */
export function stuckVertices(graph: WaitForGraph): Uint8Array {
  return reduce(graph, { doubtful: true });
}

/** 1 for every vertex that can't go on when of the open ones only those of `goesOn` do: for a loop that ran empty. */
export function stuckUnless(graph: WaitForGraph, goesOn: (vertex: number) => boolean): Uint8Array {
  return reduce(graph, { doubtful: true, goesOn });
}

/** 1 for every vertex that waits for nothing but what can never happen, when some vertices surely never go on. */
export function stuckBehind(graph: WaitForGraph, isDead: (vertex: number) => boolean): Uint8Array {
  return reduce(graph, { doubtful: false, isDead });
}

interface Reduction {
  /** Whether doubtful vertices count as waiting; else they are taken to go on. */
  readonly doubtful: boolean;
  /** Numbers the vertices by part, -1 for none; only edges inside a part count then. */
  readonly within?: Int32Array;
  /** Which open vertices go on; absent: all of them. */
  readonly goesOn?: (vertex: number) => boolean;
  /** Which vertices never go on, whatever becomes of what they wait for. */
  readonly isDead?: (vertex: number) => boolean;
}

function reduce(graph: WaitForGraph, { doubtful, within, goesOn, isDead }: Reduction): Uint8Array {
  const { vertices, need } = graph;
  const { starts, targets } = graph.waits;
  const stuck = new Uint8Array(vertices);
  // Where nothing waits for anything, everything goes on.
  if (targets.length === 0 && goesOn === undefined && isDead === undefined) return stuck;
  const inSight = (from: number, to: number) =>
    within === undefined || (within[from] !== -1 && within[from] === within[to]);
  const remaining = new Int32Array(vertices);
  const { waiters: waiting } = graph;
  /** What goes on, and something waits for it. */
  const going: number[] = [];
  for (let vertex = 0; vertex < vertices; vertex++) {
    const required = need[vertex] ?? open;
    let waits = required !== open && (doubtful || graph.doubtful[vertex] === 0);
    if (waits) {
      let inside = 0;
      const end = starts[vertex + 1] ?? 0;
      for (let edge = starts[vertex] ?? 0; edge < end; edge++) {
        if (inSight(vertex, targets[edge] ?? -1)) inside++;
      }
      waits = required === all ? inside > 0 : inside > 0 && inside === end - (starts[vertex] ?? 0);
      remaining[vertex] = required === all ? inside : 1;
    }
    if (isDead?.(vertex) === true || waits || (required === open && goesOn?.(vertex) === false))
      stuck[vertex] = 1;
    else if ((waiting.starts[vertex + 1] ?? 0) > (waiting.starts[vertex] ?? 0)) going.push(vertex);
  }
  for (let vertex = going.pop(); vertex !== undefined; vertex = going.pop()) {
    const end = waiting.starts[vertex + 1] ?? 0;
    for (let edge = waiting.starts[vertex] ?? 0; edge < end; edge++) {
      const waiter = waiting.targets[edge] ?? -1;
      if (stuck[waiter] === 0 || isDead?.(waiter) === true || !inSight(waiter, vertex)) continue;
      const left = (remaining[waiter] ?? 1) - 1;
      remaining[waiter] = left;
      if (left > 0 && need[waiter] !== any) continue;
      stuck[waiter] = 0;
      going.push(waiter);
    }
  }
  return stuck;
}

/** The strongly connected sets of stuck vertices that keep themselves stuck. */
function coresOf(graph: WaitForGraph, doubtful: boolean): readonly (readonly number[])[] {
  let stuck = reduce(graph, { doubtful });
  // Every round that changes something frees a vertex; real dumps need one or two.
  for (let round = 0; round < 64; round++) {
    if (!stuck.includes(1)) return [];
    const parts = components(graph, stuck);
    const still = reduce(graph, { doubtful, within: parts.of });
    if (still.every((value, vertex) => value === stuck[vertex])) return parts.members;
    stuck = still;
  }
  return components(graph, stuck).members;
}

/**
 * Strongly connected components among the vertices of `inside`, leaving out single vertices without an edge to
 * themselves (`of` is -1 there). Tarjan's algorithm with a stack of its own instead of recursion.
 */
function components(
  graph: WaitForGraph,
  inside: Uint8Array,
): { readonly of: Int32Array; readonly members: readonly (readonly number[])[] } {
  const { vertices } = graph;
  const { starts, targets } = graph.waits;
  const of = new Int32Array(vertices).fill(-1);
  const members: number[][] = [];
  const order = new Int32Array(vertices).fill(-1);
  const low = new Int32Array(vertices);
  const onPath = new Uint8Array(vertices);
  const nextEdge = starts.slice();
  const path: number[] = [];
  const calls: number[] = [];
  let visited = 0;
  const enter = (vertex: number) => {
    order[vertex] = visited;
    low[vertex] = visited++;
    onPath[vertex] = 1;
    path.push(vertex);
    calls.push(vertex);
  };
  const lower = (vertex: number, value: number) => {
    if (value < (low[vertex] ?? 0)) low[vertex] = value;
  };
  const close = (vertex: number) => {
    const part: number[] = [];
    let member: number | undefined;
    do {
      member = path.pop();
      if (member === undefined) break;
      onPath[member] = 0;
      part.push(member);
    } while (member !== vertex);
    const start = starts[vertex] ?? 0;
    const ownEdge = targets.subarray(start, starts[vertex + 1]).includes(vertex);
    if (part.length === 1 && !ownEdge) return;
    for (const each of part) of[each] = members.length;
    members.push(part);
  };
  for (let root = 0; root < vertices; root++) {
    if (inside[root] === 0 || order[root] !== -1) continue;
    enter(root);
    while (calls.length > 0) {
      const vertex = calls[calls.length - 1] ?? root;
      const edge = nextEdge[vertex] ?? 0;
      if (edge < (starts[vertex + 1] ?? 0)) {
        nextEdge[vertex] = edge + 1;
        const target = targets[edge] ?? 0;
        if (inside[target] === 0) continue;
        if (order[target] === -1) enter(target);
        else if (onPath[target] === 1) lower(vertex, order[target] ?? 0);
        continue;
      }
      calls.pop();
      if (low[vertex] === order[vertex]) close(vertex);
      const caller = calls[calls.length - 1];
      if (caller !== undefined) lower(caller, low[vertex] ?? 0);
    }
  }
  return { of, members };
}

/** A shortest cycle through the member task with the smallest id, by breadth-first search inside the members. */
function shortestCycle(graph: WaitForGraph, members: readonly number[]): readonly number[] {
  const inside = new Set(members);
  let first = -1;
  let smallest = Number.POSITIVE_INFINITY;
  for (const vertex of members) {
    const id = taskAt(graph, vertex)?.id ?? Number.POSITIVE_INFINITY;
    if (id < smallest) {
      first = vertex;
      smallest = id;
    }
  }
  if (first === -1) return [];
  const { starts, targets } = graph.waits;
  const cameFrom = new Map<number, number>();
  const queue = [first];
  for (let head = 0; head < queue.length; head++) {
    const vertex: number = queue[head] ?? first;
    const end = starts[vertex + 1] ?? 0;
    for (let edge = starts[vertex] ?? 0; edge < end; edge++) {
      const target = targets[edge] ?? first;
      if (target === first) return pathTo(vertex, cameFrom);
      if (!inside.has(target) || cameFrom.has(target)) continue;
      cameFrom.set(target, vertex);
      queue.push(target);
    }
  }
  return [first];
}

function pathTo(last: number, cameFrom: ReadonlyMap<number, number>): readonly number[] {
  const path: number[] = [];
  for (let vertex: number | undefined = last; vertex !== undefined; vertex = cameFrom.get(vertex)) {
    path.push(vertex);
  }
  return path.reverse();
}

function inCycleOrder(graph: WaitForGraph, cycle: readonly number[], tasks: readonly TaskId[]): TaskId[] {
  const ordered = cycle.flatMap((vertex) => taskAt(graph, vertex)?.id ?? []);
  const inCycle = new Set(ordered);
  return [...ordered, ...tasks.filter((id) => !inCycle.has(id)).sort((a, b) => a - b)];
}

function resourcesOf(
  graph: WaitForGraph,
  cycle: readonly number[],
  members: readonly number[],
): ResourceId[] {
  const ids = new Set<ResourceId>();
  for (const vertex of cycle) {
    const resource = resourceAt(graph, vertex);
    if (resource !== undefined) ids.add(resource.id);
  }
  const others = members.flatMap((vertex) => resourceAt(graph, vertex)?.id ?? []).sort((a, b) => a - b);
  return [...new Set([...ids, ...others])];
}

/** How many of the tasks that are stuck wait for some vertices, or for who waits for them, and are none of them. */
export function countBehind(
  graph: WaitForGraph,
  stuck: Uint8Array,
  members: readonly number[],
  isCounted: (task: Task) => boolean = () => true,
): number {
  const { waiters: waiting } = graph;
  const seen = new Set(members);
  const queue = [...members];
  let tasks = 0;
  for (let vertex = queue.pop(); vertex !== undefined; vertex = queue.pop()) {
    const end = waiting.starts[vertex + 1] ?? 0;
    for (let edge = waiting.starts[vertex] ?? 0; edge < end; edge++) {
      const waiter = waiting.targets[edge] ?? 0;
      if (seen.has(waiter) || stuck[waiter] === 0) continue;
      seen.add(waiter);
      queue.push(waiter);
      const task = taskAt(graph, waiter);
      if (task !== undefined && isCounted(task)) tasks++;
    }
  }
  return tasks;
}
