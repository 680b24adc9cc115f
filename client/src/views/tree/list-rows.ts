// What views that show a thread's list of tasks have in common.
import { grouped } from "@unknot/dump/names.ts";
import type { TaskPage, TaskQuery } from "@unknot/protocol/task-list.ts";
import type { Launch } from "../../sessions/launches.ts";
import type { SessionSnapshot } from "../../sessions/session.ts";
import { icons } from "./icons.ts";
import type { Below, Row } from "./row.ts";
import { areSeveral, inOrder, processRow } from "./session-title.ts";

/** The top of a view with lists: of one process its list, of several a row each. */
export type ListRoots =
  | { readonly kind: "rows"; readonly rows: readonly Row[] }
  | { readonly kind: "list"; readonly below: Below };

/** `view` tells the rows of one view from those of another. */
export function listRoots(launches: readonly Launch[], view: string, request: TaskQuery): ListRoots {
  const sessions = launches.flatMap((launch) => inOrder(launch).filter(({ overview }) => overview));
  const topOf = ({ id }: SessionSnapshot): Below => ({ session: id, level: `${id} ${view}`, request });
  const [only] = sessions;
  if (only && !areSeveral(launches)) return { kind: "list", below: topOf(only) };
  return {
    kind: "rows",
    rows: sessions.map((session) => processRow(session, `${session.id} ${view}`, { below: topOf(session) })),
  };
}

/** What stands below the rows of a page that is not the whole level. */
export function moreRow(
  { state }: Pick<SessionSnapshot, "state">,
  { session, level }: Below,
  { rows, count: all }: TaskPage,
): Row {
  const canAsk = state.kind === "live" || state.kind === "file";
  const label = `${grouped(rows.length)} of ${grouped(all)} shown`;
  return {
    id: `${level} more`,
    kind: "more",
    label,
    icon: icons.more,
    session,
    level,
    ...(canAsk ? { description: "show more, or filter" } : {}),
    spoken: canAsk ? `${label}, press Enter to show more` : label,
  };
}
