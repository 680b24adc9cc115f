import type * as vscode from "vscode";
import type { Launches } from "../sessions/launches.ts";

/** What every view is given; each view's `register` gives back what undoes it. */
export interface ViewContext {
  readonly launches: Launches;
  /** Where files may be written that the user opens: dumps. */
  readonly storage: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
}
