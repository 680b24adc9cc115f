import type { Range, SuppressionFact } from "../facts.ts";

const comment =
  /(?:\/\/|\/\*+)[ \t]*unknot-ignore-(next-line|file)\b[ \t]*([^\n\r]*?)[ \t]*(?:\*\/|(?=\r?\n|$))/g;

/**
 * The suppression comments of a text: `// unknot-ignore-next-line <rule>[, <rule>] -- <reason>`. `literals` are the
 * strings and templates of the file, in which such a comment is only text.
 */
export function findSuppressions(
  text: string,
  lineOf: (offset: number) => number,
  literals: () => readonly Range[],
): SuppressionFact[] {
  if (!text.includes("unknot-ignore-")) return [];
  const strings = literals();
  return [...text.matchAll(comment)].flatMap((match) => {
    const start = match.index;
    const end = start + match[0].length;
    if (strings.some((string) => string.start <= start && start < string.end)) return [];
    const [named = "", ...reason] = (match[2] ?? "").split(/(?:^|\s)--(?:\s|$)/);
    const scope = match[1] === "file" ? "file" : "next-line";
    const line = lineOf(start);
    return [
      {
        scope,
        rules: named
          .split(/[\s,]+/)
          .filter((rule) => rule !== "")
          .map((rule) => rule.replace(/^unknot\//, "")),
        reason: reason.join(" -- ").trim(),
        line: scope === "file" ? line : line + 1,
        start,
        end,
      },
    ];
  });
}
