import type { ContendedResource, ContendedWait } from "@unknot/protocol/contention.ts";
import type { Dump, Filtered, Site } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { TaskId, TaskState } from "@unknot/protocol/task.ts";
import type { Overview } from "@unknot/protocol/wire.ts";
import { siteOf } from "./names.ts";
import { taskGroups } from "./overview.ts";

/** One group of tasks in two dumps; a count of 0 means that the group is not in that dump. */
export interface GroupChange {
  readonly key: string;
  readonly before: number;
  readonly after: number;
  /** The longest wait in the later dump, else in the earlier one. */
  readonly maxWaitMs: number;
  readonly name: string;
  readonly state: TaskState;
  /** Where they wait. */
  readonly at?: Site;
}

export interface DumpDiff {
  /** Whether both are of one process, so that tasks can be followed by their numbers. */
  readonly sameProcess: boolean;
  readonly elapsedMs: number;
  /** Of which side only a part is there: what seems to have come or gone may have been left out. */
  readonly filtered?: { readonly before?: Filtered; readonly after?: Filtered };
  /** Tasks of the later dump that the earlier one does not have, and the reverse. Empty for different processes. */
  readonly started: readonly TaskId[];
  readonly ended: readonly TaskId[];
  /** Groups that changed in number, those that grew most first. */
  readonly groups: readonly GroupChange[];
  readonly newProblems: readonly Problem[];
  readonly goneProblems: readonly Problem[];
  /** Problems of both, as the later one has them. */
  readonly stillProblems: readonly Problem[];
  /** What has been waited between the two, the longest in sum first. Empty for different processes. */
  readonly waited: readonly WaitedBetween[];
}

/** Waits at one place that have ended between two dumps. */
interface WaitedBetween {
  readonly state: TaskState;
  readonly resource?: Pick<ContendedResource, "kind" | "type" | "name">;
  readonly at?: Site;
  readonly count: number;
  readonly totalMs: number;
}

/** What changed from one dump to a later one. */
export function diffDumps(before: Dump, after: Dump): DumpDiff {
  const sameProcess =
    before.process.pid === after.process.pid && Math.abs(startOf(before) - startOf(after)) < 5000;
  const earlier = new Set(before.tasks.map((task) => task.id));
  const later = new Set(after.tasks.map((task) => task.id));
  return {
    sameProcess,
    elapsedMs: after.capturedAt - before.capturedAt,
    ...filteredSides(before, after),
    started: sameProcess ? after.tasks.flatMap(({ id }) => (earlier.has(id) ? [] : id)) : [],
    ended: sameProcess ? before.tasks.flatMap(({ id }) => (later.has(id) ? [] : id)) : [],
    groups: changedCounts(withGroups(before), withGroups(after)),
    ...changedProblems(before.problems, after.problems),
    stillProblems: stillProblems(before.problems, after.problems),
    waited: sameProcess ? waitedBetween(before, after) : [],
  };
}

function filteredSides(before: Dump, after: Dump): Pick<DumpDiff, "filtered"> {
  if (before.filtered === undefined && after.filtered === undefined) return {};
  return {
    filtered: {
      ...(before.filtered === undefined ? {} : { before: before.filtered }),
      ...(after.filtered === undefined ? {} : { after: after.filtered }),
    },
  };
}

function changedProblems(
  before: readonly Problem[],
  after: readonly Problem[],
): Pick<DumpDiff, "newProblems" | "goneProblems"> {
  const known = new Set(before.map(problemKey));
  const still = new Set(after.map(problemKey));
  return {
    newProblems: after.filter((problem) => !known.has(problemKey(problem))),
    goneProblems: before.filter((problem) => !still.has(problemKey(problem))),
  };
}

function stillProblems(before: readonly Problem[], after: readonly Problem[]): readonly Problem[] {
  const known = new Set(before.map(problemKey));
  return after.filter((problem) => known.has(problemKey(problem)));
}

function waitedBetween(before: Dump, after: Dump): readonly WaitedBetween[] {
  const earlier = sumsOf(before);
  // What a grouped text left out had been waited before, nobody knows how long.
  const isWhole = before.contention?.inAll === undefined;
  return [...sumsOf(after)]
    .flatMap(([key, { wait, count, totalMs }]) => {
      const was = earlier.get(key);
      const moreMs = totalMs - (was?.totalMs ?? 0);
      // Text has whole milliseconds.
      if (moreMs < 1 || (was === undefined && !isWhole)) return [];
      const at = siteOf(after, wait.stack[0]);
      return {
        state: wait.state,
        count: count - (was?.count ?? 0),
        totalMs: moreMs,
        ...(wait.resource === undefined ? {} : { resource: named(wait.resource) }),
        ...(at === undefined ? {} : { at }),
      };
    })
    .sort((a, b) => b.totalMs - a.totalMs);
}

interface WaitSum {
  /** The first of them. */
  readonly wait: ContendedWait;
  readonly count: number;
  readonly totalMs: number;
}

/** Resources with several names can come from one place. */
function sumsOf(dump: Dump): ReadonlyMap<string, WaitSum> {
  const sums = new Map<string, WaitSum>();
  for (const each of dump.contention?.waits ?? []) {
    const key = waitKey(dump, each);
    const { wait, count, totalMs } = sums.get(key) ?? { wait: each, count: 0, totalMs: 0 };
    sums.set(key, { wait, count: count + each.count, totalMs: totalMs + each.totalMs });
  }
  return sums;
}

function named({ kind, type, name }: ContendedResource): NonNullable<WaitedBetween["resource"]> {
  return { kind, type, ...(name === undefined ? {} : { name }) };
}

/** The same place in two dumps, which number their sites each in their own way. */
function waitKey(dump: Dump, { stack, state, resource }: ContendedWait): string {
  const place = (index: number | undefined) => {
    const site = siteOf(dump, index);
    return site && [site.file, site.line, site.column];
  };
  return JSON.stringify([stack.map(place), state, resource?.type, place(resource?.created)]);
}

/** Recognises a problem in another dump of the same program: what it is and where, not which tasks have it. */
function problemKey({ id, verdict, at }: Problem): string {
  return JSON.stringify([verdict, id, at.slice(0, 4)]);
}

/** When the process started; two captures of one process give slightly different times. */
function startOf(dump: Dump): number {
  return dump.capturedAt - dump.process.upMs;
}

function withGroups({ capturedAt, sites, tasks }: Dump): GroupCounts {
  return { capturedAt, sites, groups: taskGroups({ sites, tasks, problems: [] }, 0) };
}

/** What an overview says of groups: enough to see later what has changed. */
export type GroupCounts = Pick<Overview, "capturedAt" | "groups" | "sites">;

/** The groups that changed in number from one overview to a later one, those that grew most first. */
export function changedCounts(before: GroupCounts, after: GroupCounts): readonly GroupChange[] {
  const earlier = countsOf(before);
  const later = countsOf(after);
  const changes: GroupChange[] = [];
  for (const key of new Set([...later.keys(), ...earlier.keys()])) {
    const is = later.get(key);
    const was = earlier.get(key);
    const shown = is ?? was;
    if (shown === undefined || is?.count === was?.count) continue;
    changes.push({ ...shown.change, key, before: was?.count ?? 0, after: is?.count ?? 0 });
  }
  return changes.sort(byGrowth);
}

/** A moment of a program, as far as comparing needs it: groups and problems, however many tasks there were. */
export interface Moment extends GroupCounts {
  readonly problems: readonly Problem[];
}

/** What changed from one moment of a program to a later one. */
export interface MomentDiff extends Pick<DumpDiff, "elapsedMs" | "newProblems" | "goneProblems"> {
  /** Places where tasks wait that did not before, where none does any more, where more do and where fewer do. */
  readonly fresh: readonly GroupChange[];
  readonly gone: readonly GroupChange[];
  readonly grown: readonly GroupChange[];
  readonly shrunk: readonly GroupChange[];
  /** Places where the longest wait is the same one: nobody has let the task go on in between. */
  readonly older: readonly GroupChange[];
}

/** Clocks of dumps are exact to some ticks, and the capture takes its time. */
const clockToleranceMs = 250;

export function diffMoments(before: Moment, after: Moment): MomentDiff {
  const changes = changedCounts(before, after);
  const elapsedMs = after.capturedAt - before.capturedAt;
  const earlier = countsOf(before);
  const older = [...countsOf(after)].flatMap(([key, { count, change }]): GroupChange[] => {
    const was = earlier.get(key);
    const waits = change.state !== "running" && change.state !== "runnable";
    const stayed = elapsedMs > 0 && change.maxWaitMs >= elapsedMs - clockToleranceMs;
    const same =
      was !== undefined && Math.abs(change.maxWaitMs - was.change.maxWaitMs - elapsedMs) <= clockToleranceMs;
    return waits && stayed && same ? [{ ...change, key, before: was.count, after: count }] : [];
  });
  return {
    elapsedMs,
    fresh: changes.filter((change) => change.before === 0),
    gone: changes.filter((change) => change.after === 0),
    grown: changes.filter((change) => change.before > 0 && change.after > change.before),
    shrunk: changes.filter((change) => change.after > 0 && change.after < change.before),
    older: older.sort((a, b) => b.maxWaitMs - a.maxWaitMs || (a.key < b.key ? -1 : 1)),
    ...changedProblems(before.problems, after.problems),
  };
}

function countsOf({ groups, sites }: GroupCounts) {
  const counts = new Map<
    string,
    { readonly count: number; readonly change: Omit<GroupChange, "key" | "before" | "after"> }
  >();
  for (const { key, count, problem, name, state, maxWaitMs, at: site } of groups) {
    // A task that gets stuck does not move to another group.
    const plainKey = problem === undefined ? key : key.slice(problem.length + 1);
    const at = siteOf({ sites }, site);
    const known = counts.get(plainKey);
    counts.set(plainKey, {
      count: (known?.count ?? 0) + count,
      change: {
        name,
        state,
        maxWaitMs: Math.max(maxWaitMs, known?.change.maxWaitMs ?? 0),
        ...(at === undefined ? {} : { at }),
      },
    });
  }
  return counts;
}

function byGrowth(a: GroupChange, b: GroupChange): number {
  return b.after - b.before - (a.after - a.before) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}
