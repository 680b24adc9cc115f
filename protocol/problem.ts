import type { Place } from "./place.ts";
import type { ResourceId } from "./resource.ts";
import type { TaskId } from "./task.ts";
import type { Certainty, Verdict } from "./verdict.ts";

/** What a detector found in a dump. */
export interface Problem {
  /** The static rule that finds the same mistake (`lock-order-inversion`), else the verdict. */
  readonly id: string;
  readonly verdict: Verdict;
  readonly certainty: Certainty;
  /** One sentence with the program's own names. */
  readonly message: string;
  /**
   * The tasks concerned; in a deadlock first those of one cycle in order, each waiting for the next, then the others
   * that are part of it. Some of them when there are very many; the message has the number.
   */
  readonly tasks: readonly TaskId[];
  readonly resources: readonly ResourceId[];
  /** Places to look at, the first one first. */
  readonly at: readonly Place[];
  /** `D1`, `D2`: how a text dump refers to a deadlock. */
  readonly label?: string;
}
