import type { Problem } from "@unknot/protocol/problem.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { goneHolds } from "../../gone-holds.ts";
import { countBehind, stuckUnless } from "../../knots.ts";
import { count, grouped, quoted, resourceName, shortPlace, whereIs } from "../../names.ts";
import { hasEnded, resourceAt, taskAt, type WaitForGraph, waitForGraph } from "../../wait-for-graph.ts";
import { type Detector, mostTasks, placesOf, type Scene } from "../detector.ts";

/**
 * The event loop ran empty while tasks still wait: nothing can wake them (Go: all goroutines are asleep). One problem
 * per place where the waiting begins; tasks that only wait for those, or for a deadlock, are counted behind it. A
 * task that waits for a timer, a socket or a thread when the loop is empty was parked on purpose (`unref`).
 */
export const exitPending: Detector = {
  id: "exit-pending",
  title: "The program ran out of work while tasks still wait",
  detect(scene) {
    if (scene.dump.loop.state !== "ended") return [];
    const graph = waitForGraph(scene.dump, { inferred: true });
    const stuck = stuckUnless(graph, (vertex) => goesOn(scene, taskAt(graph, vertex)));
    const groups = new Map<string, Task[]>();
    for (const [vertex, task] of scene.dump.tasks.entries()) {
      if (stuck[vertex] === 0 || !isOurs(task) || hasCause(scene, graph, stuck, task, vertex)) continue;
      const resource = task.wait?.on === "resource" ? task.wait.resource : "";
      const key = `${task.state} ${task.at} ${task.entry} ${resource}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [task]);
      else group.push(task);
    }
    return [...groups.values()].slice(0, mostGroups).map((roots) => problemOf(scene, graph, stuck, roots));
  },
};

const mostGroups = 200;

function isOurs(task: Task): boolean {
  return task.external !== true && !hasEnded(task);
}

/** What an empty loop may still wake: work that keeps no process alive. Resources never wake anybody by themselves. */
function goesOn(scene: Scene, task: Task | undefined): boolean {
  if (task === undefined) return false;
  // What runs does not wait, whatever the loop does.
  if (hasEnded(task) || task.wait === undefined) return true;
  if (task.state === "sleep" || task.state === "IO wait" || task.state === "worker.wait") return true;
  const { wait } = task;
  const resource = wait?.on === "resource" ? scene.resourceById.get(wait.resource) : undefined;
  return resource?.kind === "timer";
}

/** True when another problem explains the wait: a stuck task of the program, a knot, an owner that is gone. */
function hasCause(scene: Scene, graph: WaitForGraph, stuck: Uint8Array, task: Task, vertex: number): boolean {
  if (scene.knotted.has(task.id)) return true;
  const resource = task.wait?.on === "resource" ? scene.resourceById.get(task.wait.resource) : undefined;
  if (resource !== undefined && goneHolds(scene, resource).length > 0) return true;
  return successors(graph, vertex).some((next) =>
    resourceAt(graph, next) === undefined
      ? isStuckTask(graph, stuck, next)
      : successors(graph, next).some((holder) => isStuckTask(graph, stuck, holder)),
  );
}

function isStuckTask(graph: WaitForGraph, stuck: Uint8Array, vertex: number): boolean {
  const task = taskAt(graph, vertex);
  return stuck[vertex] === 1 && task !== undefined && isOurs(task);
}

function successors(graph: WaitForGraph, vertex: number): readonly number[] {
  return [...graph.waits.targets.subarray(graph.waits.starts[vertex], graph.waits.starts[vertex + 1])];
}

function problemOf(scene: Scene, graph: WaitForGraph, stuck: Uint8Array, roots: readonly Task[]): Problem {
  const [first] = roots;
  const wait = first?.wait;
  const resource = wait?.on === "resource" ? scene.resourceById.get(wait.resource) : undefined;
  const behind = countBehind(
    graph,
    stuck,
    roots.flatMap((task) => graph.vertexOfTask.get(task.id) ?? []),
    isOurs,
  );
  const tail = behind === 0 ? "" : `; ${count(behind, "task")} wait${behind === 1 ? "s" : ""} behind`;
  return {
    id: first === undefined ? "exit-pending" : idOf(first, resource),
    verdict: "exit-pending",
    certainty: "proved",
    message: `The program ran out of work while ${whatWaits(scene, roots, resource)}${tail}.`,
    tasks: roots.slice(0, mostTasks).map((task) => task.id),
    resources: resource === undefined ? [] : [resource.id],
    at: placesOf(scene.dump, roots),
  };
}

/** The static rule that finds this mistake in the source. */
function idOf(task: Task, resource: Resource | undefined): string {
  if (resource?.kind === "channel" && task.state === "chan receive") return "channel-never-closed";
  if (resource?.kind === "mutex" || resource?.kind === "rwlock" || resource?.kind === "semaphore") {
    return "lock-not-released";
  }
  if (resource?.kind === "pool") return "pool-client-not-released";
  return "exit-pending";
}

function whatWaits(scene: Scene, roots: readonly Task[], resource: Resource | undefined): string {
  const [first] = roots;
  if (first === undefined) return "tasks wait";
  const one = roots.length === 1;
  const who = one ? quoted(first.name) : `${grouped(roots.length)} tasks in ${quoted(first.name)}`;
  const wait = one ? "waits" : "wait";
  const where = whereIs(scene.dump, first);
  const at = where === undefined ? "" : ` at ${shortPlace(where)}`;
  if (resource === undefined) return `${who} ${wait}${at} for something that never happens`;
  const name = resourceName(scene.dump, resource);
  switch (resource.kind) {
    case "channel":
      return first.state === "chan send"
        ? `${who} ${wait}${at} to send to ${name}, which nobody receives from any more`
        : first.state === "chan receive"
          ? `${who} ${wait}${at} to receive from ${name}, which is never closed`
          : `${who} ${wait}${at} for ${name}`;
    case "mutex":
    case "rwlock":
    case "semaphore":
    case "pool":
      return `${who} ${wait}${at} for ${name}, which is never given back`;
    default:
      return `${who} ${wait}${at} for ${name}`;
  }
}
