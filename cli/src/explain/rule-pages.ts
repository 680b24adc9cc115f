import { existsSync, readFileSync } from "node:fs";
import { allRules } from "@unknot/server/rules/index.ts";
import type { RuleInfo } from "../check/report.ts";

// The pages stand beside the bundled command (`rules/<id>.md`, put there by scripts/build.ts), and in the repository
// beside the rules.
const bundled = new URL("./rules/", import.meta.url);
const sources = new URL("../../../server/src/rules/", import.meta.url);

/** All rules with their titles, sorted. */
export const rules: readonly RuleInfo[] = allRules
  .map(({ id, title }) => ({ id, title }))
  .sort((a, b) => (a.id < b.id ? -1 : 1));

/** The page of a rule as Markdown; undefined when there is no such rule. */
export function rulePage(id: string): string | undefined {
  const rule = rules.find((each) => each.id === id);
  if (rule === undefined) return undefined;
  const file = existsSync(bundled) ? new URL(`${id}.md`, bundled) : new URL(`${id}/doc.md`, sources);
  return existsSync(file) ? readFileSync(file, "utf8") : `# ${id}\n\n${rule.title}.\n`;
}
