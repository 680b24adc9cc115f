import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RuleInfo } from "../check/report.ts";

// The pages stand beside the bundled command (`rules/<id>.md`, put there by scripts/build.ts), and in the repository
// beside the rules.
const bundled = new URL("./rules/", import.meta.url);
const sources = new URL("../../../server/src/rules/", import.meta.url);

/** The ids of all rules that have a page, sorted. */
export function ruleIds(): readonly string[] {
  if (existsSync(bundled)) {
    return readdirSync(bundled)
      .flatMap((file) => (file.endsWith(".md") ? file.slice(0, -3) : []))
      .sort();
  }
  if (!existsSync(sources)) return [];
  return readdirSync(sources)
    .filter((id) => existsSync(new URL(`${id}/doc.md`, sources)))
    .sort();
}

/** All rules with their titles, for listings. */
export function rules(): readonly RuleInfo[] {
  return ruleIds().map((id) => {
    const heading = /^#\s+(.*)$/m.exec(rulePage(id) ?? "")?.[1] ?? id;
    return { id, title: heading.replaceAll("`", "") };
  });
}

/** The page of a rule as Markdown; undefined when there is no such rule. */
export function rulePage(id: string): string | undefined {
  if (!ruleIds().includes(id)) return undefined;
  const file = existsSync(bundled) ? new URL(`${id}.md`, bundled) : new URL(`${id}/doc.md`, sources);
  return readFileSync(fileURLToPath(file), "utf8");
}
