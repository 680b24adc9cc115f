import type { FilePath } from "../../program/ids.ts";
import { folderOf, resolvePath } from "../../program/paths.ts";
import { createMatcher } from "../globs.ts";
import { objectOf, textsOf } from "../read-config.ts";
import type { ReadSettings } from "./eslint-legacy.ts";
import { type LinterConfig, type LintRule, unknown, type Verdict } from "./verdict.ts";

type Settings = Readonly<Record<string, unknown>>;

/** Biome has moved rules from `nursery` to other groups when they were done. */
const groups = ["nursery", "suspicious", "correctness", "complexity", "style", "performance"];

/** `biome.json` and what it extends by path or, with `//`, from the root. */
export function biomeConfig(from: FilePath, read: ReadSettings, root: FilePath | undefined): LinterConfig {
  const layers = layersOf(from, read, root, 0);
  return layers === undefined ? unknown : { verdict: (file, rule) => verdictFor(layers, file, rule) };
}

interface Layer {
  readonly folder: FilePath;
  readonly settings: Settings;
}

/** The configurations from the first that counts to the last; undefined when one can't be read. */
function layersOf(
  from: FilePath,
  read: ReadSettings,
  root: FilePath | undefined,
  hops: number,
): readonly Layer[] | undefined {
  const settings = read(from);
  if (settings === undefined || hops > 5) return undefined;
  const given = settings["extends"];
  const names = typeof given === "string" ? [given] : textsOf(given);
  const layers: Layer[] = [];
  for (const name of names) {
    const path = name === "//" ? root : name.startsWith(".") ? resolvePath(folderOf(from), name) : undefined;
    const extended = path === undefined || path === from ? undefined : layersOf(path, read, root, hops + 1);
    if (extended === undefined) return undefined;
    layers.push(...extended);
  }
  return [...layers, { folder: folderOf(from), settings }];
}

function verdictFor(layers: readonly Layer[], file: FilePath, rule: LintRule): Verdict {
  let verdict: Verdict = "silent";
  for (const { folder, settings } of layers) {
    const linter = objectOf(settings["linter"]);
    if (linter["enabled"] === false) return "silent";
    const isLeftOut = [settings["files"], settings["linter"]].some((part) => {
      const { includes, ignore, include } = objectOf(part);
      // Biome 1 had other words and no such rule.
      if (ignore !== undefined || include !== undefined) return true;
      return (
        includes !== undefined && !createMatcher(folder, forced(textsOf(includes)), { exact: true })(file)
      );
    });
    if (isLeftOut) return "silent";
    verdict = ruleIn(linter, rule) ?? verdict;
    for (const one of Array.isArray(settings["overrides"]) ? settings["overrides"] : []) {
      const override = objectOf(one);
      if (!createMatcher(folder, forced(textsOf(override["includes"])), { exact: true })(file)) continue;
      const own = objectOf(override["linter"]);
      verdict = own["enabled"] === false ? "silent" : (ruleIn(own, rule) ?? verdict);
    }
  }
  return verdict;
}

/** `!!dir` leaves out harder than `!dir`; here both leave out. */
function forced(patterns: readonly string[]): readonly string[] {
  return patterns.map((pattern) => pattern.replace(/^!!/, "!"));
}

function ruleIn(linter: Settings, { biome }: LintRule): Verdict | undefined {
  const rules = objectOf(linter["rules"]);
  for (const group of groups) {
    const entry = objectOf(rules[group])[biome];
    if (entry === undefined) continue;
    const level = typeof entry === "string" ? entry : objectOf(entry)["level"];
    return level === "off"
      ? "silent"
      : ["on", "info", "warn", "error"].includes(level as string)
        ? "reports"
        : "unknown";
  }
  return undefined;
}
