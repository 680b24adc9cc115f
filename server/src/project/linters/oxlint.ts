import type { FilePath } from "../../program/ids.ts";
import { folderOf, resolvePath } from "../../program/paths.ts";
import { createMatcher } from "../globs.ts";
import { objectOf, textsOf } from "../read-config.ts";
import type { ReadSettings } from "./eslint-legacy.ts";
import { eslintRule, type LinterConfig, silent, type Verdict, verdictOfEntry } from "./verdict.ts";

/** oxlint takes its rule under any of these names (measured with 1.x). */
const names = [
  "typescript/no-floating-promises",
  eslintRule,
  "typescript-eslint/no-floating-promises",
  "no-floating-promises",
];

const mostHops = 5;

/**
 * The nearest `.oxlintrc.json` of a file. Without `isTypeAware` oxlint leaves out all rules that need types. The rule is
 * of the category `correctness`, which is on by default.
 */
export function oxlintConfig(from: FilePath, read: ReadSettings, isTypeAware: boolean): LinterConfig {
  if (!isTypeAware) return silent;
  const settings = read(from);
  if (settings === undefined) return { verdict: () => "unknown" };
  return { verdict: (file) => verdictFor(settings, from, file, read) };
}

function verdictFor(
  settings: Readonly<Record<string, unknown>>,
  from: FilePath,
  file: FilePath,
  read: ReadSettings,
): Verdict {
  const folder = folderOf(from);
  if (createMatcher(folder, textsOf(settings["ignorePatterns"]))(file)) return "silent";
  const plugins = settings["plugins"];
  const hasPlugin =
    !Array.isArray(plugins) || textsOf(plugins).some((name) => /^(?:@?typescript(?:-eslint)?)$/.test(name));
  const category = objectOf(settings["categories"])["correctness"];
  let verdict: Verdict = hasPlugin
    ? category === undefined
      ? "reports"
      : verdictOfEntry(category)
    : "silent";
  verdict = withRules(verdict, settings, from, read, 0);
  for (const one of Array.isArray(settings["overrides"]) ? settings["overrides"] : []) {
    const override = objectOf(one);
    if (!createMatcher(folder, textsOf(override["files"]))(file)) continue;
    // Other plugins for these files: whether the rule is among them takes more than the configuration.
    if (Array.isArray(override["plugins"])) verdict = "unknown";
    verdict = ruleIn(override) ?? verdict;
  }
  return hasPlugin ? verdict : "silent";
}

function withRules(
  before: Verdict,
  settings: Readonly<Record<string, unknown>>,
  from: FilePath,
  read: ReadSettings,
  hops: number,
): Verdict {
  let verdict = before;
  for (const name of textsOf(settings["extends"])) {
    const path = resolvePath(folderOf(from), name);
    const extended = hops < mostHops ? read(path) : undefined;
    // Its own overrides and categories could say more than its rules do.
    const isPlain = extended && extended["overrides"] === undefined && extended["categories"] === undefined;
    verdict = isPlain ? withRules(verdict, extended, path, read, hops + 1) : "unknown";
  }
  return ruleIn(settings) ?? verdict;
}

function ruleIn(settings: Readonly<Record<string, unknown>>): Verdict | undefined {
  const rules = objectOf(settings["rules"]);
  const name = names.find((one) => Object.hasOwn(rules, one));
  return name === undefined ? undefined : verdictOfEntry(rules[name]);
}

/** The root configuration or a script of package.json switches type-aware rules on. */
export function isTypeAware(
  root: Readonly<Record<string, unknown>> | undefined,
  manifest: Readonly<Record<string, unknown>> | undefined,
): boolean {
  if (objectOf(root?.["options"])["typeAware"] === true) return true;
  return Object.values(objectOf(manifest?.["scripts"])).some(
    (script) => typeof script === "string" && /\boxlint\b[^&|;]*--type-aware\b/.test(script),
  );
}
