import type { Finding } from "@unknot/protocol/finding.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { SeenProblem } from "@unknot/protocol/seen.ts";
import { sameFileKey } from "./locations.ts";

/** Which findings a running program has shown to be true. */
export interface Confirmations {
  /** What was seen, in the place of what was seen before. */
  replace(problems: readonly SeenProblem[]): void;
  /** The problems that were seen of the mistakes of some findings, which are all that their files have. */
  among(findings: readonly Finding[]): ReadonlyMap<Finding, SeenProblem>;
}

interface Seen {
  readonly problem: SeenProblem;
  /** The findings that it has confirmed: which one of how many with the same message. */
  readonly findings: Set<string>;
}

/**
 * A problem confirms a finding of the same id when it happens at the finding's line, or when all that it names lies on
 * lines that the finding names. Once it has, the finding may move with the edits of its file.
 */
export function createConfirmations(): Confirmations {
  let seen: readonly Seen[] = [];
  return {
    replace(problems) {
      const before = new Map(seen.map((one) => [JSON.stringify(one.problem), one]));
      seen = problems.map(
        (problem) => before.get(JSON.stringify(problem)) ?? { problem, findings: new Set<string>() },
      );
    },
    among(findings) {
      const alike = seen.length === 0 ? [] : [...Map.groupBy(findings, nameOf).values()];
      return new Map(
        alike.flatMap((same) =>
          same.flatMap((finding, index): [Finding, SeenProblem][] => {
            const key = `${index} of ${same.length} ${nameOf(finding)}`;
            const found =
              seen.find((one) => one.findings.has(key)) ??
              seen.find(({ problem }) => isSame(problem, finding));
            found?.findings.add(key);
            return found === undefined ? [] : [[finding, found.problem]];
          }),
        ),
      );
    },
  };
}

function nameOf({ rule, at, message }: Finding): string {
  return `${rule}\n${sameFileKey(at.file)}\n${message}`;
}

function isSame({ id, at }: SeenProblem, { rule, at: reported, trace }: Finding): boolean {
  if (id !== rule || at.length === 0) return false;
  const happened = new Set(at.map(lineOf));
  if (happened.has(lineOf(reported))) return true;
  const named = new Set([reported, ...trace.map((step) => step.at)].map(lineOf));
  return at.every((place) => named.has(lineOf(place)));
}

function lineOf({ file, line }: Place): string {
  return `${sameFileKey(file)}:${line}`;
}
