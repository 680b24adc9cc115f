import type { Histogram } from "node:perf_hooks";
import type { MessagePort } from "node:worker_threads";
import type { ProcessInfo } from "@unknot/protocol/dump.ts";
import type { MutingRule } from "@unknot/protocol/muting.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Fact } from "../facts.ts";
import type { LoopbackAddress } from "../loopback.ts";
import type { NewSegment, Tables } from "../tables.ts";

/** What the traced thread tells its worker. */
export type ToWorker =
  | { readonly kind: "fact"; readonly fact: Fact }
  | { readonly kind: "segment"; readonly segment: NewSegment }
  /** Somebody has sent the signal for a dump of all threads. */
  | { readonly kind: "signal" }
  /** What was asked for by `prove` is done. */
  | { readonly kind: "proved" };

/** What the worker asks the traced thread for, when somebody has asked the worker. */
export interface FromWorker {
  /** `handles` only without a debugger, which would stop at what answers. */
  readonly kind: "prove" | "handles";
}

/** What blocked the loop, told several times while it does. */
export interface PastBlock {
  /** Counts the blocks. */
  readonly block: number;
  readonly problem: Problem;
}

/** Milliseconds between two signs that the event loop turns. */
export const turnMs = 50;

export type StaticProcessInfo = Omit<ProcessInfo, "upMs" | "exitCode">;

/** What the worker starts with. */
export interface WorkerData {
  readonly tables: Tables;
  readonly facts: readonly Fact[];
  /** Gets an entry whenever `turnMs` have passed and the event loop has turned. */
  readonly turns: Histogram;
  /** Takes problems that are over when the program ends. */
  readonly past: MessagePort;
  readonly process: StaticProcessInfo;
  /** Milliseconds since the epoch at tick 0. */
  readonly startMs: number;
  /** Where it registers; other parts of the program may change what that is made from. */
  readonly runtimeFolder: string;
  readonly session?: string;
  readonly printsDeadlocks: boolean;
  /** Problems that are not printed. */
  readonly muted: readonly MutingRule[];
  readonly dumpsBySignal: boolean;
  /** Where they go; standard error if absent. */
  readonly dumpFile?: string;
  /** Where `/debug/pprof/` is served, if somebody asked for it. */
  readonly pprof?: LoopbackAddress;
  /** A debugger may be attached: V8's own is left to it. */
  readonly underDebugger: boolean;
  /** Milliseconds between two counts of the tasks that wait at one place. */
  readonly growthEveryMs: number;
  /** A bundle that had to be compiled: its code is kept for the next process. */
  readonly newBundle?: string;
}
