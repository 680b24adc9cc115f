import type { ContendedResource } from "./contention.ts";

/** A lock or permit that was given back although who gave it back did not hold it any more. */
export interface OverRelease {
  readonly resource: ContendedResource;
  /**
   * `grown`: more is free now than there was at the start. `freed`: it ended the hold of another task, so that two are
   * inside.
   */
  readonly outcome: "grown" | "freed";
  /** Where it was given back once too often, as far as that is known: index into `Dump.sites`. */
  readonly at?: number;
  /** Where the hold had been taken that was ended: index into `Dump.sites`. */
  readonly taken?: number;
  /** How much was free at the start, and is now. */
  readonly capacity?: number;
  readonly free?: number;
  readonly count: number;
  /** Milliseconds since the last time, at the time of the dump. */
  readonly sinceMs: number;
}
