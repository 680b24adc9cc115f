import { readFileSync } from "node:fs";
import { slots } from "./channel.ts";

export interface Budgets {
  /** TypeScript may take this long to open projects. */
  readonly openMs: number;
  /** TypeScript may take this long for one batch of questions. */
  readonly questionMs: number;
  /** The worker itself may be silent this long. */
  readonly silentMs: number;
}

export const defaultBudgets: Budgets = { openMs: 300_000, questionMs: 60_000, silentMs: 120_000 };

export type Ailment = "typescript" | "worker";

/** How often `check` is to be called. */
export const checkEveryMs = 250;
/** A stopped process (SIGSTOP, a debugger) is not waited for. */
const stoppedMs = 1_000;

export interface Watchdog {
  /** What hangs, when it does; to be called every `checkEveryMs` while a request is under way. */
  check(): Ailment | undefined;
  reset(): void;
}

/**
 * Sees from outside that TypeScript or the worker does not get on. It counts its own calls, not the clock: a laptop
 * that slept has not hung.
 */
export function createWatchdog(numbers: Int32Array, budgets: Budgets): Watchdog {
  let pulse = 0;
  let silent = 0;
  let stopped = 0;
  return {
    check() {
      const now = Atomics.load(numbers, slots.pulse);
      const waiting = Atomics.load(numbers, slots.waiting);
      silent = now === pulse ? silent + checkEveryMs : 0;
      pulse = now;
      if (waiting === 0) return silent > budgets.silentMs ? "worker" : undefined;
      stopped = isStopped(Atomics.load(numbers, slots.pid)) ? stopped + checkEveryMs : 0;
      const budget = waiting === 1 ? budgets.openMs : budgets.questionMs;
      return stopped > stoppedMs || silent > budget ? "typescript" : undefined;
    },
    reset() {
      silent = 0;
      stopped = 0;
    },
  };
}

/** Known on Linux only; elsewhere the budgets have to do. */
function isStopped(pid: number): boolean {
  if (process.platform !== "linux" || pid === 0) return false;
  try {
    return /\) [Tt] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
