import type { Problem } from "@unknot/protocol/problem.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { goneHolds } from "../../gone-holds.ts";
import { countBehind } from "../../knots.ts";
import { grouped, quoted, shortPlace, whereIs } from "../../names.ts";
import {
  predecessors,
  resourceAt,
  successors,
  taskAt,
  type WaitForGraph,
  waitForGraph,
} from "../../wait-for-graph.ts";
import { type Detector, mostTasks, placesOf, type Scene } from "../detector.ts";
import { groupedByWait, waitBehind } from "../endless-waits.ts";

/**
 * Tasks that are there but wait, through and-edges, for one that can never go on: somebody keeps the promise of a task
 * whose code is gone. Told where such a wait begins; who waits behind is counted. Who waits for a task that is parked on
 * purpose (`await serve()`) is meant to wait.
 */
export const waitsOnDead: Detector = {
  id: "waits-on-dead",
  title: "A task waits for one that can never go on",
  detect(scene) {
    if (scene.dump.loop.state === "ended" || !scene.stuckForGood.includes(1)) return [];
    const parked = waitingFor(
      waitForGraph(scene.dump, { inferred: true }),
      (task) => task.collected === "parked",
    );
    const roots = scene.dump.tasks.filter((task, vertex) => {
      if (scene.stuckForGood[vertex] === 0 || scene.stuck[vertex] === 1) return false;
      if (task.collected !== undefined || task.external === true) return false;
      return !parked.has(task) && !hasGoneOwner(scene, task) && deadOf(scene, task) !== undefined;
    });
    return groupedByWait(scene, roots).map((alike) => problemOf(scene, alike));
  },
};

/** The tasks of a kind, and all that wait for one of them, directly or behind others. */
function waitingFor(graph: WaitForGraph, isOne: (task: Task) => boolean): ReadonlySet<Task> {
  const found = new Set(graph.dump.tasks.filter(isOne));
  // Sets grow while they are walked through.
  for (const task of found) {
    for (const waiter of predecessors(graph, graph.vertexOfTask.get(task.id) ?? -1)) {
      const next = taskAt(graph, waiter);
      if (next !== undefined) found.add(next);
    }
  }
  return found;
}

/** Of a lock whose holder is gone that is told instead. */
function hasGoneOwner(scene: Scene, task: Task): boolean {
  const resource = task.wait?.on === "resource" ? scene.resourceById.get(task.wait.resource) : undefined;
  return resource !== undefined && goneHolds(scene, resource).length > 0;
}

/** A task that can never go on and that another one waits for, itself or because it holds what that one wants. */
function deadOf({ graph }: Scene, task: Task): Task | undefined {
  const direct = successors(graph, graph.vertexOfTask.get(task.id) ?? -1);
  const all = direct.flatMap((next) =>
    resourceAt(graph, next) === undefined ? next : successors(graph, next),
  );
  return all.flatMap((next) => taskAt(graph, next) ?? []).find((each) => each.collected !== undefined);
}

function problemOf(scene: Scene, roots: readonly Task[]): Problem {
  const [first] = roots;
  const dead = first === undefined ? undefined : deadOf(scene, first);
  const vertices = roots.flatMap((task) => scene.graph.vertexOfTask.get(task.id) ?? []);
  const behind = countBehind(scene.graph, scene.stuckForGood, vertices, (task) => task.external !== true);
  const who =
    roots.length === 1
      ? `${quoted(first?.name ?? "")} waits`
      : `${grouped(roots.length)} tasks in ${quoted(first?.name ?? "")} wait`;
  const where = first === undefined ? undefined : whereIs(scene.dump, first);
  const deadAt = dead === undefined ? undefined : whereIs(scene.dump, dead);
  return {
    id: "waits-on-dead",
    verdict: "waits-on-dead",
    certainty: "proved",
    message: `${who}${where === undefined ? "" : ` at ${shortPlace(where)}`} for ${quoted(dead?.name ?? "")}, which can never go on${deadAt === undefined ? "" : ` from ${shortPlace(deadAt)}`}${waitBehind(behind)}.`,
    tasks: roots.slice(0, mostTasks).map((task) => task.id),
    resources: [],
    at: placesOf(scene.dump, [...roots, dead]),
  };
}
