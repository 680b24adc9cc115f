// What the language server does on demand for a whole workspace: LSP commands (`workspace/executeCommand`). docs/protocol.md describes them.

/** Looks at every file of the workspace and shows what it finds in files that are not open. Gives a `WorkspaceSummary`. */
export const checkWorkspaceCommand = "unknot.server.checkWorkspace";

/** Writes everything that is found now into the projects' baselines. Gives a `WorkspaceSummary`. */
export const writeBaselineCommand = "unknot.server.writeBaseline";

/** Ends the check that is under way. */
export const cancelCheckCommand = "unknot.server.cancelCheck";

export interface WorkspaceSummary {
  /** False when it was cancelled or could not be done; nothing has changed then. */
  readonly complete: boolean;
  /** Files that were looked at. */
  readonly files: number;
  /** Findings in files that are not open, hints left out, and how many files have them. */
  readonly elsewhere: { readonly findings: number; readonly files: number };
  /** How many findings baselines hold back. */
  readonly baselined: number;
  /** Baselines that were written. */
  readonly written: readonly string[];
}
