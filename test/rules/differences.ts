import type { Finding } from "@unknot/protocol/finding.ts";
import { expectationsIn } from "./fixtures.ts";

/**
 * What a file's findings have otherwise than its comments say: one to one, each expectation meets a finding, each
 * finding an expectation. Not `literally`: messages and severities may differ.
 */
export function differences(
  text: string,
  list: readonly Finding[],
  { literally }: { readonly literally: boolean },
): string[] {
  const open = [...list];
  const problems: string[] = [];
  for (const expected of expectationsIn(text)) {
    const index = open.findIndex(
      (finding) =>
        finding.rule === expected.rule &&
        finding.at.line === expected.line &&
        (expected.kind !== "want" ||
          !literally ||
          (finding.message.includes(expected.text) &&
            (expected.severity === undefined || finding.severity === expected.severity))),
    );
    if (expected.kind === "missed") {
      if (index >= 0) problems.push(`line ${expected.line}: no longer missed: ${show(open[index])}`);
    } else if (index < 0) {
      const what = expected.kind === "want" ? `wanted "${expected.text}"` : "no longer a false alarm";
      problems.push(`line ${expected.line}: ${expected.rule}: ${what}`);
    }
    if (index >= 0) open.splice(index, 1);
  }
  problems.push(...open.map((finding) => `not wanted: ${show(finding)}`));
  const pathless = list.filter(
    ({ severity, trace }) => (severity === "error" || severity === "warning") && trace.length === 0,
  );
  return [...problems, ...pathless.map((finding) => `without a path: ${show(finding)}`)];
}

/** A finding on one line. */
export function show(finding: Finding | undefined): string {
  return finding ? `line ${finding.at.line}: ${finding.severity} ${finding.rule} ${finding.message}` : "";
}
