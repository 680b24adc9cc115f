import type { Dump } from "@unknot/protocol/dump.ts";
import type { Hold, Resource } from "@unknot/protocol/resource.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import { type Edges, turnedRound } from "./edges.ts";
import { type IndexById, indexById } from "./index-by-id.ts";

/**
 * Who waits for whom, as an and-or graph in flat arrays, so that 100,000 tasks take milliseconds. Vertices are the
 * tasks in the order of the dump, then two per resource: what a waiter needs from it is that *some* holder gives back
 * (`any`: a lock, a permit, a slot) or that *every* one does (`all`: a writer's lock, an idle queue).
 *
 * Only what is known for sure has edges. A vertex that may go on by itself, or for a reason that the dump does not
 * tell (a timer, a socket, a channel that anybody can send to, a join that the tracer inferred), is `open`.
 */
export interface WaitForGraph {
  readonly dump: Dump;
  readonly vertices: number;
  /** The vertex of a task is its index in `dump.tasks`. */
  readonly vertexOfTask: IndexById<TaskId>;
  readonly need: Uint8Array;
  /** 1 where the edges are certain only as long as nobody else gives back: `pool`, permits with a handle. */
  readonly doubtful: Uint8Array;
  /** From each vertex to what it waits for. */
  readonly waits: Edges;
  /** The same edges turned round. */
  readonly waiters: Edges;
}

/** Values of `WaitForGraph.need`. */
export const open = 0;
export const any = 1;
export const all = 2;

/** The resource behind a vertex; undefined for a task. */
export function resourceAt(graph: WaitForGraph, vertex: number): Resource | undefined {
  const past = vertex - graph.dump.tasks.length;
  return past < 0 ? undefined : graph.dump.resources[past >> 1];
}

/** The vertices of a resource, by its index in the dump: some holder gives back, and every one does. */
export function resourceVertices({ dump }: WaitForGraph, index: number): readonly [any: number, all: number] {
  const vertex = dump.tasks.length + 2 * index;
  return [vertex, vertex + 1];
}

/** The task behind a vertex; undefined for a resource. */
export function taskAt(graph: WaitForGraph, vertex: number): Task | undefined {
  return graph.dump.tasks[vertex];
}

/** The graph of a dump. `inferred` adds the joins that the tracer did not see but infers; they prove nothing. */
export function waitForGraph(dump: Dump, { inferred = false } = {}): WaitForGraph {
  const taskCount = dump.tasks.length;
  const vertices = taskCount + 2 * dump.resources.length;
  const vertexOfTask = indexById(dump.tasks);
  const resourceIndex = indexById(dump.resources);

  const need = new Uint8Array(vertices);
  const doubtful = new Uint8Array(vertices);
  const starts = new Int32Array(vertices + 1);
  const targets: number[] = [];
  const ended = dump.loop.state === "ended";
  const sections = new ScopedSections(dump);
  const behindWriter = readersBehindWriters(
    (id) => dump.tasks[vertexOfTask.get(id) ?? -1]?.state === "rwlock.lock",
  );
  const pending = (id: TaskId): number => {
    const vertex = vertexOfTask.get(id);
    const task = vertex === undefined ? undefined : dump.tasks[vertex];
    return vertex === undefined || task === undefined || hasEnded(task) ? -1 : vertex;
  };

  /** Adds one edge per pending task; how many there were of how many. */
  const addTasks = (ids: Iterable<TaskId | undefined>): { added: number; missing: boolean } => {
    let added = 0;
    let missing = false;
    for (const id of ids) {
      const vertex = id === undefined ? -1 : pending(id);
      if (vertex < 0) missing = true;
      else {
        targets.push(vertex);
        added++;
      }
    }
    return { added, missing };
  };

  const connectTask = (task: Task, vertex: number): void => {
    const { wait } = task;
    if (wait === undefined || wait.on === "unknown" || hasEnded(task)) return;
    if (wait.on === "tasks") {
      if (!wait.exact && !inferred) return;
      const { added, missing } = addTasks(wait.tasks);
      // Of alternatives, one that has ended (or is not known) lets the task go on.
      if (added === 0 || (wait.need === "any" && missing)) return;
      // Of tasks that all have to end, one that goes on may still fail, and that ends a wait that fails fast.
      need[vertex] = wait.need === "any" || (wait.failsFast === true && !inferred) ? any : all;
      return;
    }
    if (wait.cancellable === true && !inferred) return;
    const index = resourceIndex.get(wait.resource);
    const resource = index === undefined ? undefined : dump.resources[index];
    if (index === undefined || resource === undefined) return;
    const callbacks = sections.callbacksOf(task, resource);
    if (callbacks !== undefined) {
      if (addTasks(callbacks).added > 0) need[vertex] = any;
      return;
    }
    const needed = needOf(task, wait.op, resource, behindWriter);
    if (needed === open) return;
    targets.push(taskCount + 2 * index + (needed === all ? 1 : 0));
    need[vertex] = all;
  };

  const connectResource = (resource: Resource, vertex: number, needed: typeof any | typeof all): void => {
    const before = targets.length;
    if (needed === any && !allTaken(resource, ended)) return;
    const { missing } = addTasks(resource.holders.map((hold) => hold.task));
    if (needed === all && resource.kind === "queue") addTasks(resource.waiters);
    // A hold by nobody we know may end at any time; when every hold has to end, the known ones suffice.
    if (targets.length === before || (needed === any && missing)) {
      targets.length = before;
      return;
    }
    need[vertex] = needed;
    doubtful[vertex] = !ended && isDoubtful(resource) ? 1 : 0;
  };

  // No iterator where there may be 100,000: before V8 has compiled the loop each step of one costs an object.
  for (let vertex = 0; vertex < taskCount; vertex++) {
    starts[vertex] = targets.length;
    connectTask(dump.tasks[vertex] as Task, vertex);
    if (need[vertex] === open) targets.length = starts[vertex] ?? 0;
  }
  for (const [index, resource] of dump.resources.entries()) {
    const vertex = taskCount + 2 * index;
    starts[vertex] = targets.length;
    connectResource(resource, vertex, any);
    starts[vertex + 1] = targets.length;
    connectResource(resource, vertex + 1, all);
  }
  starts[vertices] = targets.length;
  const waits: Edges = { starts, targets: Int32Array.from(targets) };
  return { dump, vertices, vertexOfTask, need, doubtful, waits, waiters: turnedRound(waits) };
}

/** True for a task that is in the dump only because nobody looked at its result. */
export function hasEnded(task: Task): boolean {
  return task.state === "fulfilled" || task.state === "rejected";
}

/** The vertices that a vertex waits for. */
export function successors({ waits: { starts, targets } }: WaitForGraph, vertex: number): readonly number[] {
  return [...targets.subarray(starts[vertex], starts[vertex + 1])];
}

/** The vertices that wait for a vertex. */
export function predecessors(
  { waiters: { starts, targets } }: WaitForGraph,
  vertex: number,
): readonly number[] {
  return [...targets.subarray(starts[vertex], starts[vertex + 1])];
}

/** What a waiter needs from the holders of a resource; `open` when its operation does not depend on them. */
function needOf(
  task: Task,
  op: string,
  resource: Resource,
  behindWriter: (lock: Resource) => ReadonlySet<TaskId>,
) {
  switch (resource.kind) {
    case "mutex":
    case "semaphore":
    case "pool":
      return any;
    case "queue":
      return op === "submit" ? any : op === "waitIdle" ? all : open;
    case "rwlock":
      return task.state === "rwlock.lock" || behindWriter(resource).has(task.id) ? all : any;
    default:
      return open;
  }
}

/**
 * The readers that queue behind a waiting writer, by lock: like the writer they wait until every present holder is
 * gone.
 */
function readersBehindWriters(isWriter: (id: TaskId) => boolean): (lock: Resource) => ReadonlySet<TaskId> {
  const known = new Map<Resource, ReadonlySet<TaskId>>();
  return (lock) => {
    let behind = known.get(lock);
    if (behind === undefined) {
      const first = lock.waiters.findIndex(isWriter);
      behind = new Set(first < 0 ? [] : lock.waiters.slice(first));
      known.set(lock, behind);
    }
    return behind;
  };
}

/**
 * True when a waiter can only go on after a task gives back that holds. Who got a release function that has left its
 * task's code (a timer, an event handler) may call it any time, until the loop has run empty.
 */
function allTaken(resource: Resource, ended: boolean): boolean {
  switch (resource.kind) {
    case "mutex":
    case "rwlock":
      return (
        resource.holders.length > 0 && (ended || resource.holders.every((hold) => hold.release !== "handle"))
      );
    case "semaphore":
      return (
        isFull(resource) &&
        (ended || resource.holders.every((hold) => hold.release !== undefined && hold.release !== "anyone"))
      );
    case "queue":
    case "pool":
      return isFull(resource);
    default:
      return false;
  }
}

function isFull({ capacity, holders }: Resource): boolean {
  if (capacity === undefined || capacity <= 0) return false;
  return holders.reduce((sum, hold) => sum + hold.amount, 0) >= capacity;
}

/** True when somebody who holds nothing may still give back. A lock whose way of release is not told is trusted. */
function isDoubtful(resource: Resource): boolean {
  const byOthers = ({ release }: Hold) => release === "handle" || release === "anyone";
  switch (resource.kind) {
    case "pool":
      return true;
    case "semaphore":
      return resource.holders.some(byOthers);
    // Other processes may have workers for it.
    case "queue":
    case "mutex":
    case "rwlock":
      return resource.holders.some(byOthers);
    default:
      return false;
  }
}

/**
 * The ancestor rule. `mutex.runExclusive(callback)` holds for its caller, who then waits for the callback: a task
 * inside the callback that waits for the same lock blocks its own ancestor. The edge from a holder in a scoped
 * operation goes to the callback's task, one of its children of kind `callback` or `job`.
 */
class ScopedSections {
  readonly #dump: Dump;
  #callbacks: Map<TaskId, TaskId[]> | undefined;

  constructor(dump: Dump) {
    this.#dump = dump;
  }

  /** The callbacks that may be the one `task` waits for; undefined when it is not inside a scoped operation. */
  callbacksOf(task: Task, resource: Resource): readonly TaskId[] | undefined {
    if (task.wait?.on !== "resource" || task.wait.op !== "scoped") return undefined;
    const holds = resource.holders.some((hold) => hold.task === task.id);
    if (!holds || resource.waiters.includes(task.id)) return undefined;
    this.#callbacks ??= this.#findCallbacks();
    return this.#callbacks.get(task.id) ?? [];
  }

  #findCallbacks(): Map<TaskId, TaskId[]> {
    const callbacks = new Map<TaskId, TaskId[]>();
    for (const task of this.#dump.tasks) {
      if (task.parent === undefined || (task.kind !== "callback" && task.kind !== "job")) continue;
      const siblings = callbacks.get(task.parent);
      if (siblings === undefined) callbacks.set(task.parent, [task.id]);
      else siblings.push(task.id);
    }
    return callbacks;
  }
}
