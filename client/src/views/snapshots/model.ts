// What the Snapshots view shows: what the user has kept, the healthy moments that were kept by themselves, and what has
// changed between two of them.
import { diffMoments, type GroupChange } from "@unknot/dump/diff.ts";
import { count, formatDuration, grouped, placeOf, plain, shortPlace } from "@unknot/dump/names.ts";
import { formatPlace } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Launch } from "../../sessions/launches.ts";
import { momentOf } from "../../sessions/session.ts";
import { dateOf, timeOf } from "../tree/clock-time.ts";
import { iconOf, icons, type RowIcon } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import { titleOf } from "../tree/session-title.ts";
import type { Comparison, Side, Snapshot, Snapshots } from "./snapshots.ts";

export function rowsOf(launches: readonly Launch[], snapshots: Snapshots): readonly Row[] {
  return [
    ...snapshots.comparisons().map(comparisonRow),
    ...healthyMoments(launches).map(healthyRow),
    ...snapshots.list().map(snapshotRow),
  ];
}

/** A moment that can be compared, under the id of its row. */
export interface NamedSide extends Side {
  readonly id: string;
  readonly detail: string;
}

/** All that can be compared: how the programs are now, how they were while healthy, and what was kept. */
export function sidesOf(launches: readonly Launch[], snapshots: Snapshots): readonly NamedSide[] {
  const now = launches
    .flatMap((launch) => launch.sessions)
    .flatMap((session): NamedSide[] => {
      const { overview } = session;
      if (overview === undefined) return [];
      const name = session.state.kind === "live" ? "now" : "at its end";
      return [{ id: `${session.id} now`, name, moment: momentOf(overview), detail: titleOf(session) }];
    });
  const kept = snapshots.list().map(({ id, name, moment, process }) => ({
    id,
    name,
    moment,
    detail: `${dateOf(moment.capturedAt)}, ${titleOf({ process })}`,
  }));
  return [...now, ...healthyMoments(launches), ...kept];
}

function healthyMoments(launches: readonly Launch[]): readonly NamedSide[] {
  return launches.flatMap((launch) =>
    launch.sessions.flatMap((session) =>
      session.baseline === undefined || session.state.kind === "file"
        ? []
        : [
            {
              id: `${session.id} healthy`,
              name: "healthy",
              moment: session.baseline,
              detail: `${timeOf(session.baseline.capturedAt)}, ${titleOf(session)}`,
            },
          ],
    ),
  );
}

function healthyRow({ id, moment, detail }: NamedSide): Row {
  const tasks = moment.groups.reduce((sum, group) => sum + group.count, 0);
  const label = "Healthy, kept by itself";
  const description = `${count(tasks, "task")} · ${detail}`;
  return { id, kind: "healthy", label, description, icon: icons.healthy, spoken: `${label}, ${description}` };
}

function snapshotRow({ id, name, process, total, moment, file }: Snapshot): Row {
  const description = [
    count(total, "task"),
    ...(moment.problems.length === 0 ? [] : [count(moment.problems.length, "problem")]),
    timeOf(moment.capturedAt),
    titleOf({ process }),
    ...(file === undefined ? ["groups only"] : []),
  ].join(" · ");
  return {
    id,
    kind: "snapshot",
    label: plain(name),
    description,
    icon: icons.snapshot,
    spoken: `snapshot ${plain(name)}, ${description}`,
    tooltip: () => `${plain(name)}\n${description}\ntaken ${dateOf(moment.capturedAt)}`,
  };
}

function comparisonRow({ id, before, after }: Comparison): Row {
  const diff = diffMoments(before.moment, after.moment);
  const parts = [
    section(id, "new problems", diff.newProblems.map(problemRow(id, "new", icons.error)), icons.error),
    section(id, "gone problems", diff.goneProblems.map(problemRow(id, "gone", icons.healthy)), icons.healthy),
    section(id, "older", diff.older.map(changeRow(id, "older")), icons.oldest),
    section(id, "new", diff.fresh.map(changeRow(id, "new")), { name: "diff-added" }),
    section(id, "grown", diff.grown.map(changeRow(id, "grown")), { name: "arrow-up" }),
    section(id, "shrunk", diff.shrunk.map(changeRow(id, "shrunk")), { name: "arrow-down" }),
    section(id, "gone", diff.gone.map(changeRow(id, "gone")), { name: "diff-removed" }),
  ].flat();
  const label = `${plain(before.name)} → ${plain(after.name)}`;
  const description = [
    `${formatDuration(diff.elapsedMs)} apart`,
    ...(parts.length === 0 ? ["nothing has changed"] : parts.map(({ summary }) => summary)),
  ].join(" · ");
  return {
    id,
    kind: "comparison",
    label,
    description,
    icon: icons.comparison,
    spoken: `from ${plain(before.name)} to ${plain(after.name)}, ${description}`,
    open: true,
    copied: () => [
      `${label} · ${description}`,
      ...parts.flatMap((part) => [
        `${part.label}:`,
        ...(part.children?.() ?? []).map(
          (row) => `  ${row.label}${row.description ? ` · ${row.description}` : ""}`,
        ),
      ]),
    ],
    ...(parts.length === 0 ? {} : { children: () => parts }),
  };
}

const titles = {
  "new problems": "New problems",
  "gone problems": "Problems that are gone",
  older: "Older: the longest wait is the same",
  new: "New",
  grown: "Grown",
  shrunk: "Shrunk",
  gone: "Gone",
} as const;

/** A section of a comparison, with its words in the comparison's own row. */
type Section = Row & { readonly summary: string };

function summaryOf(name: keyof typeof titles, amount: number): string {
  switch (name) {
    case "new problems":
      return count(amount, "new problem");
    case "gone problems":
      return `${count(amount, "problem")} gone`;
    default:
      return `${count(amount, "place")} ${name}`;
  }
}

/** Longer lists of changes tell nothing. */
const mostChanges = 100;

function section(
  comparison: string,
  name: keyof typeof titles,
  rows: readonly Row[],
  icon: RowIcon,
): readonly Section[] {
  if (rows.length === 0) return [];
  const label = titles[name];
  const description = grouped(rows.length);
  return [
    {
      id: `${comparison} ${name}`,
      kind: "section",
      label,
      description,
      icon,
      spoken: `${label}, ${description}`,
      summary: summaryOf(name, rows.length),
      open: name !== "shrunk" && name !== "gone",
      children: () => rows.slice(0, mostChanges),
    },
  ];
}

function changeRow(comparison: string, kind: string): (change: GroupChange) => Row {
  return ({ key, before, after, name, state, at, maxWaitMs }) => {
    const amount = before === after ? grouped(after) : `${grouped(before)} → ${grouped(after)}`;
    const description = [
      state,
      ...(at === undefined ? [] : [shortPlace(at)]),
      ...(kind === "gone" ? [] : [`longest ${formatDuration(maxWaitMs)}`]),
    ].join(" · ");
    const label = `${amount} × ${plain(name)}`;
    return {
      id: `${comparison} ${kind} ${key}`,
      kind: "detail",
      label,
      description,
      icon: iconOf(state, false),
      spoken: `${plain(name)}, ${before === after ? grouped(after) : `from ${grouped(before)} to ${grouped(after)}`}, ${description}`,
      ...(at === undefined
        ? {}
        : { place: placeOf(at), tooltip: () => `${label}\n${description}\n${formatPlace(at)}` }),
    };
  };
}

function problemRow(
  comparison: string,
  kind: string,
  icon: RowIcon,
): (problem: Problem, index: number) => Row {
  return (problem, index) => {
    const [place] = problem.at;
    return {
      id: `${comparison} ${kind} problem ${index}`,
      kind: "problem",
      label: problem.message,
      icon,
      spoken: `${kind} problem: ${problem.message}`,
      problem,
      ...(place === undefined ? {} : { place, description: shortPlace(place) }),
    };
  };
}
