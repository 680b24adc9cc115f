import type { DumpDiff, GroupChange } from "@unknot/dump/diff.ts";
import { count, formatDuration } from "@unknot/dump/names.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import { shown } from "../paths.ts";
import { type Colors, printable } from "../terminal.ts";

/** What changed between two dumps, for people: problems first, then groups that grew, then those that shrank. */
export function diffText(
  before: Dump,
  after: Dump,
  diff: DumpDiff,
  { colors, base }: { readonly colors: Colors; readonly base: string },
): string {
  const lines = [describe("before", before), describe("after", after)];
  if (diff.sameProcess) {
    if (diff.elapsedMs < 0) lines.push("In reverse order: 'before' was taken later than 'after'.");
    lines.push(
      `${formatDuration(Math.abs(diff.elapsedMs))} apart: ${count(diff.started.length, "task")} started, ${diff.ended.length} ended.`,
    );
  } else lines.push("Two different processes: groups are compared, tasks are not.");
  if (before.filtered?.by !== after.filtered?.by) {
    lines.push("They are filtered differently: what seems to have come or gone may only have been left out.");
  }
  const section = (title: string, entries: readonly string[]) => {
    if (entries.length > 0) lines.push("", colors.bold(title), ...entries.map((entry) => `  ${entry}`));
  };
  section(
    "New problems",
    diff.newProblems.map((problem) => colors.red(problemText(problem))),
  );
  section("Problems that are gone", diff.goneProblems.map(problemText));
  section("Problems that are still there", diff.stillProblems.map(problemText));
  const row = (change: GroupChange) => {
    const difference = change.after - change.before;
    const sign = `${difference > 0 ? "+" : ""}${difference}`.padStart(7);
    const place =
      change.at === undefined ? "" : ` ${shown(change.at.file, base)}:${change.at.line}:${change.at.column}`;
    return `${sign}  ${change.before} → ${change.after}  ${change.state}  ${printable(change.name)}${colors.dim(printable(place))}`;
  };
  section("Grew", diff.groups.filter((change) => change.after > change.before).map(row));
  section("Shrank", diff.groups.filter((change) => change.after < change.before).map(row));
  section(
    "Waited in between",
    diff.waited
      .filter(({ state }) => state !== "sleep")
      .slice(0, mostWaits)
      .map(({ state, resource, at, count: times, totalMs }) => {
        const what = resource === undefined ? state : `${state} ${resource.name ?? resource.type}`;
        const place = at === undefined ? "" : ` ${shown(at.file, base)}:${at.line}:${at.column}`;
        return `${formatDuration(totalMs).padStart(9)}  ${times} times  ${printable(what)}${colors.dim(printable(place))}`;
      }),
  );
  if (diff.groups.length + diff.newProblems.length + diff.goneProblems.length === 0) {
    lines.push("", "No group of tasks changed.");
  }
  return `${lines.join("\n")}\n`;

  function describe(which: string, dump: Dump): string {
    const build = dump.process.build === undefined ? "" : ` (${printable(dump.process.build)})`;
    const time = dump.capturedAt === 0 ? "" : ` ${new Date(dump.capturedAt).toISOString()}`;
    const part =
      dump.filtered === undefined ? "" : ` of ${dump.filtered.of} (${printable(dump.filtered.by)})`;
    return `${which.padEnd(6)} ${count(dump.tasks.length, "task")}${part} of process ${dump.process.pid}${dump.process.threadId === 0 ? "" : `, thread ${dump.process.threadId}`}${time} ${printable(dump.process.title)}${build}`.trimEnd();
  }
}

/** Places where tasks have waited. */
const mostWaits = 10;

function problemText(problem: Problem): string {
  return printable(`${problem.id}: ${problem.message}`);
}
