import type { Problem } from "@unknot/protocol/problem.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import { goneHolds } from "../../gone-holds.ts";
import { capital, count, placeOf, quoted, resourceName, shortPlace, siteOf } from "../../names.ts";
import { type Detector, distinctPlaces, mostTasks, placesOf, type Scene } from "../detector.ts";

/**
 * A lock, permit or client that tasks wait for and whose holder has ended. Proved when the loop ran empty; before,
 * whoever got the release function may still call it, so a wait has to last a while first.
 */
export const ownerGone: Detector = {
  id: "owner-gone",
  title: "A lock, permit or client is held by a task that has ended",
  detect(scene) {
    return scene.dump.resources.flatMap((resource) => problemOf(scene, resource) ?? []);
  },
};

const patienceMs = 1000;

function problemOf(scene: Scene, resource: Resource): Problem | undefined {
  const [gone] = goneHolds(scene, resource);
  if (gone === undefined) return undefined;
  const ended = scene.dump.loop.state === "ended";
  const waiters = resource.waiters.flatMap((id) => scene.taskById.get(id) ?? []);
  const longest = waiters.reduce((most, task) => Math.max(most, task.wait?.sinceMs ?? 0), 0);
  if (!ended && longest < patienceMs) return undefined;
  const site = siteOf(scene.dump, gone.site);
  const holder = gone.task === undefined ? undefined : scene.taskById.get(gone.task);
  const taker = holder?.name ?? site?.function;
  const by = taker === undefined ? "a task that" : `${quoted(taker)}, which`;
  const where = site === undefined ? "" : ` at ${shortPlace(site)}`;
  const [first] = waiters;
  const who =
    waiters.length === 1 && first !== undefined
      ? `${quoted(first.name)} waits`
      : `${count(resource.waiters.length, "task")} wait`;
  return {
    id: resource.kind === "pool" ? "pool-client-not-released" : "lock-not-released",
    verdict: "owner-gone",
    certainty: ended ? "proved" : "observed",
    message: `${capital(resourceName(scene.dump, resource))} was taken${where} by ${by} has ended without giving it back; ${who} for it.`,
    tasks: resource.waiters.slice(0, mostTasks),
    resources: [resource.id],
    at: distinctPlaces(site === undefined ? [] : [placeOf(site)], placesOf(scene.dump, waiters)).slice(0, 16),
  };
}
