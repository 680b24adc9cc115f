import type { Place } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { TaskListRequest } from "@unknot/protocol/task-list.ts";
import type { RowIcon } from "./icons.ts";

/** One line of a tree. All texts are plain: names of the program are in them. */
export interface Row {
  /** Stays the same while the row stands for the same thing, so that selection and expansion survive a refresh. */
  readonly id: string;
  readonly kind:
    | "launch"
    | "process"
    | "state"
    | "problem"
    | "section"
    | "group"
    | "resource"
    | "task"
    | "detail"
    | "snapshot"
    | "healthy"
    | "comparison"
    | "muted"
    | "more";
  readonly label: string;
  readonly description?: string;
  /** Made when it is asked for, as children are: an overview can have thousands of tasks. */
  readonly tooltip?: () => string;
  readonly icon: RowIcon;
  /** What a screen reader says. */
  readonly spoken: string;
  /** Where Enter goes. */
  readonly place?: Place;
  readonly children?: () => readonly Row[];
  /** Further children, which the traced thread is asked for. */
  readonly below?: Below;
  /** Expanded when it is first shown. */
  readonly open?: boolean;
  /** The session that the row is about. */
  readonly session?: string;
  readonly task?: TaskTargets;
  /** What copying the row gives, when that is more than its words: lines of text. */
  readonly copied?: () => readonly string[];
  readonly problem?: Problem;
  /** On the row of a dump that was opened: its file. */
  readonly file?: string;
  /** What can be done about the state of the connection. */
  readonly offers?: "cancel" | "reconnect" | "why";
  /** On a `more` row: the level of the list that it ends. */
  readonly level?: string;
}

/** A level of a list of tasks. */
export interface Below {
  /** The session that is asked. */
  readonly session: string;
  /** Tells the level from others of its view. */
  readonly level: string;
  readonly request: Omit<TaskListRequest, "offset" | "limit">;
}

/** What the commands of a task's row need. */
export interface TaskTargets {
  readonly id: number;
  readonly holder?: Place;
  readonly creator?: Place;
}

/** A row as lines of text, without its children unless it says how. */
export function linesOf(row: Row): readonly string[] {
  return row.copied?.() ?? [[row.label, ...(row.description ? [row.description] : [])].join(" · ")];
}

/** The same as a list in Markdown. The program's names stay what they are: no link, no emphasis, no HTML. */
export function markdownOf(row: Row): string {
  const [first = "", ...rest] = linesOf(row).map((line) => escaped(line.trim()));
  return [`**${first}**`, ...(rest.length > 0 ? ["", ...rest.map((line) => `- ${line}`)] : [])].join("\n");
}

function escaped(line: string): string {
  return line.replace(/[\\`*_{}[\]()<>#+!|~&$-]/g, (character) => `\\${character}`);
}
