import type { Finding } from "@unknot/protocol/finding.ts";
import type { FileFacts, SuppressionFact } from "../program/facts.ts";
import { spanOf } from "./places.ts";

/** A finding with the lines that a comment may speak about to mean it. */
export interface Reported {
  readonly finding: Finding;
  readonly lines: readonly number[];
  readonly alsoKnownAs: readonly string[];
}

export const unusedSuppression = "unused-suppression";

/**
 * Takes out what the comments of a file ask to leave out, and says which comments did nothing. A comment about a rule
 * that did not run is neither used nor unused.
 */
export function applySuppressions(
  facts: FileFacts,
  reported: readonly Reported[],
  ran: ReadonlySet<string>,
  known: ReadonlySet<string>,
): Finding[] {
  const used = new Set<string>();
  const kept = reported.flatMap((one) => {
    const by = facts.suppressions.filter((suppression) => suppresses(suppression, one));
    for (const suppression of by) used.add(useKey(suppression, one.finding.rule));
    return by.length > 0 || isSwitchedOff(facts, one) ? [] : [one.finding];
  });
  const unused = facts.suppressions.flatMap((one): Finding[] => {
    const message = complaint(one, used, ran, known);
    if (message === undefined) return [];
    return [
      {
        rule: unusedSuppression,
        severity: "information",
        at: spanOf(facts, one),
        message,
        trace: [],
        fixes: [
          { title: "Remove the comment", preferred: true, edits: [{ at: spanOf(facts, one), newText: "" }] },
        ],
      },
    ];
  });
  return [...kept, ...unused];
}

function suppresses(suppression: SuppressionFact, { finding, lines }: Reported): boolean {
  if (!suppression.rules.includes(finding.rule)) return false;
  return suppression.scope === "file" || lines.includes(suppression.line);
}

/** A comment switches off the rule of another linter that says the same. */
function isSwitchedOff(facts: FileFacts, { alsoKnownAs, lines }: Reported): boolean {
  return facts.disabledRules.some(
    (disabled) =>
      lines.some((line) => disabled.firstLine <= line && line <= disabled.lastLine) &&
      // TSLint's rules have no plugin's name before them.
      disabled.rules.some((rule) =>
        alsoKnownAs.some((known) => known === rule || known.endsWith(`/${rule}`)),
      ),
  );
}

function useKey(suppression: SuppressionFact, rule: string): string {
  return `${suppression.start} ${rule}`;
}

function complaint(
  suppression: SuppressionFact,
  used: ReadonlySet<string>,
  ran: ReadonlySet<string>,
  known: ReadonlySet<string>,
): string | undefined {
  if (suppression.rules.length === 0) {
    return "This comment names no rule, so it suppresses nothing: 'unknot-ignore-next-line <rule> -- reason'.";
  }
  const unknown = suppression.rules.filter((rule) => !known.has(rule));
  if (unknown.length > 0) return `There is no rule ${names(unknown)}.`;
  const idle = suppression.rules.filter((rule) => ran.has(rule) && !used.has(useKey(suppression, rule)));
  if (idle.length === 0) return undefined;
  const where = suppression.scope === "file" ? "in this file" : "on the next line";
  return `${names(idle)} ${idle.length === 1 ? "reports" : "report"} nothing ${where}, so this comment suppresses nothing.`;
}

function names(rules: readonly string[]): string {
  return rules.map((rule) => `'${rule}'`).join(", ");
}
