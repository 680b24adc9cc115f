import type { Growth } from "@unknot/protocol/growth.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { ResourceId } from "@unknot/protocol/resource.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { isExhausted } from "../../exhausted.ts";
import { goneHolds } from "../../gone-holds.ts";
import { formatDuration, grouped, placeOf, quoted, resourceName, shortPlace, siteOf } from "../../names.ts";
import { distinctPlaces, mostTasks, type Scene } from "../detector.ts";

/**
 * Places where ever more tasks wait: what should let them go on does not keep up, or never comes. Left out are those that
 * only wait for such tasks, and those whose wait another verdict explains.
 */
export function growingPlaces(scene: Scene): readonly Problem[] {
  const { growth = [] } = scene.dump;
  if (growth.length === 0) return [];
  const waiting = new Map<string, Task[]>(growth.map((each) => [keyOf(each), []]));
  for (const task of scene.dump.tasks) if (task.wait !== undefined) waiting.get(keyOf(task))?.push(task);
  return growth.flatMap((each) => problemOf(scene, each, waiting.get(keyOf(each)) ?? []) ?? []);
}

function keyOf({ at, created }: Pick<Task, "at" | "created">): string {
  return `${at} ${created}`;
}

function problemOf(scene: Scene, { at, created, counts, overMs }: Growth, tasks: readonly Task[]) {
  const [first] = tasks;
  const site = siteOf(scene.dump, at);
  if (first === undefined || site === undefined) return undefined;
  if (first.wait?.on === "tasks" || isExplained(scene, first)) return undefined;
  const resources = [...new Set(tasks.flatMap(({ wait }) => (wait?.on === "resource" ? wait.resource : [])))];
  const started = siteOf(scene.dump, created);
  const from = started === undefined ? "" : `, started at ${shortPlace(started)}`;
  const before = `there were ${grouped(counts[0] ?? 0)} of them ${formatDuration(overMs)} before`;
  return {
    id: "long-wait",
    verdict: "long-wait",
    certainty: "heuristic",
    message: `${grouped(tasks.length)} tasks in ${quoted(first.name)} wait at ${shortPlace(site)}${whatFor(scene, resources)}${from}; ${before}, and ever more come than go on.`,
    tasks: tasks.slice(0, mostTasks).map(({ id }) => id),
    resources: resources.slice(0, mostTasks),
    at: distinctPlaces([placeOf(site)], started === undefined ? [] : [placeOf(started)]),
  } satisfies Problem;
}

/** They wait because of something that is a problem by itself. */
function isExplained(scene: Scene, task: Task): boolean {
  if (scene.stuck[scene.graph.vertexOfTask.get(task.id) ?? -1] === 1) return true;
  const resource = task.wait?.on === "resource" ? scene.resourceById.get(task.wait.resource) : undefined;
  return resource !== undefined && (isExhausted(resource) || goneHolds(scene, resource).length > 0);
}

/** Of things that are made for each task anew none is named. */
function whatFor({ dump, resourceById }: Scene, resources: readonly ResourceId[]): string {
  const [only, ...others] = resources;
  const resource = only === undefined || others.length > 0 ? undefined : resourceById.get(only);
  return resource === undefined ? "" : ` for ${resourceName(dump, resource)}`;
}
