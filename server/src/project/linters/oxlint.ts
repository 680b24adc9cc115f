import type { FilePath } from "../../program/ids.ts";
import { folderOf, resolvePath } from "../../program/paths.ts";
import { createMatcher } from "../globs.ts";
import { objectOf, textsOf } from "../read-config.ts";
import type { ReadSettings } from "./eslint-legacy.ts";
import { type LinterConfig, type LintRule, silent, type Verdict, verdictOfEntry } from "./verdict.ts";

const mostHops = 5;

/**
 * The nearest `.oxlintrc.json` of a file. Without `isTypeAware` oxlint leaves out all rules that need types. Only
 * those of the category `correctness` are on by default.
 */
export function oxlintConfig(from: FilePath, read: ReadSettings, isTypeAware: boolean): LinterConfig {
  if (!isTypeAware) return silent;
  const settings = read(from);
  if (settings === undefined) return { verdict: () => "unknown" };
  return { verdict: (file, rule) => verdictFor(settings, from, file, rule, read) };
}

function verdictFor(
  settings: Readonly<Record<string, unknown>>,
  from: FilePath,
  file: FilePath,
  rule: LintRule,
  read: ReadSettings,
): Verdict {
  const folder = folderOf(from);
  if (createMatcher(folder, textsOf(settings["ignorePatterns"]))(file)) return "silent";
  const plugins = settings["plugins"];
  const hasPlugin =
    !Array.isArray(plugins) || textsOf(plugins).some((name) => /^(?:@?typescript(?:-eslint)?)$/.test(name));
  const category = objectOf(settings["categories"])[rule.isCorrectness ? "correctness" : "pedantic"];
  let verdict: Verdict = hasPlugin
    ? category === undefined
      ? rule.isCorrectness
        ? "reports"
        : "silent"
      : verdictOfEntry(category, rule)
    : "silent";
  verdict = withRules(verdict, settings, from, rule, read, 0);
  for (const one of Array.isArray(settings["overrides"]) ? settings["overrides"] : []) {
    const override = objectOf(one);
    if (!createMatcher(folder, textsOf(override["files"]))(file)) continue;
    // Other plugins for these files: whether the rule is among them takes more than the configuration.
    if (Array.isArray(override["plugins"])) verdict = "unknown";
    verdict = ruleIn(override, rule) ?? verdict;
  }
  return hasPlugin ? verdict : "silent";
}

function withRules(
  before: Verdict,
  settings: Readonly<Record<string, unknown>>,
  from: FilePath,
  rule: LintRule,
  read: ReadSettings,
  hops: number,
): Verdict {
  let verdict = before;
  for (const name of textsOf(settings["extends"])) {
    const path = resolvePath(folderOf(from), name);
    const extended = hops < mostHops ? read(path) : undefined;
    // Its own overrides and categories could say more than its rules do.
    const isPlain = extended && extended["overrides"] === undefined && extended["categories"] === undefined;
    verdict = isPlain ? withRules(verdict, extended, path, rule, read, hops + 1) : "unknown";
  }
  return ruleIn(settings, rule) ?? verdict;
}

function ruleIn(settings: Readonly<Record<string, unknown>>, rule: LintRule): Verdict | undefined {
  const rules = objectOf(settings["rules"]);
  const name = rule.oxlint.find((one) => Object.hasOwn(rules, one));
  return name === undefined ? undefined : verdictOfEntry(rules[name], rule);
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
