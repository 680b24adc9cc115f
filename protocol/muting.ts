import type { Problem } from "./problem.ts";

/**
 * A rule of the setting `unknot.mutedProblems` and of `mutedProblems` in `unknot.config.json`: problems like this are
 * counted and not shown.
 */
export interface MutingRule {
  /** The problem's id, or its verdict. */
  readonly problem: string;
  /** The end of the path of the file that it is first found in; absent: wherever it is. */
  readonly file?: string;
}

/** The rules that a setting or a configuration holds; what is none is passed over. */
export function rulesOf(setting: unknown): readonly MutingRule[] {
  if (!Array.isArray(setting)) return [];
  return setting.flatMap((entry: unknown): MutingRule[] => {
    if (typeof entry !== "object" || entry === null) return [];
    const { problem, file } = entry as Readonly<Record<string, unknown>>;
    if (typeof problem !== "string" || problem === "") return [];
    return [{ problem, ...(typeof file === "string" && file !== "" ? { file } : {}) }];
  });
}

export function isMuted({ id, verdict, at: [place] }: Problem, rules: readonly MutingRule[]): boolean {
  return rules.some(
    ({ problem, file }) =>
      (problem === id || problem === verdict) &&
      (file === undefined || place?.file === file || place?.file.endsWith(`/${file}`) === true),
  );
}

/** The rule that mutes problems like this one, in a file below one of the folders by its path from there. */
export function ruleFor({ id, at: [place] }: Problem, folders: readonly string[]): MutingRule {
  if (place === undefined) return { problem: id };
  const folder = folders.find((each) => place.file.startsWith(`${each}/`));
  return { problem: id, file: folder === undefined ? place.file : place.file.slice(folder.length + 1) };
}
