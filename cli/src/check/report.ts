import type { Finding, Severity } from "@unknot/protocol/finding.ts";
import { severities } from "@unknot/protocol/finding.ts";

/** What is known of a rule besides its findings. */
export interface RuleInfo {
  readonly id: string;
  readonly title: string;
}

/** A problem with the project itself: a broken tsconfig, a file that can't be read. */
export interface Notice {
  readonly file: string;
  /** `warning`: results may be missing. */
  readonly severity: "warning" | "information";
  /** One sentence that names the remedy. */
  readonly message: string;
  /** Where in the file, from 1, when it is about one place. */
  readonly at?: { readonly line: number; readonly column: number };
}

/** The outcome of `unknot check`, for every output format. */
export interface CheckReport {
  /** Files are shown relative to it. */
  readonly root: string;
  /** Sorted by file and place, filtered by severity and rule. */
  readonly findings: readonly Finding[];
  readonly notices: readonly Notice[];
  readonly rules: readonly RuleInfo[];
  /** How many files were analysed. */
  readonly files: number;
  /** How many findings baselines hold back. */
  readonly baselined: number;
  /** The user wants to see what baselines know. */
  readonly ignoresBaseline: boolean;
}

/** How many findings of each severity there are. */
export function tally(findings: readonly Finding[]): Readonly<Record<Severity, number>> {
  const counts = { error: 0, warning: 0, information: 0, hint: 0 };
  for (const { severity } of findings) counts[severity]++;
  return counts;
}

/** True when `severity` is as bad as `limit` or worse. */
export function isAtLeast(severity: Severity, limit: Severity): boolean {
  return severities.indexOf(severity) <= severities.indexOf(limit);
}

/** By file, then place, then rule: the same order on every machine. */
export function byPlace(a: Finding, b: Finding): number {
  return (
    compare(a.at.file, b.at.file) ||
    a.at.line - b.at.line ||
    a.at.column - b.at.column ||
    compare(a.rule, b.rule)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
