/** A value was stored that had been worked out from what was there before an await; what others stored meanwhile is lost. */
export interface LostUpdate {
  /** As the source names the variable or field: `this.total`. */
  readonly place: string;
  /** Where it was stored: index into `Dump.sites`. */
  readonly at?: number;
  /** Where the old value was read: index into `Dump.sites`. */
  readonly read?: number;
  readonly count: number;
  /** Milliseconds since the last time, at the time of the dump. */
  readonly sinceMs: number;
}
