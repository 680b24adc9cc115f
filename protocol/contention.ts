import type { ResourceKind } from "./resource.ts";
import type { TaskState } from "./task.ts";

/** Resources that were created at the same place. */
export interface ContendedResource {
  readonly kind: ResourceKind;
  /** Where they come from: `async-mutex.Mutex`. */
  readonly type: string;
  /** The variable or field they are known by. */
  readonly name?: string;
  /** Index into `Dump.sites`. */
  readonly created?: number;
}

/** Waits that have ended, of one kind at one place: Go's block profile. */
export interface ContendedWait {
  /**
   * Where they waited, then where that was awaited, and so on: indexes into `Dump.sites`, the innermost first; never
   * empty. A task that waits for another task is in that one's stack and has no wait of its own.
   */
  readonly stack: readonly number[];
  /** What they did: `mutex.lock`, `pool.acquire`, `sleep`; `await` for what the tracer does not know. */
  readonly state: TaskState;
  /** What they waited for, when that is known. */
  readonly resource?: ContendedResource;
  readonly count: number;
  readonly totalMs: number;
  readonly longestMs: number;
}

/** Holds that have ended, by where they were given back: Go's mutex profile. */
export interface ContendedHold {
  /**
   * Where they were given back, then where that was awaited, and so on: indexes into `Dump.sites`, the innermost first;
   * never empty.
   */
  readonly stack: readonly number[];
  /** Index into `Dump.sites`: where they were taken. */
  readonly taken?: number;
  readonly resource: ContendedResource;
  readonly count: number;
  /** How long it was held, in sum and at most. */
  readonly totalMs: number;
  readonly longestMs: number;
  /** Of these holds those that others waited for, and how long those waited meanwhile in sum: several at once count several times. */
  readonly contended: number;
  readonly delayMs: number;
}

/**
 * How long the tasks of a thread have waited and held, in sum since it started. What is still under way is in the dump's
 * tasks and resources instead.
 */
export interface Contention {
  /** Milliseconds since the thread started. */
  readonly forMs: number;
  /**
   * Milliseconds between two steps of the clock that measures. Shorter times are seen by chance, in proportion to their
   * length: sums are right, and counts are of those that were seen.
   */
  readonly stepMs: number;
  /** The longest in sum first. */
  readonly waits: readonly ContendedWait[];
  /** Those that others waited for longest first, then the longest in sum. */
  readonly holds: readonly ContendedHold[];
  /** Waits and holds that found the tables full. */
  readonly dropped: number;
  /** How many there are of each, when a grouped text left out the small ones. */
  readonly inAll?: { readonly waits: number; readonly holds: number };
}
