import type { Problem } from "@unknot/protocol/problem.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { goneHolds } from "../../gone-holds.ts";
import { countBehind, stuckUnless } from "../../knots.ts";
import {
  hasEnded,
  resourceAt,
  successors,
  taskAt,
  type WaitForGraph,
  waitForGraph,
} from "../../wait-for-graph.ts";
import { type Detector, mostTasks, placesOf, type Scene } from "../detector.ts";
import { groupedByWait, resourcesOf, ruleOfWait, waitBehind, whatWaits } from "../endless-waits.ts";

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
    const roots = scene.dump.tasks.filter(
      (task, vertex) => stuck[vertex] === 1 && isOurs(task) && !hasCause(scene, graph, stuck, task, vertex),
    );
    return groupedByWait(scene, roots).map((alike) => problemOf(scene, graph, stuck, alike));
  },
};

function isOurs(task: Task): boolean {
  return task.external !== true && !hasEnded(task);
}

/** What an empty loop may still wake: work that keeps no process alive. Resources never wake anybody by themselves. */
function goesOn(scene: Scene, task: Task | undefined): boolean {
  if (task === undefined) return false;
  // What runs does not wait, whatever the loop does.
  if (hasEnded(task) || task.wait === undefined) return true;
  const { wait } = task;
  // Who listens by hand for an event may listen to what is closed.
  if (task.state === "IO wait") return !(wait.on === "resource" && wait.op === "listen");
  if (task.state === "sleep" || task.state === "worker.wait") return true;
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
  return {
    id: (first && ruleOfWait(first, resource)) ?? "exit-pending",
    verdict: "exit-pending",
    certainty: "proved",
    message: `The program ran out of work while ${whatWaits(scene, roots, resource)}${waitBehind(behind)}.`,
    tasks: roots.slice(0, mostTasks).map((task) => task.id),
    resources: resourcesOf(roots),
    at: placesOf(scene.dump, roots),
  };
}
