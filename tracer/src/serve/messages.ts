import type { ProcessInfo } from "@unknot/protocol/dump.ts";
import type { Fact } from "../facts.ts";
import type { NewSegment, Tables } from "../tables.ts";

/** What the traced thread tells its worker. */
export type ToWorker =
  | { readonly kind: "fact"; readonly fact: Fact }
  | { readonly kind: "segment"; readonly segment: NewSegment }
  /** The event loop has turned. */
  | { readonly kind: "turned"; readonly ping: number };

/** The worker asks for a sign of the event loop. */
export interface FromWorker {
  readonly ping: number;
}

export type StaticProcessInfo = Omit<ProcessInfo, "upMs" | "exitCode">;

/** What the worker starts with. */
export interface WorkerData {
  readonly tables: Tables;
  readonly facts: readonly Fact[];
  readonly process: StaticProcessInfo;
  /** Milliseconds since the epoch at tick 0. */
  readonly startMs: number;
  readonly token: string;
  readonly session?: string;
  readonly printsDeadlocks: boolean;
}
