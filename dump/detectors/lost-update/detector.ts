import { count, placeOf, quoted, shortPlace, siteOf } from "../../names.ts";
import { type Detector, distinctPlaces } from "../detector.ts";

/** What the tracer has seen overwritten by a value that did not know of it. */
export const lostUpdate: Detector = {
  id: "lost-update",
  title: "A value is stored that was worked out before others changed it",
  detect: ({ dump }) =>
    (dump.lostUpdates ?? []).map(({ place, at, read, count: times }) => {
      const stored = siteOf(dump, at);
      const readAt = siteOf(dump, read);
      const who = stored?.function === undefined ? "Code" : quoted(stored.function);
      const since =
        readAt === undefined || readAt.line === stored?.line
          ? "before it waited"
          : `at ${shortPlace(readAt)}, before it waited`;
      const where = stored === undefined ? "" : ` at ${shortPlace(stored)}`;
      return {
        id: "stale-write-after-await",
        verdict: "lost-update",
        certainty: "observed",
        message: `${who} read ${quoted(place)} ${since}, and stored a value based on that${where}; what had been stored meanwhile is lost${times > 1 ? ` (${count(times, "time")})` : ""}.`,
        tasks: [],
        resources: [],
        at: distinctPlaces([stored, readAt].flatMap((site) => (site === undefined ? [] : [placeOf(site)]))),
      };
    }),
};
