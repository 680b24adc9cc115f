import { performance } from "node:perf_hooks";
import { tickMs } from "./layout.ts";

// Kept as they are before a program or a test puts others in their place.
const sinceStart = performance.now.bind(performance);
const started = performance.timeOrigin;

/** Milliseconds since the epoch; never goes back, and agrees between the threads of a process. */
export function nowMs(): number {
  return started + sinceStart();
}

/** The clock of a traced thread in ticks since `startMs`. */
export function ticksAt(ms: number, startMs: number): number {
  return Math.floor((ms - startMs) / tickMs) | 0;
}
