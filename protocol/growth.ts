/** Ever more tasks that wait at one place and were started at one place: each count found more than the one before. */
export interface Growth {
  /** Where they wait: index into `Dump.sites`. */
  readonly at: number;
  /** Where they were started: index into `Dump.sites`. */
  readonly created?: number;
  /** How many there were, the oldest count first. Who had only just come was not counted. */
  readonly counts: readonly number[];
  /** Milliseconds between the first count and the last. */
  readonly overMs: number;
}
