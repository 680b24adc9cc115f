import type { Dump } from "@unknot/protocol/dump.ts";
import type { OverRelease } from "@unknot/protocol/over-release.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import { capital, count, placeOf, quoted, resourceName, shortPlace, siteOf } from "../../names.ts";
import { type Detector, distinctPlaces } from "../detector.ts";

/** What the tracer has seen given back more often than it was taken: a fact, whatever comes later. */
export const overRelease: Detector = {
  id: "over-release",
  title: "A lock or permit is given back more often than it is taken",
  detect: ({ dump }) => (dump.overReleases ?? []).map((each) => problemOf(dump, each)),
};

function problemOf(dump: Dump, released: OverRelease): Problem {
  const at = siteOf(dump, released.at);
  const taken = siteOf(dump, released.taken);
  const created = siteOf(dump, released.resource.created);
  return {
    id: "lock-over-release",
    verdict: "over-release",
    certainty: "proved",
    message: messageOf(dump, released),
    tasks: [],
    resources: [],
    at: distinctPlaces([at, taken, created].flatMap((site) => (site === undefined ? [] : [placeOf(site)]))),
  };
}

function messageOf(dump: Dump, released: OverRelease): string {
  const { outcome, resource, capacity, free } = released;
  const at = siteOf(dump, released.at);
  const taken = siteOf(dump, released.taken);
  const name = capital(resourceName(dump, resource));
  const who = at?.function === undefined ? "somebody" : quoted(at.function);
  const where = at === undefined ? "" : ` at ${shortPlace(at)}`;
  const times = released.count > 1 ? ` (${count(released.count, "time")})` : "";
  if (outcome === "freed") {
    const whose = taken?.function === undefined ? "another task" : quoted(taken.function);
    const since = taken === undefined ? "" : `, which had taken it at ${shortPlace(taken)}`;
    return `${name} was given back twice by ${who}${where}${times}; the second time ended the hold of ${whose}${since}.`;
  }
  const now =
    free === undefined || capacity === undefined
      ? "it lets in more than it should"
      : resource.kind === "mutex"
        ? `${free} can have it at once`
        : `${count(free, "permit")} of ${capacity} are free`;
  return `${name} was given back by ${who}${where}${times} without being held, and now ${now}.`;
}
