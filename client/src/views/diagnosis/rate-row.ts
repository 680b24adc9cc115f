import { count } from "@unknot/dump/names.ts";
import { icons } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import type { Scene } from "../tree/scene.ts";

/** How many tasks the program starts, and what of them was lost to the tracer; nothing when nobody knows. */
export function rateRow({ session, overview: { started, coverage } }: Scene): Row | undefined {
  const { rate } = session;
  if (rate === undefined || started === undefined) return undefined;
  const perSecond = rate > 0 && rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString("en");
  const lost = coverage.dropped === 0 ? "none dropped" : `${count(coverage.dropped, "event")} dropped`;
  const description = `${perSecond} a second, ${started.toLocaleString("en")} so far, ${lost}`;
  return {
    id: `${session.id} rate`,
    kind: "section",
    label: "Tasks started",
    description,
    icon: coverage.dropped === 0 ? icons.rate : icons.error,
    spoken: `tasks started: ${description}`,
    session: session.id,
  };
}
