import { count, plain } from "@unknot/dump/names.ts";
import { isSure } from "@unknot/protocol/verdict.ts";
import type { Launch } from "../../sessions/launches.ts";
import { problemsOf, type SessionSnapshot } from "../../sessions/session.ts";
import { icons } from "./icons.ts";
import type { Row } from "./row.ts";

/** `main.ts (4242)`, `main.ts worker 3 (4242)`; of a dump that names no process, as Go's do not, its file. */
export function titleOf({
  process,
  state,
}: Pick<SessionSnapshot, "process"> & Partial<Pick<SessionSnapshot, "state">>): string {
  if (process.title === "" && process.pid === 0)
    return state?.kind === "file" ? plain(baseName(state.file)) : "unnamed process";
  const name = plain(baseName(process.title));
  const thread = process.threadId === 0 ? "" : ` worker ${process.threadId}`;
  return `${name}${thread} (${process.pid})`;
}

/** Of a path of any system: a dump may be from another one. */
export function baseName(file: string): string {
  return file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
}

/** Whether rows have to say which process they are about. */
export function areSeveral(launches: readonly Launch[]): boolean {
  return launches.reduce((sum, launch) => sum + Math.max(launch.sessions.length, 1), 0) > 1;
}

/** The sessions of a launch as they stand below one another: those with a sure problem first. */
export function inOrder({ sessions }: Launch): readonly SessionSnapshot[] {
  const isWell = (session: SessionSnapshot) => !problemsOf(session).some(isSure);
  return sessions.toSorted((one, other) => Number(isWell(one)) - Number(isWell(other)));
}

/** The row of a process; what is below it is given by the view. */
export function processRow(
  session: SessionSnapshot,
  id: string,
  below: Pick<Row, "children" | "below">,
): Row {
  const problems = problemsOf(session).filter(isSure);
  const title = titleOf(session);
  const description = [
    ...(session.overview ? [count(session.overview.total, "task")] : []),
    ...(problems.length > 0 ? [count(problems.length, "problem")] : []),
  ].join(", ");
  return {
    id,
    kind: "process",
    label: title,
    description,
    icon: problems.length > 0 ? icons.error : icons.process,
    spoken: `process ${title}, ${description}`,
    open: true,
    session: session.id,
    ...below,
  };
}
