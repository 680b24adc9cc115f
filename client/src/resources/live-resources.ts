// What running programs do with a resource of the source, made from launches alone.
import { count, formatDuration, plain, siteOf } from "@unknot/dump/names.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import type { Overview } from "@unknot/protocol/wire.ts";
import type { Launch } from "../sessions/launches.ts";

/** One resource of a running program, as it is now. */
export interface LiveResource {
  readonly waiting: number;
  readonly held: number;
  /** Names of the tasks that hold it, as far as they are known, with the time that each has held it. */
  readonly holders: readonly { readonly name: string; readonly forMs: number }[];
  readonly oldestWaitMs: number;
  readonly capacity?: number;
  readonly length?: number;
  readonly closed: boolean;
}

/** The resources of running programs that were made at a place. */
export function liveResourcesAt(launches: readonly Launch[], made: Place): readonly LiveResource[] {
  return launches
    .flatMap(({ sessions }) => sessions)
    .flatMap(({ state, overview }) => {
      if (state.kind !== "live" || !overview) return [];
      const onLine = overview.resources.filter(({ created }) => {
        const site = siteOf(overview, created);
        return site?.file === made.file && site.line === made.line;
      });
      const exact = onLine.filter(({ created }) => siteOf(overview, created)?.column === made.column);
      return (exact.length > 0 ? exact : onLine).map((resource) => liveOf(overview, resource));
    });
}

function liveOf(overview: Overview, resource: Resource): LiveResource {
  const waits = overview.tasks.flatMap(({ wait }) =>
    wait?.on === "resource" && wait.resource === resource.id ? [wait.sinceMs] : [],
  );
  const blocker = overview.blockers?.find(({ of }) => "resource" in of && of.resource === resource.id);
  const names = new Map(overview.tasks.map(({ id, name }) => [id, name]));
  return {
    waiting: resource.waiting ?? resource.waiters.length,
    held: resource.held ?? resource.holders.length,
    holders: resource.holders.flatMap(({ task, forMs }) => {
      const name = task === undefined ? undefined : names.get(task);
      return name === undefined ? [] : [{ name: plain(name), forMs }];
    }),
    oldestWaitMs: Math.max(0, blocker?.longestMs ?? 0, ...waits),
    ...(resource.capacity === undefined ? {} : { capacity: resource.capacity }),
    ...(resource.length === undefined ? {} : { length: resource.length }),
    closed: resource.closed ?? false,
  };
}

/** `3 tasks wait for it, the oldest for 12 s`; undefined when none does. */
export function waitingText(live: readonly LiveResource[]): string | undefined {
  const waiting = live.reduce((sum, one) => sum + one.waiting, 0);
  if (waiting === 0) return undefined;
  const oldest = formatDuration(Math.max(...live.map(({ oldestWaitMs }) => oldestWaitMs)));
  return waiting === 1
    ? `1 task waits for it, for ${oldest}`
    : `${count(waiting, "task")} wait for it, the oldest for ${oldest}`;
}

/** What a resource is doing, a line each: plain text of the program. */
export function liveLines(live: LiveResource): readonly string[] {
  const { held, holders, capacity, length, closed } = live;
  const named = holders
    .slice(0, mostHolders)
    .map(({ name, forMs }) => `${name} for ${formatDuration(forMs)}`);
  const others = held - named.length;
  const who = [...named, ...(others > 0 ? [count(others, named.length === 0 ? "task" : "more task")] : [])];
  const of = capacity === undefined || capacity === 1 ? "" : ` (${held} of ${capacity})`;
  return [
    ...(held > 0 ? [`held by ${who.join(", ")}${of}`] : []),
    ...(length === undefined ? [] : [`${count(length, "item")} in it${held > 0 ? "" : room(capacity)}`]),
    ...(closed ? ["closed"] : []),
    waitingText([live]) ?? "nobody waits for it",
  ];
}

const mostHolders = 4;

function room(capacity: number | undefined): string {
  return capacity === undefined ? "" : `, room for ${capacity}`;
}
