// Launches, sessions and rows for tests of views, made from dumps alone.
import { detect } from "@unknot/dump/detectors/detect.ts";
import { overview } from "@unknot/dump/overview.ts";
import { listTasks } from "@unknot/dump/task-list.ts";
import { DumpBuilder, joins, wants } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { TaskPage, TaskQuery } from "@unknot/protocol/task-list.ts";
import type { Launch } from "../sessions/launches.ts";
import type { SessionSnapshot } from "../sessions/session.ts";
import type { Below, Row } from "../views/tree/row.ts";

/** Two tasks that lock each other out, and one that waits for both. */
export function deadlocked(): DumpBuilder {
  return new DumpBuilder()
    .mutex(1, "ledger", { task: 9, site: "billing.ts:70" })
    .mutex(2, "stock", { task: 7, site: "orders.ts:38" })
    .task(1, { kind: "main", name: "main", state: "join", at: "index.ts:30", wait: joins(7, 9) })
    .task(7, {
      name: "reserve",
      state: "mutex.lock",
      at: "orders.ts:41",
      created: "index.ts:9",
      parent: 1,
      wait: wants(1),
    })
    .task(9, {
      name: "charge",
      state: "mutex.lock",
      at: "billing.ts:77",
      created: "index.ts:10",
      parent: 1,
      wait: wants(2),
    });
}

/** A live session with the problems that the dump has. */
export function snapshot(
  dump: Dump,
  change: Partial<SessionSnapshot> = {},
  membersPerGroup = 3,
): SessionSnapshot {
  return {
    id: "s1",
    state: { kind: "live" },
    process: dump.process,
    overview: overview({ ...dump, problems: detect(dump) }, { membersPerGroup }),
    announced: [],
    muted: 0,
    paused: false,
    ...change,
  };
}

export function launch(...sessions: readonly SessionSnapshot[]): Launch {
  return { id: "l1", name: "Run main.ts", running: true, since: 0, overdue: false, sessions };
}

/** Rows of a view with lists, all levels of them, as the thread of this dump answers. */
export function loaded(
  dump: Dump,
  query: TaskQuery,
  rowsOfPage: (session: SessionSnapshot, below: Below, page: TaskPage) => readonly Row[],
  { limit = 200, change = {} }: { readonly limit?: number; readonly change?: Partial<SessionSnapshot> } = {},
): readonly Row[] {
  const full = { ...dump, problems: detect(dump) };
  const session = snapshot(dump, change);
  const level = (below: Below): readonly Row[] =>
    rowsOfPage(session, below, listTasks(full, { ...below.request, offset: 0, limit })).map((row) =>
      row.below
        ? { ...row, children: () => [...(row.children?.() ?? []), ...level(row.below as Below)] }
        : row,
    );
  return level({ session: session.id, level: "top", request: query });
}

/** A tree as text: one line per row, children indented, `>` where Enter goes. */
export function drawn(rows: readonly Row[], depth = Number.POSITIVE_INFINITY, indent = ""): string[] {
  return rows.flatMap((row) => {
    const place = row.place ? ` > ${row.place.file.slice(5)}:${row.place.line}` : "";
    const line = `${indent}${row.label}${row.description ? ` | ${row.description}` : ""}${place}`;
    return [line, ...(depth > 0 ? drawn(row.children?.() ?? [], depth - 1, `${indent}  `) : [])];
  });
}

export function flat(rows: readonly Row[]): Row[] {
  return rows.flatMap((row) => [row, ...flat(row.children?.() ?? [])]);
}
