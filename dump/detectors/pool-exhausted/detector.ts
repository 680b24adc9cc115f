import type { Problem } from "@unknot/protocol/problem.ts";
import type { Hold, Resource } from "@unknot/protocol/resource.ts";
import { isExhausted } from "../../exhausted.ts";
import { goneHolds } from "../../gone-holds.ts";
import {
  capital,
  count,
  formatDuration,
  placeOf,
  quoted,
  resourceName,
  shortPlace,
  siteOf,
} from "../../names.ts";
import { type Detector, distinctPlaces, mostTasks, placesOf, type Scene } from "../detector.ts";

/**
 * A pool with no free client while tasks have waited for a while: those who hold its clients are what to look at. Where
 * a deadlock or a holder that is gone explains it, that is told instead.
 */
export const poolExhausted: Detector = {
  id: "pool-exhausted",
  title: "Every client of a pool is taken while tasks wait",
  detect(scene) {
    return scene.dump.resources.flatMap((resource) => problemOf(scene, resource) ?? []);
  },
};

const patienceMs = 1000;

function problemOf(scene: Scene, resource: Resource): Problem | undefined {
  if (!isExhausted(resource)) return undefined;
  const waiters = resource.waiters.flatMap((id) => scene.taskById.get(id) ?? []);
  const longest = waiters.reduce((most, task) => Math.max(most, task.wait?.sinceMs ?? 0), 0);
  if (longest < patienceMs) return undefined;
  if (goneHolds(scene, resource).length > 0 || resource.holders.every((hold) => isStuck(scene, hold)))
    return undefined;
  const { dump } = scene;
  const oldestFirst = [...resource.holders].sort((a, b) => b.forMs - a.forMs);
  const holders = oldestFirst.flatMap(({ task }) =>
    task === undefined ? [] : (scene.taskById.get(task) ?? []),
  );
  const [oldest] = oldestFirst;
  const taken = oldestFirst.flatMap(({ site }) => {
    const found = siteOf(dump, site);
    return found === undefined ? [] : [placeOf(found)];
  });
  const since =
    oldest === undefined ? "" : `, the longest for ${formatDuration(oldest.forMs)}${byWhom(scene, oldest)}`;
  const name = resourceName(dump, resource);
  const wait = `${count(resource.waiters.length, "task")} wait${resource.waiters.length === 1 ? "s" : ""}`;
  return {
    id: "pool-exhausted",
    verdict: "pool-exhausted",
    certainty: "observed",
    message: capital(
      `${resource.capacity === 1 ? `the only client of ${name} is` : `all ${resource.capacity} clients of ${name} are`} taken${since}; ${wait} for one, the longest for ${formatDuration(longest)}.`,
    ),
    tasks: [...holders.map(({ id }) => id), ...resource.waiters].slice(0, mostTasks),
    resources: [resource.id],
    at: distinctPlaces(placesOf(dump, holders), taken, placesOf(dump, waiters)).slice(0, 16),
  };
}

function byWhom(scene: Scene, { task, site }: Hold): string {
  const holder = task === undefined ? undefined : scene.taskById.get(task);
  const place = siteOf(scene.dump, site);
  const where = place === undefined ? "" : ` (${shortPlace(place)})`;
  return holder === undefined ? where : ` by ${quoted(holder.name)}${where}`;
}

function isStuck(scene: Scene, { task }: Hold): boolean {
  const vertex = task === undefined ? undefined : scene.graph.vertexOfTask.get(task);
  return vertex !== undefined && scene.stuck[vertex] === 1;
}
