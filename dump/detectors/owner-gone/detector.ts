import type { Problem } from "@unknot/protocol/problem.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import { goneHolds, isLost } from "../../gone-holds.ts";
import { capital, count, placeOf, quoted, resourceName, shortPlace, siteOf } from "../../names.ts";
import { type Detector, distinctPlaces, mostTasks, placesOf, type Scene } from "../detector.ts";

/**
 * A lock, permit or client that tasks wait for and whose holder has ended. Proved when the loop ran empty, and of a holder
 * that alone could give back; else whoever got the release function may still call it. A wait has to last a while first,
 * except for a holder that can never go on.
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
  const holder = gone.task === undefined ? undefined : scene.taskById.get(gone.task);
  const lost = holder !== undefined && isLost(gone, holder);
  const waiters = resource.waiters.flatMap((id) => scene.taskById.get(id) ?? []);
  const longest = waiters.reduce((most, task) => Math.max(most, task.wait?.sinceMs ?? 0), 0);
  if (!ended && !lost && longest < patienceMs) return undefined;
  const site = siteOf(scene.dump, gone.site);
  const taker = holder?.name ?? site?.function;
  const by = taker === undefined ? "a task that" : `${quoted(taker)}, which`;
  const lot = lost ? "can never go on to give it back" : "has ended without giving it back";
  const where = site === undefined ? "" : ` at ${shortPlace(site)}`;
  const [first] = waiters;
  const who =
    waiters.length === 1 && first !== undefined
      ? `${quoted(first.name)} waits`
      : `${count(resource.waiters.length, "task")} wait`;
  return {
    id: ruleOf(resource),
    verdict: "owner-gone",
    certainty: ended || lost || gone.release === "task" ? "proved" : "observed",
    message: `${capital(resourceName(scene.dump, resource))} was taken${where} by ${by} ${lot}; ${who} for it.`,
    tasks: resource.waiters.slice(0, mostTasks),
    resources: [resource.id],
    at: distinctPlaces(site === undefined ? [] : [placeOf(site)], placesOf(scene.dump, waiters)).slice(0, 16),
  };
}

/** The static rule that finds this mistake in the source. */
function ruleOf({ kind }: Resource): string {
  return kind === "pool" ? "pool-client-not-released" : kind === "queue" ? "owner-gone" : "lock-not-released";
}
