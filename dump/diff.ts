import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Task, TaskId, TaskState } from "@unknot/protocol/task.ts";
import { siteOf } from "./names.ts";
import { gather, waitMs } from "./overview.ts";

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
  /** Tasks of the later dump that the earlier one does not have, and the reverse. Empty for different processes. */
  readonly started: readonly TaskId[];
  readonly ended: readonly TaskId[];
  /** Groups that changed in number, those that grew most first. */
  readonly groups: readonly GroupChange[];
  readonly newProblems: readonly Problem[];
  readonly goneProblems: readonly Problem[];
}

/** What changed from one dump to a later one. */
export function diffDumps(before: Dump, after: Dump): DumpDiff {
  const sameProcess =
    before.process.pid === after.process.pid && Math.abs(startOf(before) - startOf(after)) < 5000;
  const earlier = new Set(before.tasks.map((task) => task.id));
  const later = new Set(after.tasks.map((task) => task.id));
  const known = new Set(before.problems.map(problemKey));
  const still = new Set(after.problems.map(problemKey));
  return {
    sameProcess,
    elapsedMs: after.capturedAt - before.capturedAt,
    started: sameProcess ? after.tasks.flatMap(({ id }) => (earlier.has(id) ? [] : id)) : [],
    ended: sameProcess ? before.tasks.flatMap(({ id }) => (later.has(id) ? [] : id)) : [],
    groups: changedGroups(before, after),
    newProblems: after.problems.filter((problem) => !known.has(problemKey(problem))),
    goneProblems: before.problems.filter((problem) => !still.has(problemKey(problem))),
  };
}

/** Recognises a problem in another dump of the same program: what it is and where, not which tasks have it. */
function problemKey({ id, verdict, at }: Problem): string {
  return JSON.stringify([verdict, id, at.slice(0, 4)]);
}

/** When the process started; two captures of one process give slightly different times. */
function startOf(dump: Dump): number {
  return dump.capturedAt - dump.process.upMs;
}

interface Group {
  readonly key: string;
  readonly tasks: readonly Task[];
}

function changedGroups(before: Dump, after: Dump): readonly GroupChange[] {
  const earlier = groupsOf(before);
  const later = groupsOf(after);
  const changes: GroupChange[] = [];
  for (const key of new Set([...later.keys(), ...earlier.keys()])) {
    const was = earlier.get(key)?.tasks ?? [];
    const is = later.get(key)?.tasks ?? [];
    const shown = is.length > 0 ? is : was;
    const [example] = shown;
    if (was.length === is.length || example === undefined) continue;
    const maxWaitMs = shown.reduce((most, task) => Math.max(most, waitMs(task)), 0);
    const at = siteOf(is.length > 0 ? after : before, example.at);
    const { name, state } = example;
    changes.push({
      key,
      before: was.length,
      after: is.length,
      maxWaitMs,
      name,
      state,
      ...(at === undefined ? {} : { at }),
    });
  }
  return changes.sort(
    (a, b) => b.after - b.before - (a.after - a.before) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  );
}

/** Groups without the labels of deadlocks: a task that gets stuck does not move to another group. */
function groupsOf(dump: Dump): ReadonlyMap<string, Group> {
  const groups = gather({ ...dump, problems: [] });
  return new Map(
    groups.map(({ key, members }) => [
      key,
      { key, tasks: members.flatMap((index) => dump.tasks[index] ?? []) },
    ]),
  );
}
