import { formatDuration, placeOf, quoted, shortPlace, siteOf, whereIs } from "../../names.ts";
import { type Detector, distinctPlaces, mostTasks, placesOf } from "../detector.ts";

const patienceMs = 1000;

/** No turn of the event loop for a second: synchronous code, `Atomics.wait` or a debugger. */
export const loopBlocked: Detector = {
  id: "loop-blocked",
  title: "The event loop does not turn",
  detect({ dump }) {
    const { state, sinceMs } = dump.loop;
    if (state !== "blocked" || sinceMs < patienceMs) return [];
    const running = dump.tasks.filter((task) => task.state === "running");
    const frames = (dump.loop.stack ?? []).flatMap((index) => siteOf(dump, index) ?? []);
    const [first] = running;
    // A function of Node itself says less than who called it.
    const inner = frames.find(({ file }) => !file.startsWith("node:")) ?? frames[0];
    const where = inner ?? (first === undefined ? undefined : whereIs(dump, first));
    const name = inner?.function ?? first?.name;
    const at = where === undefined ? "" : ` at ${shortPlace(where)}`;
    const who =
      where === undefined && name === undefined
        ? ""
        : ` while ${name === undefined ? "code" : quoted(name)} runs${at}`;
    return [
      {
        id: "loop-blocked",
        verdict: "loop-blocked",
        certainty: "observed",
        message: `The event loop has not turned for ${formatDuration(sinceMs)}${who}.`,
        tasks: running.slice(0, mostTasks).map((task) => task.id),
        resources: [],
        at: distinctPlaces([...(inner ? [inner] : []), ...frames].map(placeOf), placesOf(dump, running)),
      },
    ];
  },
};
