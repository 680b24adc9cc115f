import type { Span } from "./place.ts";

/** Severities of the analyzer, worst first. */
export const severities = ["error", "warning", "information", "hint"] as const;
export type Severity = (typeof severities)[number];

/** One step of the path or interleaving that a finding shows. */
interface TraceStep {
  readonly at: Span;
  /** What happens there, in the present tense: "'accounts' is acquired here". */
  readonly what: string;
}

/** A change of one or more files that mends a finding. */
export interface Fix {
  /** Starts with a verb: "Await 'save'". */
  readonly title: string;
  readonly edits: readonly { readonly at: Span; readonly newText: string }[];
  /** True for the one a hurried reader would want. */
  readonly preferred: boolean;
}

/** What a rule reports. */
export interface Finding {
  /** The rule's id, without the `unknot/` prefix. */
  readonly rule: string;
  readonly severity: Severity;
  readonly at: Span;
  readonly message: string;
  /** In the order things happen; never empty for an error or a warning. */
  readonly trace: readonly TraceStep[];
  readonly fixes: readonly Fix[];
}
