import { type Dirent, existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ignore, { type Ignore } from "ignore";
import { configurationNames } from "./configuration.ts";
import type { FilePath } from "./ids.ts";
import { foldersAbove, isInside } from "./paths.ts";
import type { ProjectNotice } from "./program.ts";

/** What lies below a folder, without dependencies, generated files and what git ignores. All lists are sorted. */
export interface Discovered {
  readonly sources: readonly FilePath[];
  /** `tsconfig.json` and `jsconfig.json` files, of two in one folder only the first kind. */
  readonly configurations: readonly FilePath[];
  readonly notices: readonly ProjectNotice[];
  /** The folders that were looked into. */
  readonly folders: readonly FilePath[];
}

/** True for the files that can be analysed: TypeScript and JavaScript, no declarations, no minified bundles. */
export function isSource(file: FilePath): boolean {
  return /\.(?:[cm]?[jt]s|[jt]sx)$/.test(file) && !/\.d\.(?:[^/.]+\.)?[cm]?ts$|[.-]min\.[cm]?js$/.test(file);
}

/** True for files of packages, which are read for their types and never analysed. */
export function isDependency(file: FilePath): boolean {
  return /\/(?:node_modules|bower_components|jspm_packages)\//.test(file);
}

/** Looks through a folder. `outputs` are folders that a compiler writes to. Never throws. */
export function discover(
  root: FilePath,
  outputs: (configuration: FilePath) => readonly FilePath[],
): Discovered {
  const sources: FilePath[] = [];
  const configurations: FilePath[] = [];
  const notices: ProjectNotice[] = [];
  const folders: FilePath[] = [];
  const generated = new Set<FilePath>();
  const open: { readonly folder: FilePath; readonly rules: readonly Rules[] }[] = [
    { folder: root, rules: rulesAbove(root) },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { folder } = next;
    if (generated.has(folder)) continue;
    folders.push(folder);
    const entries = list(folder, notices);
    const names = new Set(entries.filter((entry) => entry.isFile()).map((entry) => entry.name));
    const own = names.has(".gitignore") ? readRules(folder) : undefined;
    const rules = own === undefined ? next.rules : [...next.rules, own];
    const configuration = configurationNames.find((name) => names.has(name));
    if (configuration !== undefined) {
      const file = join(folder, configuration);
      if (!isIgnored(file, rules)) {
        configurations.push(file);
        // An output folder that holds the configuration itself ("outDir": ".") holds the sources too.
        for (const output of outputs(file)) if (!isInside(output, file)) generated.add(output);
      }
    }
    for (const entry of entries) {
      const file = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!isSkippedFolder(entry.name) && !isIgnored(`${file}/`, rules)) open.push({ folder: file, rules });
      } else if (
        entry.isFile() &&
        isSource(file) &&
        !isCompiled(entry.name, names) &&
        !isIgnored(file, rules)
      ) {
        sources.push(file);
      }
    }
  }
  const outside = (file: FilePath) => [...generated].every((output) => !isInside(output, file));
  return {
    sources: sources.filter(outside).sort(),
    configurations: configurations.filter(outside).sort(),
    notices,
    folders: folders.sort(),
  };
}

interface Rules {
  readonly folder: FilePath;
  readonly matcher: Ignore;
}

/** Output of bundlers and test runners by its usual name, packages, and everything hidden. */
function isSkippedFolder(name: string): boolean {
  return name.startsWith(".") || /^(?:node_modules|bower_components|jspm_packages|dist|coverage)$/.test(name);
}

/** JavaScript that a compiler wrote beside its source or with a source map. */
function isCompiled(name: string, beside: ReadonlySet<string>): boolean {
  const [, base, kind] = /^(.*)\.([cm]?)jsx?$/.exec(name) ?? [];
  if (base === undefined) return false;
  return [`${name}.map`, `${base}.${kind}ts`, `${base}.tsx`].some((source) => beside.has(source));
}

function list(folder: FilePath, notices: ProjectNotice[]): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    notices.push({
      file: folder,
      severity: "warning",
      message: `'${folder}' can't be read (${(error as NodeJS.ErrnoException).code}), so its files are left out; check its permissions.`,
    });
    return [];
  }
}

/** The rules of git that hold in a folder from above it; none when git ignores the folder itself. */
function rulesAbove(root: FilePath): readonly Rules[] {
  const rules: Rules[] = [];
  for (const folder of foldersAbove(root)) {
    if (existsSync(join(root, ".git"))) break;
    const own = readRules(folder);
    if (own !== undefined) rules.unshift(own);
    if (existsSync(join(folder, ".git"))) return isIgnored(`${root}/`, rules) ? [] : rules;
  }
  return [];
}

function readRules(folder: FilePath): Rules | undefined {
  try {
    const text = readFileSync(join(folder, ".gitignore"), "utf8");
    return { folder, matcher: ignore({ allowRelativePaths: true }).add(text) };
  } catch {
    return undefined;
  }
}

/** The deepest `.gitignore` that says something about a path decides. A folder's path ends with a slash. */
function isIgnored(file: FilePath, rules: readonly Rules[]): boolean {
  for (const { folder, matcher } of rules.toReversed()) {
    const name = file.slice(folder.endsWith("/") ? folder.length : folder.length + 1);
    if (name === "" || name === "/") continue;
    const { ignored, unignored } = matcher.test(name);
    if (ignored || unignored) return ignored;
  }
  return false;
}

function join(folder: FilePath, name: string): FilePath {
  return path.posix.join(folder, name);
}
