import type { FilePath } from "../../program/ids.ts";

/** What a linter's configuration says about floating promises in one file. */
export type Verdict =
  | "reports"
  | "silent"
  /** It can't be known without running the configuration. */
  | "unknown";

/** A configuration, read as far as it can be. */
export interface LinterConfig {
  verdict(file: FilePath): Verdict;
}

export const silent: LinterConfig = { verdict: () => "silent" };
export const unknown: LinterConfig = { verdict: () => "unknown" };

/** The rule as typescript-eslint calls it. */
export const eslintRule = "@typescript-eslint/no-floating-promises";

/**
 * A severity with or without options: `"error"`, `2`, `["warn", {…}]`. Options that let floating promises pass make the
 * rule as good as silent: what it would leave out is unknown.
 */
export function verdictOfEntry(entry: unknown): Verdict {
  const [severity, ...options] = Array.isArray(entry) ? (entry as readonly unknown[]) : [entry];
  if (severity === "off" || severity === "allow" || severity === 0) return "silent";
  if (!["error", "warn", "deny", 1, 2].includes(severity as string | number)) return "unknown";
  const harmless = options.every(
    (one) =>
      typeof one === "object" &&
      one !== null &&
      Object.entries(one).every(
        ([name, value]) =>
          ["ignoreVoid", "checkThenables"].includes(name) || value === false || isEmptyList(value),
      ),
  );
  return harmless ? "reports" : "silent";
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
