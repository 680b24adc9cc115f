import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { type ParseError, parse } from "jsonc-parser";
import type { FilePath } from "./ids.ts";
import { jsonErrorInWords } from "./json-errors.ts";
import { folderOf, foldersAbove, resolvePath, slashes } from "./paths.ts";
import type { ProjectNotice } from "./program.ts";

/**
 * What a tsconfig or jsconfig says with its bases, as far as it can be read, and how it has to read for TypeScript 7.
 * TypeScript's API opens almost any configuration; this module mends the few things that would lose answers.
 */
export interface Configuration {
  readonly file: FilePath;
  /** Every file that was read for it, itself first: what a watcher has to look at. */
  readonly chain: readonly FilePath[];
  /** Configurations it refers to, the existing ones. */
  readonly references: readonly FilePath[];
  /** Folders that TypeScript writes to. */
  readonly outputs: readonly FilePath[];
  /** The text to give to TypeScript instead; undefined when the one on disk will do. */
  readonly mended?: string;
  readonly notices: readonly ProjectNotice[];
}

/** Names that are configurations wherever they lie, the preferred one first. */
export const configurationNames = ["tsconfig.json", "jsconfig.json"] as const;

/** Reads a configuration. `libraries` are the names that `lib` may have. Never throws. */
export function readConfiguration(file: FilePath, libraries: ReadonlySet<string>): Configuration {
  const reading: Reading = { chain: [], notices: [], lost: false };
  const merged = readMerged(file, [], reading);
  const changes = neededChanges(file, merged, libraries);
  if (changes.translated.length > 0) {
    reading.notices.push({
      file,
      severity: "information",
      message: `'${path.basename(file)}' uses options that TypeScript 7 dropped (${changes.translated.join(", ")}); they are read as their successors.`,
    });
  }
  const mended = mend(merged, changes.options, reading);
  return {
    file,
    chain: reading.chain,
    references: references(merged, file),
    outputs: ["outDir", "declarationDir"].flatMap((key) => {
      const folder = merged.options[key];
      return typeof folder === "string" ? [substitute(folder, folderOf(file))] : [];
    }),
    ...(mended === undefined ? {} : { mended }),
    notices: reading.notices,
  };
}

/**
 * A configuration, to be given to TypeScript under a made-up path in `folder`, for files that no configuration
 * includes. It takes the options of `base` when there is one.
 */
export function looseConfiguration(files: readonly FilePath[], base: Configuration | undefined): string {
  return JSON.stringify({
    ...(base === undefined
      ? {}
      : { extends: base.file, references: base.references.map((to) => ({ path: to })) }),
    compilerOptions: {
      ...(base === undefined
        ? {
            strict: true,
            target: "esnext",
            module: "preserve",
            moduleResolution: "bundler",
            jsx: "preserve",
            resolveJsonModule: true,
            experimentalDecorators: true,
          }
        : {}),
      allowJs: true,
      allowImportingTsExtensions: true,
      checkJs: false,
      composite: false,
      noEmit: true,
      skipLibCheck: true,
      types: ["*"],
    },
    files,
    include: [],
  });
}

type Json = Readonly<Record<string, unknown>>;

interface Reading {
  readonly chain: FilePath[];
  readonly notices: ProjectNotice[];
  /** A base leads back to itself: TypeScript 7.0.2 never returns from reading such a file. */
  lost: boolean;
}

/** A configuration with its bases merged in, the way TypeScript merges them; paths of options are absolute. */
interface Merged {
  /** The file's own text as an object. */
  readonly own: Json;
  readonly options: Json;
  /** Where `files`, `include` and `exclude` come from. */
  readonly selection: Readonly<Record<string, { readonly value: unknown; readonly folder: FilePath }>>;
  /** The folder that `paths` counts from when there is no `baseUrl`. */
  readonly pathsFolder: FilePath | undefined;
}

const nothing: Merged = { own: {}, options: {}, selection: {}, pathsFolder: undefined };

function readMerged(file: FilePath, above: readonly FilePath[], reading: Reading): Merged {
  reading.chain.push(file);
  const own = readObject(file, reading);
  if (own === undefined) return nothing;
  const folder = folderOf(file);
  let merged: Merged = { ...nothing, own };
  for (const name of strings(own["extends"])) {
    const base = resolveBase(name, file);
    if (base === undefined) {
      reading.notices.push({
        file,
        severity: "warning",
        message: `'${path.basename(file)}' extends '${name}', which is not installed, so options may be missing; install the project's dependencies.`,
      });
    } else if (base === file || above.includes(base)) {
      reading.lost = true;
      reading.notices.push({
        file,
        severity: "warning",
        message: `'${path.basename(file)}' extends itself through '${name}', so that base is left out; remove the circle.`,
      });
    } else {
      const inherited = readMerged(base, [...above, file], reading);
      merged = {
        own,
        options: { ...merged.options, ...inherited.options },
        selection: { ...merged.selection, ...inherited.selection },
        pathsFolder: inherited.pathsFolder ?? merged.pathsFolder,
      };
    }
  }
  const options = absoluteOptions(object(own["compilerOptions"]) ?? {}, folder);
  const selection = Object.fromEntries(
    ["files", "include", "exclude"]
      .filter((key) => own[key] !== undefined)
      .map((key) => [key, { value: own[key], folder }]),
  );
  return {
    own,
    options: { ...merged.options, ...options },
    selection: { ...merged.selection, ...selection },
    pathsFolder: options["paths"] === undefined ? merged.pathsFolder : folder,
  };
}

function readObject(file: FilePath, reading: Reading): Json | undefined {
  const name = path.basename(file);
  const say = (message: string) => reading.notices.push({ file, severity: "warning", message });
  let text: string;
  try {
    text = readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    say(`'${name}' can't be read (${(error as NodeJS.ErrnoException).code}), so default options are used.`);
    return undefined;
  }
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true, disallowComments: false });
  const [first] = errors;
  if (first && text.trim() !== "") {
    const line = text.slice(0, first.offset).split("\n").length;
    say(
      `'${name}' is not valid JSON at line ${line} (${jsonErrorInWords(first.error)}), so only part of it is used; correct it there.`,
    );
  }
  return object(value) ?? {};
}

function resolveBase(name: string, from: FilePath): FilePath | undefined {
  const folder = folderOf(from);
  if (/^\.{1,2}([\\/]|$)/.test(name) || path.isAbsolute(name)) {
    const base = resolvePath(folder, name);
    // A folder's own configuration is meant by `.` and `..` only.
    return [base, `${base}.json`, ...(/^\.{1,2}$/.test(name) ? [`${base}/tsconfig.json`] : [])].find(isFile);
  }
  for (const here of foldersAbove(from)) {
    const base = `${here}/node_modules/${name}`;
    const found = [base, `${base}.json`, packageField(base), `${base}/tsconfig.json`].find(
      (candidate) => candidate !== undefined && isFile(candidate),
    );
    if (found !== undefined) return found;
  }
  try {
    // What is left are packages that map their configuration through `exports`.
    return slashes(createRequire(from).resolve(name));
  } catch {
    return undefined;
  }
}

function packageField(folder: FilePath): FilePath | undefined {
  const file = readManifest(`${folder}/package.json`)?.["tsconfig"];
  return typeof file === "string" ? resolvePath(folder, file) : undefined;
}

function readManifest(file: FilePath): Json | undefined {
  try {
    return object(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}

const pathOptions = new Set(["baseUrl", "outDir", "declarationDir", "rootDir", "outFile"]);
const pathListOptions = new Set(["typeRoots", "rootDirs"]);

function absoluteOptions(options: Json, folder: FilePath): Json {
  const absolute = (value: unknown) =>
    typeof value === "string" && !value.startsWith(ownFolder) ? resolvePath(folder, value) : value;
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => {
      if (pathOptions.has(key)) return [key, absolute(value)];
      if (pathListOptions.has(key) && Array.isArray(value)) return [key, value.map(absolute)];
      return [key, value];
    }),
  );
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: TypeScript's own placeholder, the folder of the outermost configuration
const ownFolder = "${configDir}";

function substitute(value: string, folder: FilePath): string {
  return value.startsWith(ownFolder) ? resolvePath(folder, `.${value.slice(ownFolder.length)}`) : value;
}

/** Options to overlay, `null` to take one back, and the dropped ones among them in words. */
function neededChanges(
  file: FilePath,
  { options, pathsFolder }: Merged,
  libraries: ReadonlySet<string>,
): { readonly options: Record<string, unknown>; readonly translated: readonly string[] } {
  const changes: Record<string, unknown> = {};
  const translated: string[] = [];
  const drop = (key: string, dropped: readonly string[], successor: unknown = null) => {
    const value = options[key];
    if (typeof value !== "string" || !dropped.includes(value.toLowerCase())) return;
    changes[key] = successor;
    translated.push(`${key}=${value}`);
  };
  drop("target", ["es3", "es5"]);
  drop("module", ["amd", "umd", "system", "none"], "esnext");
  drop("moduleResolution", ["node", "node10", "classic"]);
  for (const key of ["esModuleInterop", "allowSyntheticDefaultImports", "alwaysStrict"]) {
    if (options[key] !== false) continue;
    changes[key] = null;
    translated.push(`${key}=false`);
  }
  if (options["outFile"] !== undefined) {
    changes["outFile"] = null;
    translated.push("outFile");
  }
  if (typeof options["baseUrl"] === "string") {
    const baseUrl = substitute(options["baseUrl"], folderOf(file));
    changes["baseUrl"] = null;
    changes["paths"] = pathsWithoutBaseUrl(baseUrl, options["paths"]);
    translated.push("baseUrl");
  } else if (options["paths"] !== undefined && pathsFolder !== undefined) {
    const paths = object(options["paths"]) ?? {};
    const bare = Object.values(paths)
      .flatMap(strings)
      .some((target) => !/^(\.{1,2}|\$\{configDir\})?(\/|$)/.test(target));
    // A target without './' is an error in TypeScript 7, and the alias is lost.
    if (bare) changes["paths"] = absolutePaths(pathsFolder, paths);
  }
  const library = options["lib"];
  // TypeScript leaves out the names it does not know; with none left there would be no `Promise`.
  if (
    Array.isArray(library) &&
    !library.some((name) => typeof name === "string" && libraries.has(name.toLowerCase()))
  ) {
    changes["lib"] = null;
  }
  if (options["types"] === undefined && usesAllTypes(file)) changes["types"] = ["*"];
  return { options: changes, translated };
}

function pathsWithoutBaseUrl(baseUrl: FilePath, paths: unknown): Record<string, readonly string[]> {
  const absolute = absolutePaths(baseUrl, object(paths) ?? {});
  return { ...absolute, "*": [...(absolute["*"] ?? []), `${baseUrl}/*`] };
}

function absolutePaths(folder: FilePath, paths: Json): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(paths).map(([alias, targets]) => [
      alias,
      strings(targets).map((target) => (target.startsWith(ownFolder) ? target : resolvePath(folder, target))),
    ]),
  );
}

/**
 * Up to TypeScript 5 a project without `types` saw every package of `@types`; from 6 on it sees none. The project's
 * own TypeScript decides, and where none is installed seeing more does no harm.
 */
function usesAllTypes(file: FilePath): boolean {
  for (const here of foldersAbove(file)) {
    const manifest = readManifest(`${here}/node_modules/typescript/package.json`);
    if (manifest !== undefined) return !(Number.parseInt(String(manifest["version"]), 10) >= 6);
  }
  return true;
}

function mend(merged: Merged, changes: Json, reading: Reading): string | undefined {
  if (reading.lost) {
    const { extends: _, ...own } = merged.own;
    const selection = Object.fromEntries(
      Object.entries(merged.selection).map(([key, { value, folder }]) => [
        key,
        Array.isArray(value)
          ? value.map((item) => (typeof item === "string" ? resolvePath(folder, item) : item))
          : value,
      ]),
    );
    const paths = object(merged.options["paths"]);
    return JSON.stringify({
      ...own,
      ...selection,
      compilerOptions: {
        ...merged.options,
        ...(paths && merged.pathsFolder ? { paths: absolutePaths(merged.pathsFolder, paths) } : {}),
        ...changes,
      },
    });
  }
  if (Object.keys(changes).length === 0) return undefined;
  return JSON.stringify({
    ...merged.own,
    compilerOptions: { ...object(merged.own["compilerOptions"]), ...changes },
  });
}

function references(merged: Merged, file: FilePath): FilePath[] {
  const list = Array.isArray(merged.own["references"]) ? merged.own["references"] : [];
  return list.flatMap((reference) => {
    const to = object(reference)?.["path"];
    if (typeof to !== "string") return [];
    const target = resolvePath(folderOf(file), to);
    const found = isFile(target) ? target : resolvePath(target, "tsconfig.json");
    return isFile(found) ? [found] : [];
  });
}

function isFile(file: FilePath): boolean {
  return existsSync(file) && statSync(file).isFile();
}

function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function strings(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item) => typeof item === "string");
}
