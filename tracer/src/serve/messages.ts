import type { Histogram } from "node:perf_hooks";
import type { ProcessInfo } from "@unknot/protocol/dump.ts";
import type { Fact } from "../facts.ts";
import type { LoopbackAddress } from "../loopback.ts";
import type { NewSegment, Tables } from "../tables.ts";

/** What the traced thread tells its worker. */
export type ToWorker =
  | { readonly kind: "fact"; readonly fact: Fact }
  | { readonly kind: "segment"; readonly segment: NewSegment }
  /** Somebody has sent the signal for a dump of all threads. */
  | { readonly kind: "signal" };

/** Milliseconds between two signs that the event loop turns. */
export const turnMs = 50;

export type StaticProcessInfo = Omit<ProcessInfo, "upMs" | "exitCode">;

/** What the worker starts with. */
export interface WorkerData {
  readonly tables: Tables;
  readonly facts: readonly Fact[];
  /** Gets an entry whenever `turnMs` have passed and the event loop has turned. */
  readonly turns: Histogram;
  readonly process: StaticProcessInfo;
  /** Milliseconds since the epoch at tick 0. */
  readonly startMs: number;
  /** Where it registers; other parts of the program may change what that is made from. */
  readonly runtimeFolder: string;
  readonly session?: string;
  readonly printsDeadlocks: boolean;
  readonly dumpsBySignal: boolean;
  /** Where they go; standard error if absent. */
  readonly dumpFile?: string;
  /** Where `/debug/pprof/` is served, if somebody asked for it. */
  readonly pprof?: LoopbackAddress;
  /** A debugger stops the program when it is told to; nobody else may. */
  readonly underDebugger: boolean;
}
