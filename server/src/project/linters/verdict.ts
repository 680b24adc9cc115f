import type { LinterTopic } from "../../analysis/analyzer.ts";
import type { FilePath } from "../../program/ids.ts";
import { objectOf } from "../read-config.ts";

/** What a linter's configuration says in one file about a rule. */
export type Verdict =
  | "reports"
  | "silent"
  /** It can't be known without running the configuration. */
  | "unknown";

/** A configuration, read as far as it can be. */
export interface LinterConfig {
  verdict(file: FilePath, rule: LintRule): Verdict;
}

export const silent: LinterConfig = { verdict: () => "silent" };
export const unknown: LinterConfig = { verdict: () => "unknown" };

/** How linters call the rule that reports something, and which of its options leave what is asked about alone. */
export interface LintRule {
  readonly eslint: string;
  /** Names that oxlint takes (measured with 1.x). */
  readonly oxlint: readonly string[];
  readonly biome: string;
  /** oxlint has it on without being told. */
  readonly isCorrectness: boolean;
  /** The rule still reports what is asked about, with this option. */
  keepsReporting(option: string, value: unknown): boolean;
}

function lintRule(
  name: string,
  biome: string,
  isCorrectness: boolean,
  keepsReporting: LintRule["keepsReporting"],
): LintRule {
  const eslint = `@typescript-eslint/${name}`;
  const oxlint = [`typescript/${name}`, eslint, `typescript-eslint/${name}`, name];
  return { eslint, oxlint, biome, isCorrectness, keepsReporting };
}

/** `checksConditionals` and `checksVoidReturn` switch halves of the rule off. */
function half(own: string, part?: string): LintRule["keepsReporting"] {
  return (option, value) => {
    if (option !== own || value === true) return true;
    return part !== undefined && objectOf(value)[part] !== false && value !== false;
  };
}

export const lintRules: Readonly<Record<LinterTopic, LintRule>> = {
  floating: lintRule(
    "no-floating-promises",
    "noFloatingPromises",
    true,
    (option, value) =>
      ["ignoreVoid", "checkThenables"].includes(option) || value === false || isEmptyList(value),
  ),
  "void-callback": lintRule(
    "no-misused-promises",
    "noMisusedPromises",
    false,
    half("checksVoidReturn", "arguments"),
  ),
  condition: lintRule("no-misused-promises", "noMisusedPromises", false, half("checksConditionals")),
};

/**
 * A severity with or without options: `"error"`, `2`, `["warn", {…}]`. Options that let what is asked about pass make the
 * rule as good as silent: what it would leave out is unknown.
 */
export function verdictOfEntry(
  entry: unknown,
  { keepsReporting }: Pick<LintRule, "keepsReporting">,
): Verdict {
  const [severity, ...options] = Array.isArray(entry) ? (entry as readonly unknown[]) : [entry];
  if (severity === "off" || severity === "allow" || severity === 0) return "silent";
  if (!["error", "warn", "deny", 1, 2].includes(severity as string | number)) return "unknown";
  const harmless = options.every(
    (one) =>
      typeof one === "object" &&
      one !== null &&
      Object.entries(one).every(([name, value]) => keepsReporting(name, value)),
  );
  return harmless ? "reports" : "silent";
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
