/** Tasks of one function, started at one place, that failed while nothing awaited them or handled their failure. */
export interface Failure {
  /** The function's name. */
  readonly name: string;
  /** Where the function is: index into `Dump.sites`. */
  readonly entry?: number;
  /** Where they were started: index into `Dump.sites`. */
  readonly created?: number;
  readonly count: number;
  /** Milliseconds since the last one, at the time of the dump. */
  readonly sinceMs: number;
}
