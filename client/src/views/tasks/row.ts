import type { Place } from "@unknot/protocol/place.ts";
import type { RowIcon } from "./icons.ts";

/** One line of the tree. All texts are plain: names of the program are in them. */
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
    | "task"
    | "detail"
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
  /** Expanded when it is first shown. */
  readonly open?: boolean;
  /** The session that the row is about. */
  readonly session?: string;
  readonly task?: TaskTargets;
  /** On the row of a dump that was opened: its file. */
  readonly file?: string;
  /** On a `more` row: the group to load from. */
  readonly group?: string;
}

/** What the commands of a task's row need. */
export interface TaskTargets {
  /** The task as text, for the clipboard. */
  readonly text: () => string;
  readonly holder?: Place;
  readonly creator?: Place;
}
