import type { Finding, Fix } from "@unknot/protocol/finding.ts";
import type { Span } from "@unknot/protocol/place.ts";

/** What applying fixes did. */
export interface Applied {
  /** New text by file. */
  readonly files: ReadonlyMap<string, string>;
  readonly fixed: readonly Finding[];
  /** Findings whose fix touches what another one changed; a next round may apply them. */
  readonly left: readonly Finding[];
}

/**
 * Applies the preferred fix of each finding, all edits of one or none. A fix that overlaps one applied before waits for
 * the next round, because its places may have moved.
 */
export function applyFixes(
  findings: readonly Finding[],
  textOf: (file: string) => string | undefined,
): Applied {
  const chosen = new Map<string, Span[]>();
  const edits = new Map<string, { readonly at: Span; readonly newText: string }[]>();
  const fixed: Finding[] = [];
  const left: Finding[] = [];
  for (const finding of findings) {
    const fix = finding.fixes.find((each) => each.preferred);
    if (fix === undefined || fix.edits.length === 0) continue;
    if (!fits(fix, chosen)) {
      left.push(finding);
      continue;
    }
    for (const edit of fix.edits) {
      chosen.set(edit.at.file, [...(chosen.get(edit.at.file) ?? []), edit.at]);
      edits.set(edit.at.file, [...(edits.get(edit.at.file) ?? []), edit]);
    }
    fixed.push(finding);
  }
  const files = new Map<string, string>();
  for (const [file, changes] of edits) {
    const text = textOf(file);
    if (text !== undefined) files.set(file, edited(text, changes));
  }
  return { files, fixed, left };
}

function fits(fix: Fix, chosen: ReadonlyMap<string, readonly Span[]>): boolean {
  return fix.edits.every(
    (edit) => !(chosen.get(edit.at.file) ?? []).some((other) => touches(edit.at, other)),
  );
}

/** Also true for two insertions at one place: their order would be a guess. */
function touches(a: Span, b: Span): boolean {
  const before = (x: Span, y: Span) => x.endLine < y.line || (x.endLine === y.line && x.endColumn < y.column);
  return !before(a, b) && !before(b, a);
}

function edited(text: string, edits: readonly { readonly at: Span; readonly newText: string }[]): string {
  const starts = lineStarts(text);
  const offset = (line: number, column: number) =>
    Math.min(text.length, (starts[line - 1] ?? text.length) + column - 1);
  const changes = edits
    .map(({ at, newText }) => ({
      start: offset(at.line, at.column),
      end: offset(at.endLine, at.endColumn),
      newText,
    }))
    .sort((a, b) => b.start - a.start);
  let result = text;
  for (const { start, end, newText } of changes)
    result = result.slice(0, start) + newText + result.slice(end);
  return result;
}

/** Where lines begin, by the line ends that TypeScript knows. */
function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)].map((end) => end.index + end[0].length)];
}
