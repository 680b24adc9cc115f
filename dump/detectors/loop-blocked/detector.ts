import { formatDuration, quoted, shortPlace, whereIs } from "../../names.ts";
import { type Detector, mostTasks, placesOf } from "../detector.ts";

const patienceMs = 1000;

/** No turn of the event loop for a second: synchronous code, `Atomics.wait` or a debugger. */
export const loopBlocked: Detector = {
  id: "loop-blocked",
  title: "The event loop does not turn",
  detect({ dump }) {
    const { state, sinceMs } = dump.loop;
    if (state !== "blocked" || sinceMs < patienceMs) return [];
    const running = dump.tasks.filter((task) => task.state === "running");
    const [first] = running;
    const where = first === undefined ? undefined : whereIs(dump, first);
    const at = where === undefined ? "" : ` at ${shortPlace(where)}`;
    const who = first === undefined ? "" : ` while ${quoted(first.name)} runs${at}`;
    return [
      {
        id: "loop-blocked",
        verdict: "loop-blocked",
        certainty: "observed",
        message: `The event loop has not turned for ${formatDuration(sinceMs)}${who}.`,
        tasks: running.slice(0, mostTasks).map((task) => task.id),
        resources: [],
        at: placesOf(dump, running),
      },
    ];
  },
};
