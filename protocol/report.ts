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
    /** The process and thread it was found in, when the run had several. */
    readonly process?: { readonly pid: number; readonly threadId: number };
  }[];
  /** How many more there are that `unknot.config.json` mutes; absent: none. */
  readonly muted?: number;
  readonly tasks: {
    /** Tasks started during the run. */
    readonly started: number;
    /** Tasks still pending at the end. */
    readonly pending: number;
  };
  /** The traced threads of all processes of the run: what the command started first, then in the order of their start. */
  readonly processes: readonly {
    readonly pid: number;
    /** The traced process that started it. */
    readonly parentPid?: number;
    /** 0 on the main thread. */
    readonly threadId: number;
    readonly title: string;
    readonly started: number;
    readonly pending: number;
  }[];
  readonly coverage: Coverage;
}
