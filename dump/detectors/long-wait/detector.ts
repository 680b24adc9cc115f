import type { Problem } from "@unknot/protocol/problem.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import { isExhausted } from "../../exhausted.ts";
import { count, formatDuration, placeOf, quoted, resourceName, siteOf } from "../../names.ts";
import { type Detector, distinctPlaces, mostTasks, placesOf, type Scene } from "../detector.ts";
import { growingPlaces } from "./growing.ts";

const patienceMs = 30_000;

/**
 * A lock or client that one holder has kept for half a minute while others wait, or ever more tasks that wait at one
 * place. A guess: the holder may be right to
 * take so long. Limiters are left out, because a long queue of jobs is what they are for; of a pool with nothing free
 * `pool-exhausted` tells.
 */
export const longWait: Detector = {
  id: "long-wait",
  title: "Tasks wait unusually long for a lock or client, or ever more of them wait",
  detect(scene) {
    return [
      ...scene.dump.resources.flatMap((resource) => problemOf(scene, resource) ?? []),
      ...growingPlaces(scene),
    ];
  },
};

function problemOf(scene: Scene, resource: Resource): Problem | undefined {
  if (resource.kind !== "mutex" && resource.kind !== "rwlock" && resource.kind !== "pool") return undefined;
  if (isExhausted(resource)) return undefined;
  const hold = resource.holders.reduce<(typeof resource.holders)[number] | undefined>(
    (oldest, each) => (oldest === undefined || each.forMs > oldest.forMs ? each : oldest),
    undefined,
  );
  const holder = hold?.task === undefined ? undefined : scene.taskById.get(hold.task);
  if (hold === undefined || hold.forMs < patienceMs || holder === undefined) return undefined;
  // What stands behind a deadlock is told there.
  if (scene.stuck[scene.graph.vertexOfTask.get(holder.id) ?? -1] === 1) return undefined;
  const waiters = resource.waiters.flatMap((id) => scene.taskById.get(id) ?? []);
  const longest = waiters.reduce((most, task) => Math.max(most, task.wait?.sinceMs ?? 0), 0);
  if (longest < patienceMs) return undefined;
  const site = siteOf(scene.dump, hold.site);
  const name = resourceName(scene.dump, resource);
  return {
    id: "long-wait",
    verdict: "long-wait",
    certainty: "heuristic",
    message: `${quoted(holder.name)} has held ${name} for ${formatDuration(hold.forMs)}; ${count(resource.waiters.length, "task")} wait${resource.waiters.length === 1 ? "s" : ""} for it, the longest for ${formatDuration(longest)}.`,
    tasks: [holder.id, ...resource.waiters].slice(0, mostTasks),
    resources: [resource.id],
    at: distinctPlaces(placesOf(scene.dump, [holder]), site === undefined ? [] : [placeOf(site)]),
  };
}
