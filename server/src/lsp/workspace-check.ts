import { writeFile } from "node:fs/promises";
import type { WorkspaceSummary } from "@unknot/protocol/workspace-check.ts";
import type { Diagnostic } from "vscode-languageserver";
import type { FilePath } from "../program/program.ts";
import type { AnalysisChoices, AnalysisReport } from "../worker/channel.ts";
import { type AnalysisHostOptions, startAnalysis } from "../worker/host.ts";

/** A folder of the workspace with its settings. */
export interface CheckedFolder {
  readonly folder: FilePath;
  readonly options: AnalysisChoices;
}

export interface WorkspaceCheckRequest {
  readonly mode: "apply" | "write";
  readonly folders: readonly CheckedFolder[];
  /** Texts of open documents. */
  readonly buffers: ReadonlyMap<FilePath, string>;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** What was found in all folders. */
export interface WorkspaceFindings {
  readonly reports: readonly AnalysisReport[];
  /** Baselines that were written. */
  readonly written: readonly FilePath[];
}

/**
 * Looks at whole folders, on threads and with a TypeScript of its own: what is typed meanwhile is not held up, and its
 * memory is given back at the end. Rejects with the signal's reason when it is aborted.
 */
export async function checkWorkspace(
  host: AnalysisHostOptions,
  { mode, folders, buffers, signal, onProgress }: WorkspaceCheckRequest,
): Promise<WorkspaceFindings> {
  const analysis = startAnalysis(host);
  const reports: AnalysisReport[] = [];
  const written: FilePath[] = [];
  try {
    for (const [file, text] of buffers) analysis.setBuffer(file, text);
    for (const { folder, options } of folders) {
      analysis.open([folder]);
      const report = await analysis.analyze({
        options: { ...options, baseline: { mode } },
        signal,
        onProgress,
      });
      reports.push(report);
      for (const { file, text } of report.baselines) {
        if (text === undefined) continue;
        await writeFile(file, text);
        written.push(file);
      }
    }
  } finally {
    await analysis.dispose();
  }
  return { reports, written };
}

export const nothingChecked: WorkspaceSummary = {
  complete: false,
  files: 0,
  elsewhere: { findings: 0, files: 0 },
  baselined: 0,
  written: [],
};

/** Diagnostics of files that are not open, as the client has them. */
export interface SentDiagnostics {
  /** In the place of everything before. */
  replace(next: ReadonlyMap<string, readonly Diagnostic[]>): void;
  /** In the place of what was sent for one file. */
  set(uri: string, diagnostics: readonly Diagnostic[]): void;
  /** Something else was sent in its place. */
  forget(uri: string): void;
  readonly uris: ReadonlySet<string>;
}

export function createSentDiagnostics(
  send: (uri: string, diagnostics: readonly Diagnostic[]) => void,
): SentDiagnostics {
  const uris = new Set<string>();
  const set = (uri: string, diagnostics: readonly Diagnostic[]): void => {
    if (diagnostics.length === 0 && !uris.delete(uri)) return;
    if (diagnostics.length > 0) uris.add(uri);
    send(uri, diagnostics);
  };
  return {
    uris,
    set,
    forget: (uri) => void uris.delete(uri),
    replace(next) {
      for (const uri of [...uris]) if (!next.has(uri)) set(uri, []);
      for (const [uri, diagnostics] of next) set(uri, diagnostics);
    },
  };
}
