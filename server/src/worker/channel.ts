import type { AnalysisFailure, AnalysisOptions, AnalysisResult } from "../analysis/analyze.ts";
import type { FilePath, Generation, ProjectNotice } from "../program/program.ts";
import type { BaselineReport } from "../project/hold-back.ts";
import type { ProjectChoices } from "../project/project-analysis.ts";

// What host and worker say to each other. One request is under way at a time: the worker's thread blocks while
// TypeScript answers, so everything that must reach it meanwhile goes through shared memory.

/** What a worker is started with. */
export interface WorkerStart {
  readonly executable?: string;
  readonly maxFileBytes?: number;
  /** Where outcomes are kept from one process to the next; they are not when absent. */
  readonly cacheFolder?: FilePath;
  /** What was analysed will be again, after an edit; the solution is kept until `rest`. */
  readonly keepsSolution?: boolean;
  readonly shared: SharedArrayBuffer;
}

export interface WorkerRequest {
  readonly id: number;
  /** What to open in the place of what is open. */
  readonly roots?: readonly FilePath[];
  /** Buffers that changed; without a text those that were closed. */
  readonly buffers: readonly { readonly file: FilePath; readonly text?: string }[];
  /** Files that changed on disk. */
  readonly invalidated: readonly FilePath[];
  /** `rest` lets go of TypeScript's process and of the solution. */
  readonly then: "analyze" | "rest";
  /** The files to analyse; all that are open when absent. */
  readonly files?: readonly FilePath[];
  /** Of all that are open only those that are named here. */
  readonly among?: readonly FilePath[];
  readonly options?: AnalysisChoices;
  /** Tell among the notices which files do not parse; an editor shows that itself. */
  readonly syntaxErrors?: boolean;
}

/** What to look for and how severe it is; what projects say about themselves is read from disk. */
export type AnalysisChoices = Pick<
  AnalysisOptions,
  "rules" | "severities" | "leastSeverity" | "root" | "describe"
> &
  ProjectChoices;

export interface AnalysisReport {
  readonly generation: Generation;
  /** The files that were analysed. */
  readonly files: readonly FilePath[];
  readonly findings: AnalysisResult["findings"];
  /** Of the files that were analysed, when they were asked for. */
  readonly resources: AnalysisResult["resources"];
  /**
   * For every finding whether a comment can stand on a line above it: not inside a template or the text of JSX. Empty
   * for an outcome that was kept.
   */
  readonly commentable: readonly boolean[];
  readonly failures: readonly AnalysisFailure[];
  readonly notices: readonly ProjectNotice[];
  readonly baselines: readonly BaselineReport[];
  /** Files besides the program that the outcome rests on, for a watcher. */
  readonly read: readonly FilePath[];
  readonly stats: AnalysisStats;
}

export interface AnalysisStats {
  readonly openMs: number;
  readonly analyzeMs: number;
  /** Nothing had changed since an earlier process: what it found was kept. */
  readonly kept: boolean;
  /** The engine's own figures; absent when nothing was analysed. */
  readonly analysis?: AnalysisResult["statistics"];
  /** Asked of TypeScript since the worker started. */
  readonly questions: { readonly symbols: number; readonly types: number; readonly trees: number };
}

export type WorkerMessage =
  | { readonly kind: "progress"; readonly id: number; readonly done: number; readonly total: number }
  | { readonly kind: "done"; readonly id: number; readonly report: AnalysisReport }
  | { readonly kind: "cancelled"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly name: string; readonly message: string };

/** The shared numbers, all written with Atomics. */
export const slots = {
  /** TypeScript's process, 0 when there is none. */
  pid: 0,
  /** 0 when TypeScript is not asked anything, 1 while it opens projects, 2 while it answers a question. */
  waiting: 1,
  /** Grows with every sign of life of the worker. */
  pulse: 2,
  /** The highest request that nobody waits for any more. */
  cancelled: 3,
} as const;

export const slotBytes = 4 * Int32Array.BYTES_PER_ELEMENT;
