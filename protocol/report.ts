import type { Coverage } from "./dump.ts";
import type { Place } from "./place.ts";
import type { Certainty, Verdict } from "./verdict.ts";

/** What `unknot run --report` writes. */
export interface RunReport {
  readonly version: 1;
  readonly problems: readonly {
    readonly id: string;
    readonly verdict: Verdict;
    readonly certainty: Certainty;
    readonly message: string;
    readonly tasks: readonly {
      readonly id: number;
      readonly name: string;
      readonly state: string;
      readonly at?: Place;
    }[];
    readonly at: readonly Place[];
  }[];
  readonly tasks: {
    /** Tasks started during the run. */
    readonly started: number;
    /** Tasks still pending at the end. */
    readonly pending: number;
  };
  readonly coverage: Coverage;
}
