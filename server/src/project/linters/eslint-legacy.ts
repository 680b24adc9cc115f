import type { FilePath } from "../../program/ids.ts";
import { folderOf, resolvePath } from "../../program/paths.ts";
import { createMatcher } from "../globs.ts";
import { objectOf, textsOf } from "../read-config.ts";
import { type LinterConfig, type LintRule, type Verdict, verdictOfEntry } from "./verdict.ts";

type Settings = Readonly<Record<string, unknown>>;

/** The value of a configuration file; undefined when it can't be known. */
export type ReadSettings = (file: FilePath) => Settings | undefined;

/** Shareable configurations are followed through files at most so deep. */
const mostHops = 5;

/** `.eslintrc` files, the nearest first, as one configuration. */
export function eslintrcConfig(
  files: readonly { readonly file: FilePath; readonly settings: Settings | undefined }[],
  read: ReadSettings,
): LinterConfig {
  const layers = files.toReversed();
  return {
    verdict(file, rule) {
      let verdict: Verdict = "silent";
      for (const { file: from, settings } of layers) {
        if (settings === undefined) verdict = "unknown";
        else if (createMatcher(folderOf(from), textsOf(settings["ignorePatterns"]))(file)) return "silent";
        else verdict = applied(verdict, settings, from, file, rule, read, 0);
      }
      return verdict;
    },
  };
}

function applied(
  before: Verdict,
  settings: Settings,
  from: FilePath,
  file: FilePath,
  rule: LintRule,
  read: ReadSettings,
  hops: number,
): Verdict {
  let verdict = before;
  for (const name of stringsOf(settings["extends"])) {
    verdict = extended(verdict, name, from, file, rule, read, hops);
  }
  const rules = objectOf(settings["rules"]);
  if (Object.hasOwn(rules, rule.eslint)) verdict = verdictOfEntry(rules[rule.eslint], rule);
  for (const one of Array.isArray(settings["overrides"]) ? settings["overrides"] : []) {
    const override = objectOf(one);
    const folder = folderOf(from);
    const fits =
      createMatcher(folder, stringsOf(override["files"]))(file) &&
      !createMatcher(folder, stringsOf(override["excludedFiles"]))(file);
    if (fits) verdict = applied(verdict, override, from, file, rule, read, hops + 1);
  }
  return verdict;
}

/** What a name in `extends` changes. */
function extended(
  before: Verdict,
  name: string,
  from: FilePath,
  file: FilePath,
  rule: LintRule,
  read: ReadSettings,
  hops: number,
): Verdict {
  const preset = presetVerdict(name);
  if (preset === "neutral") return before;
  if (preset !== undefined) return preset;
  if (!name.startsWith(".") || hops >= mostHops) return "unknown";
  const path = resolvePath(folderOf(from), name);
  const settings = read(path) ?? read(`${path}.json`);
  return settings === undefined ? "unknown" : applied(before, settings, path, file, rule, read, hops + 1);
}

/** What is known of a shareable configuration by its name. */
function presetVerdict(name: string): Verdict | "neutral" | undefined {
  const [, preset] = /^plugin:@typescript-eslint\/(.+)$/.exec(name) ?? [];
  switch (preset) {
    case undefined:
      // Plugins speak about their own rules; `prettier` switches off rules of layout.
      return /^(?:eslint:|plugin:|prettier$)/.test(name) ? "neutral" : undefined;
    case "recommended-requiring-type-checking":
    case "recommended-type-checked":
    case "recommended-type-checked-only":
    case "strict-type-checked":
    case "strict-type-checked-only":
    case "all":
      return "reports";
    case "disable-type-checked":
      return "silent";
    default:
      return "neutral";
  }
}

function stringsOf(value: unknown): readonly string[] {
  return typeof value === "string" ? [value] : textsOf(value);
}
