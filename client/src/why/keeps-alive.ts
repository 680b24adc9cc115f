// What keeps a program alive, made from its dump alone.
import { sameHandles } from "@unknot/dump/handles.ts";
import {
  count,
  formatDuration,
  grouped,
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
import type { Task } from "@unknot/protocol/task.ts";

/** Something that keeps a program alive, or tasks that have not ended. */
export interface Reason {
  readonly kind: "handle" | "task";
  /** How many tasks; of handles how many lists of them. */
  readonly count: number;
  /** `an interval (every 1000 ms) keeps it alive` */
  readonly what: string;
  /** `created at poll.ts:12 in 'start', 3 min ago` */
  readonly since: string;
  readonly place?: Place;
}

/**
 * Handles first, then tasks, the oldest first each; tasks of one name that wait at one line are one. Handles are only
 * there when the tracer was asked to watch them.
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
      count: 1,
      what: `${handleName(first)}${more} ${others.length === 0 ? "keeps" : "keep"} it alive`,
      since: `${where}, ${formatDuration(first.ageMs)} ago${test}`,
      ...(site === undefined ? {} : { place: placeOf(site) }),
    };
  });
  const pending = dump.tasks
    .filter((task) => task.external !== true && task.state !== "running" && !hasEnded(task))
    .sort((one, other) => waitMs(other) - waitMs(one));
  const alike = Map.groupBy(pending, ({ name, state, at, created, entry }) =>
    JSON.stringify([name, state, at ?? created ?? entry]),
  );
  return [...handles, ...[...alike.values()].flatMap((tasks) => taskReason(dump, tasks) ?? [])];
}

/** Of tasks that wait alike, the oldest first. */
function taskReason(dump: Dump, tasks: readonly Task[]): Reason | undefined {
  const [oldest] = tasks;
  const youngest = tasks.at(-1);
  if (oldest === undefined || youngest === undefined) return undefined;
  const site = whereIs(dump, oldest);
  const name = plain(oldest.name);
  const [least, most] = [formatDuration(waitMs(youngest)), formatDuration(waitMs(oldest))];
  return {
    kind: "task",
    count: tasks.length,
    what: tasks.length === 1 ? `${name} has not ended` : `${grouped(tasks.length)} × ${name} have not ended`,
    since: `${oldest.state} for ${least === most ? most : `${least} to ${most}`}${site === undefined ? "" : ` at ${shortPlace(site)}`}`,
    ...(site === undefined ? {} : { place: placeOf(site) }),
  };
}

/** `2 things are open, 3 tasks have not ended`; what is open is only known where handles are watched. */
export function summaryOf(reasons: readonly Reason[], watched: boolean): string {
  const sum = (of: Reason["kind"]) =>
    reasons.reduce((before, { kind, count: more }) => before + (kind === of ? more : 0), 0);
  const [open, tasks] = [sum("handle"), sum("task")];
  return [
    watched
      ? open === 0
        ? "nothing that is seen is open"
        : `${count(open, "thing")} ${open === 1 ? "is" : "are"} open`
      : "what is open was not watched",
    ...(tasks > 0 ? [`${count(tasks, "task")} ${tasks === 1 ? "has" : "have"} not ended`] : []),
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
