// What keeps a program alive, made from its dump alone.
import { sameHandles } from "@unknot/dump/handles.ts";
import {
  count,
  formatDuration,
  handleName,
  placeOf,
  plain,
  quoted,
  shortPlace,
  siteOf,
  waitMs,
  whereIs,
} from "@unknot/dump/names.ts";
import { hasEnded } from "@unknot/dump/wait-for-graph.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Place } from "@unknot/protocol/place.ts";

/** Something that keeps a program alive, or a task that has not ended. */
export interface Reason {
  readonly kind: "handle" | "task";
  /** `an interval (every 1000 ms) keeps it alive` */
  readonly what: string;
  /** `created at poll.ts:12 in 'start', 3 min ago` */
  readonly since: string;
  readonly place?: Place;
}

/**
 * Handles first, then tasks, the oldest first each. Handles are only there when the tracer was asked to watch them.
 */
export function reasonsIn(dump: Dump): readonly Reason[] {
  const handles = sameHandles(dump).map(([first, ...others]): Reason => {
    const site = first.stack.flatMap((index) => siteOf(dump, index) ?? [])[0];
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    const inside = site?.function === undefined ? "" : ` in ${quoted(site.function)}`;
    const test = first.test === undefined ? "" : `, in the test ${quoted(first.test)}`;
    const where =
      site === undefined ? "created by Node or a package" : `created at ${shortPlace(site)}${inside}`;
    return {
      kind: "handle",
      what: `${handleName(first)}${more} ${others.length === 0 ? "keeps" : "keep"} it alive`,
      since: `${where}, ${formatDuration(first.ageMs)} ago${test}`,
      ...(site === undefined ? {} : { place: placeOf(site) }),
    };
  });
  const tasks = dump.tasks
    .filter((task) => task.external !== true && task.state !== "running" && !hasEnded(task))
    .sort((one, other) => waitMs(other) - waitMs(one))
    .map((task): Reason => {
      const site = whereIs(dump, task);
      return {
        kind: "task",
        what: `${plain(task.name)} has not ended`,
        since: `${task.state} for ${formatDuration(waitMs(task))}${site === undefined ? "" : ` at ${shortPlace(site)}`}`,
        ...(site === undefined ? {} : { place: placeOf(site) }),
      };
    });
  return [...handles, ...tasks];
}

/** `2 things are open, 3 tasks have not ended`. */
export function summaryOf(reasons: readonly Reason[]): string {
  const handles = reasons.filter(({ kind }) => kind === "handle").length;
  const tasks = reasons.length - handles;
  return [
    ...(handles > 0 ? [`${count(handles, "thing")} open`] : []),
    ...(tasks > 0 ? [`${count(tasks, "task")} not ended`] : []),
  ].join(", ");
}

/** The same as long as nothing is opened or closed and no task starts, moves or ends. */
export function signatureOf({ tasks, handles, testRun }: Dump): string {
  return JSON.stringify([
    tasks.map((task) => [task.id, task.state, task.at]),
    handles?.map(({ ageMs: _, ...handle }) => handle),
    testRun?.tests,
  ]);
}
