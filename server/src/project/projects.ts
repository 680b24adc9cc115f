import { existsSync, readFileSync } from "node:fs";
import type { JsonProblem } from "../models/json-shape.ts";
import type { FilePath } from "../program/ids.ts";
import { folderOf, foldersAbove, isInside, resolvePath } from "../program/paths.ts";
import type { ProjectNotice } from "../program/program.ts";
import { createMatcher } from "./globs.ts";
import {
  configName,
  defaultBaselineName,
  emptyConfig,
  type ProjectConfig,
  readConfig,
  type Severities,
} from "./read-config.ts";

/** A folder with what it says about itself. */
export interface Project {
  readonly root: FilePath;
  /** True when the folder says something: it has a configuration, models or a baseline. */
  readonly declared: boolean;
  readonly config: ProjectConfig;
  readonly notices: readonly ProjectNotice[];
  /** The configured severities of a file. */
  severitiesIn(file: FilePath): Severities;
  isExcluded(file: FilePath): boolean;
}

/**
 * The project of a file: the nearest folder above it with an `unknot.config.json`, else the nearest with `.unknot` or a
 * baseline, else `fallback`. Nothing above a repository's own folder counts.
 */
export function createProjects(fallback: FilePath | undefined): (file: FilePath) => Project {
  const byRoot = new Map<FilePath, Project>();
  const rootOf = new Map<FilePath, FilePath | undefined>();
  return (file) => {
    const folder = folderOf(file);
    if (!rootOf.has(folder)) rootOf.set(folder, findRoot(file));
    const declared = rootOf.get(folder);
    const isBelow = fallback !== undefined && isInside(fallback, file);
    const root = declared ?? (isBelow ? fallback : (repositoryOf(file) ?? folder));
    const known = byRoot.get(root);
    if (known !== undefined) return known;
    const project = readProject(root, declared !== undefined);
    byRoot.set(root, project);
    return project;
  };
}

function findRoot(file: FilePath): FilePath | undefined {
  let other: FilePath | undefined;
  for (const folder of foldersAbove(file)) {
    if (existsSync(`${folder}/${configName}`)) return folder;
    if (
      other === undefined &&
      [".unknot", defaultBaselineName].some((name) => existsSync(`${folder}/${name}`))
    )
      other = folder;
    if (existsSync(`${folder}/.git`)) break;
  }
  return other;
}

function repositoryOf(file: FilePath): FilePath | undefined {
  for (const folder of foldersAbove(file)) if (existsSync(`${folder}/.git`)) return folder;
  return undefined;
}

function readProject(root: FilePath, declared: boolean): Project {
  const file = resolvePath(root, configName);
  const { config, notices } = readConfigFile(file);
  const overrides = config.overrides.map(({ files, rules }) => ({ fits: createMatcher(root, files), rules }));
  const isExcluded = createMatcher(root, config.exclude);
  return {
    root,
    declared,
    config,
    notices,
    isExcluded,
    severitiesIn: (of) =>
      Object.assign({}, config.rules, ...overrides.filter(({ fits }) => fits(of)).map(({ rules }) => rules)),
  };
}

function readConfigFile(file: FilePath): {
  readonly config: ProjectConfig;
  readonly notices: readonly ProjectNotice[];
} {
  if (!existsSync(file)) return { config: emptyConfig, notices: [] };
  const text = readText(file);
  if (typeof text !== "string") return { config: emptyConfig, notices: [unreadable(file, text)] };
  const { config, problems } = readConfig(text);
  return { config, notices: problems.map((problem) => toNotice(file, problem)) };
}

export function toNotice(file: FilePath, { line, column, message }: JsonProblem): ProjectNotice {
  return { file, severity: "warning", message, at: { line, column } };
}

/** The text of a file, or why there is none. */
export function readText(file: FilePath): string | { readonly code: string } {
  try {
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? "unknown" };
  }
}

export function unreadable(file: FilePath, { code }: { readonly code: string }): ProjectNotice {
  const message =
    code === "ENOENT"
      ? `There is no file '${file}': correct the path or remove it from the configuration.`
      : `'${file}' can't be read (${code}), so it is left out; check its permissions.`;
  return { file, severity: "warning", message };
}
