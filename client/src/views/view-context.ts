import type * as vscode from "vscode";
import type { Muting } from "../muting/muting.ts";
import type { Launches } from "../sessions/launches.ts";
import type { QueryState } from "./tree/query.ts";
import type { Trees } from "./tree/trees.ts";

/** What every view is given; each view's `register` gives back what undoes it. */
export interface ViewContext {
  readonly launches: Launches;
  readonly trees: Trees;
  /** How tasks are listed, the same in all views. */
  readonly query: QueryState;
  readonly muting: Muting;
  /** Where the extension is installed. */
  readonly extension: vscode.Uri;
  /** Where files may be written that the user opens: dumps. */
  readonly storage: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
}
