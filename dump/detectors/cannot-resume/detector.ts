import type { Problem } from "@unknot/protocol/problem.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { goneHolds } from "../../gone-holds.ts";
import { countBehind, stuckBehind } from "../../knots.ts";
import {
  predecessors,
  resourceAt,
  resourceVertices,
  successors,
  taskAt,
  type WaitForGraph,
  waitForGraph,
} from "../../wait-for-graph.ts";
import { type Detector, mostTasks, placesOf, type Scene } from "../detector.ts";
import { groupedByWait, resourcesOf, ruleOfWait, waitBehind, whatWaits } from "../endless-waits.ts";

/**
 * Tasks whose suspended code was collected while they were pending: whatever could have let them go on is gone (Go: leaked
 * goroutines). Told where the waiting begins. What was given up on purpose is no mistake: the losers of a race, what
 * these wait for, and waits for a promise that was made never to settle.
 */
export const cannotResume: Detector = {
  id: "cannot-resume",
  title: "A task waits for something that nobody can bring about any more",
  detect(scene) {
    // When the loop ran empty, nothing else can go on either, and `exit-pending` tells so.
    if (scene.dump.loop.state === "ended") return [];
    const dead = scene.dump.tasks.filter((task) => task.collected !== undefined && task.external !== true);
    if (dead.length === 0) return [];
    // That they can never go on is proved without any edge; who waits for whom only tells where it begins.
    const graph = waitForGraph(scene.dump, { inferred: true });
    const meant = meantSo(graph, dead);
    const roots = dead.filter((task) => !meant.has(task) && !hasCause(scene, graph, task));
    return groupedByWait(scene, roots).map((alike) => problemOf(scene, graph, alike));
  },
};

/** Who was given up on purpose, and those for whom only such tasks wait. */
function meantSo(graph: WaitForGraph, dead: readonly Task[]): ReadonlySet<Task> {
  const meant = new Set(dead.filter((task) => task.collected !== "lost" && task.holding.length === 0));
  // Sets grow while they are walked through.
  for (const task of meant) {
    for (const next of successors(graph, vertexOf(graph, task))) {
      const awaited = taskAt(graph, next);
      if (awaited?.collected === undefined || awaited.holding.length > 0) continue;
      const waiters = predecessors(graph, next).map((each) => taskAt(graph, each));
      if (waiters.every((each) => each !== undefined && meant.has(each))) meant.add(awaited);
    }
  }
  return meant;
}

/** True when another problem explains the wait: a task that is gone too, a knot, an owner that is gone. */
function hasCause(scene: Scene, graph: WaitForGraph, task: Task): boolean {
  const vertex = vertexOf(graph, task);
  if (scene.stuck[vertex] === 1) return true;
  const resource = task.wait?.on === "resource" ? scene.resourceById.get(task.wait.resource) : undefined;
  if (resource !== undefined && goneHolds(scene, resource).length > 0) return true;
  return successors(graph, vertex).some((next) =>
    resourceAt(graph, next) === undefined
      ? taskAt(graph, next)?.collected !== undefined
      : successors(graph, next).some((holder) => taskAt(graph, holder)?.collected !== undefined),
  );
}

function vertexOf(graph: WaitForGraph, task: Task): number {
  return graph.vertexOfTask.get(task.id) ?? -1;
}

function problemOf(scene: Scene, graph: WaitForGraph, roots: readonly Task[]): Problem {
  const [first] = roots;
  const wait = first?.wait;
  const resource = wait?.on === "resource" ? scene.resourceById.get(wait.resource) : undefined;
  return {
    id: (first && ruleOfWait(first, resource)) ?? "cannot-resume",
    verdict: "cannot-resume",
    certainty: "proved",
    message: `Nothing that is left can end this wait: ${whatWaits(scene, roots, resource)}${waitBehind(behind(graph, roots))}.`,
    tasks: roots.slice(0, mostTasks).map((task) => task.id),
    resources: resourcesOf(roots),
    at: placesOf(scene.dump, roots),
  };
}

/**
 * How many tasks wait for the roots, or for what only they hold. Whether anybody else could give that back is not
 * asked: nobody has.
 */
function behind(graph: WaitForGraph, roots: readonly Task[]): number {
  const ids = new Set(roots.map(({ id }) => id));
  const held = graph.dump.resources.flatMap(({ holders }, index) => {
    const isTheirs = holders.length > 0 && holders.every(({ task }) => task !== undefined && ids.has(task));
    return isTheirs ? resourceVertices(graph, index) : [];
  });
  const theirs = new Set(held);
  const isDead = (vertex: number) => theirs.has(vertex) || taskAt(graph, vertex)?.collected !== undefined;
  return countBehind(
    graph,
    stuckBehind(graph, isDead),
    [...roots.map((task) => vertexOf(graph, task)), ...held],
    (task) => task.external !== true,
  );
}
