import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Hold, Resource, ResourceId } from "@unknot/protocol/resource.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import type { Blocker } from "@unknot/protocol/wire.ts";
import { edgesOf, turnedRound } from "./edges.ts";
import { type IndexById, indexById } from "./index-by-id.ts";
import {
  count,
  formatDuration,
  grouped,
  type Lookup,
  plain,
  resourceName,
  shortPlace,
  siteOf,
  unknownHolder,
  waitMs,
  whereIs,
} from "./names.ts";

/**
 * What holds up the most tasks, the worst first: resources that tasks wait for, and tasks that several others await.
 * A task is held up by what it waits for, by what the holders of that wait for, and so on. What is part of a deadlock
 * is left out: the deadlock says it.
 */
export function blockersOf(dump: Dump, most: number): readonly Blocker[] {
  const waits = createWaits(dump);
  const told = new Set<Vertex>(
    dump.problems
      .filter(({ verdict }) => verdict === "deadlock")
      .flatMap(({ tasks, resources }) => [
        ...tasks.flatMap((id) => waits.vertexOfTask.get(id) ?? []),
        ...resources.flatMap((id) => waits.vertexOfResource.get(id) ?? []),
      ]),
  );
  const candidates = waits.candidates().filter((vertex) => !told.has(vertex));
  return candidates
    .map((vertex) => waits.blocker(vertex))
    .sort((a, b) => b.heldUp - a.heldUp || b.waiting - a.waiting || b.longestMs - a.longestMs)
    .slice(0, most);
}

/** One sentence: `All 10 of 'clients' are held, the oldest for 14 min by 'reserve' at orders.ts:41; 312 tasks wait behind`. */
export function blockerSentence(lookup: Lookup, blocker: Blocker): string {
  const behind = `${count(blocker.heldUp, "task")} ${blocker.heldUp === 1 ? "waits" : "wait"} behind`;
  const { snapshot } = lookup;
  if ("task" in blocker.of) {
    const task = lookup.taskById.get(blocker.of.task);
    const name = task === undefined ? `task ${blocker.of.task}` : `'${plain(task.name)}'`;
    const state =
      task === undefined
        ? ""
        : ` is in ${task.state}${placeText(whereIs(snapshot, task))} for ${formatDuration(waitMs(task))}`;
    return `${name}${state}; ${behind}`;
  }
  const resource = lookup.resourceById.get(blocker.of.resource);
  if (resource === undefined) return behind;
  const name = resourceName(snapshot, resource);
  const held = resource.held ?? resource.holders.length;
  const oldest = resource.holders.toSorted((a, b) => b.forMs - a.forMs)[0];
  if (oldest === undefined) return `${nobodyHolds(resource, name)}; ${behind}`;
  const since = `for ${formatDuration(oldest.forMs)}${takenBy(lookup, oldest)}`;
  const isLock = resource.kind === "mutex" || resource.kind === "rwlock";
  if (held === 1 && (isLock || resource.capacity === 1)) return `${name} is held ${since}; ${behind}`;
  return `${heldText(resource, held, name)} ${since}; ${behind}`;
}

/** Who took it may have ended, or be no task: the line is right all the same. */
function takenBy(lookup: Lookup, hold: Hold): string {
  const { snapshot } = lookup;
  const holder = hold.task === undefined ? undefined : lookup.taskById.get(hold.task);
  const site = siteOf(snapshot, hold.site);
  const at = placeText(site);
  if (holder !== undefined)
    return ` by '${plain(holder.name)}'${placeText(site ?? whereIs(snapshot, holder))}`;
  const isNamed = site === undefined || site.function !== undefined;
  return isNamed ? ` by ${unknownHolder(snapshot, hold)}${at}` : `, taken${at}`;
}

function placeText(site: Site | undefined): string {
  return site === undefined ? "" : ` at ${shortPlace(site)}`;
}

function heldText({ capacity }: Resource, held: number, name: string): string {
  if (held === 1) return `${capacity === undefined ? "One" : `1 of the ${capacity}`} of ${name} is held`;
  const amount =
    held === capacity
      ? `All ${grouped(held)}`
      : capacity === undefined
        ? grouped(held)
        : `${grouped(held)} of the ${grouped(capacity)}`;
  return `${amount} of ${name} are held, the oldest`;
}

function nobodyHolds(resource: Resource, name: string): string {
  switch (resource.kind) {
    case "channel":
    case "stream":
      if (resource.length === 0) return `${name} is empty`;
      if (resource.length !== undefined) return `${name} has ${count(resource.length, "item")} buffered`;
      return `${name} has not let anybody go on`;
    case "mutex":
    case "rwlock":
    case "semaphore":
    case "pool":
      return `Nobody is known to hold ${name}`;
    default:
      return `${name} has not let anybody go on`;
  }
}

/** A task by its index in the dump; behind them the resources by theirs. */
type Vertex = number;

/** Waiters that are named. */
const mostFirst = 5;

/** So many candidates are looked at: each costs a walk over all that waits behind it. */
const mostCandidates = 24;

/** Who waits for whom and why, whether that can be proved or not; flat, because there may be 100,000 tasks. */
function createWaits(dump: Dump) {
  const { tasks, resources } = dump;
  const vertexOfTask: IndexById<TaskId> = indexById(tasks);
  const vertexOfResource = new Map<ResourceId, Vertex>();
  for (const [index, { id }] of resources.entries()) vertexOfResource.set(id, tasks.length + index);

  /** `waiter` waits for `target`: a task for a resource or a task, a resource for a task that holds it. */
  const waiterOf: Vertex[] = [];
  const targetOf: Vertex[] = [];
  const add = (waiter: Vertex, target: Vertex | undefined) => {
    if (target === undefined || target === waiter) return;
    waiterOf.push(waiter);
    targetOf.push(target);
  };
  for (let index = 0; index < tasks.length; index++) {
    const wait = tasks[index]?.wait;
    if (wait?.on === "resource") add(index, vertexOfResource.get(wait.resource));
    else if (wait?.on === "tasks") for (const id of wait.tasks) add(index, vertexOfTask.get(id));
  }
  for (const [index, resource] of resources.entries()) {
    for (const { task } of resource.holders) {
      if (task !== undefined) add(tasks.length + index, vertexOfTask.get(task));
    }
  }
  const vertices = tasks.length + resources.length;
  const ahead = edgesOf(vertices, waiterOf, targetOf);
  const behind = turnedRound(ahead);

  const directly = (vertex: Vertex) => (behind.starts[vertex + 1] ?? 0) - (behind.starts[vertex] ?? 0);
  /** Of a task also wait what it holds, which is no task. */
  const waitingTasks = (vertex: Vertex) =>
    behind.targets
      .subarray(behind.starts[vertex], behind.starts[vertex + 1])
      .reduce((sum, from) => sum + (from < tasks.length ? 1 : 0), 0);
  /** One task that awaits one other is how calls look. */
  const holdsUp = (vertex: Vertex) =>
    vertex < tasks.length
      ? directly(vertex) > 1
      : directly(vertex) > 0 && mayHoldUp(resources, vertex - tasks.length);

  const names = (vertex: Vertex): Blocker["of"] =>
    vertex < tasks.length
      ? { task: (tasks[vertex] as Task).id }
      : { resource: (resources[vertex - tasks.length] as Resource).id };

  const firstWaiters = (vertex: Vertex): TaskId[] => {
    const queue = resources[vertex - tasks.length]?.waiters ?? [];
    const start = behind.starts[vertex] ?? 0;
    const others = behind.targets.subarray(
      start,
      Math.min(start + mostFirst, behind.starts[vertex + 1] ?? 0),
    );
    const waiting = [...others].flatMap((index) => tasks[index]?.id ?? []);
    return [...new Set([...queue.slice(0, mostFirst), ...waiting])].slice(0, mostFirst);
  };

  return {
    vertexOfTask,
    vertexOfResource,
    /** What most wait for directly, and what the holders of that wait for. */
    candidates(): readonly Vertex[] {
      if (ahead.targets.length === 0) return [];
      const direct: Vertex[] = [];
      for (let vertex = 0; vertex < vertices; vertex++) if (holdsUp(vertex)) direct.push(vertex);
      const found = new Set(direct.sort((a, b) => directly(b) - directly(a)).slice(0, mostCandidates / 2));
      const seen = new Set(found);
      for (const vertex of seen) {
        if (found.size >= mostCandidates || seen.size > 10_000) break;
        for (let edge = ahead.starts[vertex] ?? 0; edge < (ahead.starts[vertex + 1] ?? 0); edge++) {
          const next = ahead.targets[edge] ?? 0;
          seen.add(next);
          if (holdsUp(next)) found.add(next);
        }
      }
      return [...found];
    },
    blocker(vertex: Vertex): Blocker {
      const reached = new Uint8Array(vertices);
      reached[vertex] = 1;
      const queue: Vertex[] = [vertex];
      let heldUp = 0;
      let longestMs = 0;
      for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
        for (let edge = behind.starts[at] ?? 0; edge < (behind.starts[at + 1] ?? 0); edge++) {
          const next = behind.targets[edge] ?? 0;
          if (reached[next] === 1) continue;
          reached[next] = 1;
          queue.push(next);
          const task = tasks[next];
          if (task === undefined) continue;
          heldUp++;
          longestMs = Math.max(longestMs, waitMs(task));
        }
      }
      return {
        of: names(vertex),
        waiting: waitingTasks(vertex),
        first: firstWaiters(vertex),
        heldUp,
        longestMs,
      };
    },
  };
}

/** Timers end by themselves, and joins are told by the tasks that are joined. */
function mayHoldUp(resources: readonly Resource[], index: number): boolean {
  const kind = resources[index]?.kind;
  return kind !== "timer" && kind !== "join";
}
