import type { DisabledRules, Range } from "../facts.ts";

const eslintComment =
  /(?:\/\/|\/\*)[ \t]*(?:(?:eslint|oxlint)-|tslint:)(disable|enable)(-next-line|-line)?\b:?([^\n\r]*?)(?:\*\/|(?=\r?\n|$))/g;
const biomeComment = /(?:\/\/|\/\*)[ \t]*biome-ignore[ \t]+([\w/]+)/g;

/**
 * Where comments switch rules of other linters off: ESLint's, TSLint's, oxlint's and Biome's. Comments that name no rule are left
 * out, for they say nothing about any one. `literals` are the strings and templates of the file.
 */
export function findDisabledRules(
  text: string,
  lineOf: (offset: number) => number,
  literals: () => readonly Range[],
): DisabledRules[] {
  if (!/(?:eslint|oxlint)-disable|tslint:disable|biome-ignore/.test(text)) return [];
  const strings = literals();
  const isText = (offset: number) => strings.some(({ start, end }) => start <= offset && offset < end);
  const found: DisabledRules[] = [];
  const open = new Map<string, number>();
  for (const match of text.matchAll(eslintComment)) {
    if (isText(match.index)) continue;
    const line = lineOf(match.index);
    const rules = rulesIn(match[3] ?? "");
    if (match[1] === "disable" && match[2] !== undefined) {
      const at = match[2] === "-line" ? line : line + 1;
      if (rules.length > 0) found.push({ rules, firstLine: at, lastLine: at });
    } else if (match[1] === "disable") {
      for (const rule of rules) if (!open.has(rule)) open.set(rule, line);
    } else {
      // Without names, everything is switched on again.
      for (const rule of rules.length > 0 ? rules : [...open.keys()]) {
        const firstLine = open.get(rule);
        if (firstLine === undefined) continue;
        open.delete(rule);
        found.push({ rules: [rule], firstLine, lastLine: line });
      }
    }
  }
  for (const [rule, firstLine] of open) {
    found.push({ rules: [rule], firstLine, lastLine: lineOf(text.length) });
  }
  for (const match of text.matchAll(biomeComment)) {
    const rule = match[1]?.split("/").at(-1);
    if (rule === undefined || isText(match.index)) continue;
    const line = lineOf(match.index) + 1;
    found.push({ rules: [rule], firstLine: line, lastLine: line });
  }
  return found;
}

function rulesIn(text: string): string[] {
  const [named = ""] = text.split(/(?:^|\s)-{2,}(?:\s|$)/);
  return named.split(/[\s,]+/).filter((rule) => rule !== "");
}
