import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { fileURLToPath } from "node:url";
import { isSource } from "../program/discovery.ts";
import type { FilePath } from "../program/ids.ts";
import { folderOf, foldersAbove, slashes } from "../program/paths.ts";
import { linterFiles } from "./linters/linters.ts";
import { configName } from "./read-config.ts";

// What was found is kept on disk together with everything that it rests on: the files that TypeScript and the
// analysis have read, by their content, and the names in the folders where others could appear and change what an
// import means. Nothing is taken from there when any of it differs.

/** What an outcome rests on. */
export interface Inputs {
  readonly files: readonly FilePath[];
  /** Folders that were searched for sources. */
  readonly folders: readonly FilePath[];
  /** What was asked for: above these only the names count that mean something there. */
  readonly roots: readonly FilePath[];
}

/** A file or a folder as it was. */
interface Known {
  readonly path: FilePath;
  readonly size: number;
  readonly mtimeMs: number;
  readonly digest: string;
}

interface Entry {
  readonly files: readonly Known[];
  readonly folders: readonly (Known & { readonly above: boolean })[];
  readonly outcome: unknown;
}

/** File systems count in steps, and an editor may have saved while the analysis was reading. */
const unsettledMs = 2_000;
const mostEntries = 30;

export interface OutcomeCache {
  /** What was kept for `key`, when nothing that it rests on has changed. Never throws. */
  find(key: unknown): unknown;
  /** Keeps an outcome, unless one of its inputs has changed since shortly before `startedMs`. Never throws. */
  keep(key: unknown, inputs: Inputs, outcome: unknown, startedMs: number): void;
}

/** A cache in `folder`, which is made when it is needed. Whatever is wrong with it counts as not there. */
export function createOutcomeCache(folder: FilePath): OutcomeCache {
  const fileOf = (key: unknown) => `${folder}/${digest(JSON.stringify([productDigest(), key]))}.json`;
  return {
    find(key) {
      try {
        const file = fileOf(key);
        const entry = readEntry(readFileSync(file, "utf8"));
        if (!entry?.files.every(isSameFile) || !entry.folders.every(isSameFolder)) return undefined;
        const now = new Date();
        utimesSync(file, now, now);
        return entry.outcome;
      } catch {
        return undefined;
      }
    },
    keep(key, inputs, outcome, startedMs) {
      try {
        const entry = describe(inputs, startedMs - unsettledMs);
        if (entry === undefined) return;
        makeFolder(folder);
        const text = JSON.stringify({ ...entry, outcome } satisfies Entry);
        const file = fileOf(key);
        const fresh = `${file}.${process.pid}`;
        writeFileSync(fresh, `${digest(text)}\n${text}`, { mode: 0o600 });
        renameSync(fresh, file);
        prune(folder);
      } catch {
        // A full or read-only disk: next time everything is done anew.
      }
    },
  };
}

/** Folder by folder: below /proc, where none can be made, Node's own recursion never ends. */
function makeFolder(folder: FilePath): void {
  if (existsSync(folder)) return;
  const above = folderOf(folder);
  if (above !== folder) makeFolder(above);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another run may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function readEntry(text: string): Entry | undefined {
  const end = text.indexOf("\n");
  const body = text.slice(end + 1);
  return text.slice(0, end) === digest(body) ? (JSON.parse(body) as Entry) : undefined;
}

/** Undefined when something has just changed. */
function describe({ files, folders, roots }: Inputs, settledMs: number): Omit<Entry, "outcome"> | undefined {
  const above = new Set(roots.flatMap((root) => [...foldersAbove(root)].filter((one) => one !== root)));
  const all = new Set(folders);
  for (const file of files) for (const folder of foldersAbove(file)) all.add(folder);
  for (const folder of above) all.add(folder);
  for (const folder of [...all]) for (const packages of packageFolders(folder)) all.add(packages);
  const knownFolders: Entry["folders"][number][] = [];
  const allFiles = new Set(files);
  for (const folder of all) {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (!stats?.isDirectory()) continue;
    const names = namesIn(folder, above.has(folder));
    knownFolders.push({ ...known(folder, stats, digest(names.join("\n"))), above: above.has(folder) });
    for (const name of names) if (isSetting(name)) allFiles.add(`${folder}/${name}`);
  }
  const knownFiles: Known[] = [];
  for (const file of allFiles) {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (!stats?.isFile()) continue;
    if (stats.mtimeMs > settledMs) return undefined;
    knownFiles.push(known(file, stats, digest(readFileSync(file))));
  }
  return { files: knownFiles, folders: knownFolders };
}

function known(path: FilePath, { size, mtimeMs }: Stats, of: string): Known {
  return { path, size, mtimeMs, digest: of };
}

function isSameFile({ path, size, mtimeMs, digest: before }: Known): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isFile() || stats.size !== size) return false;
  return stats.mtimeMs === mtimeMs || digest(readFileSync(path)) === before;
}

function isSameFolder({ path, mtimeMs, digest: before, above }: Entry["folders"][number]): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return false;
  return stats.mtimeMs === mtimeMs || digest(namesIn(path, above).join("\n")) === before;
}

/** The names in a folder that may change an outcome; above what is analysed only settings and packages do. */
function namesIn(folder: FilePath, above: boolean): readonly string[] {
  return readdirSync(folder)
    .filter(
      (name) =>
        isSetting(name) ||
        /^(?:node_modules|\.git|\.unknot|unknot-baseline\.json)$/.test(name) ||
        (!above && isOrdinary(name)),
    )
    .sort();
}

/** Sources and folders; what tools leave behind makes no difference. */
function isOrdinary(name: string): boolean {
  if (/^(?:dist|coverage)$/.test(name) || (name.startsWith(".") && !isSource(name))) return false;
  return !name.includes(".") || !/\.(?:md|log|tsbuildinfo|map|txt|png|svg|css|lock)$/.test(name);
}

/** Files that say how others are read. */
function isSetting(name: string): boolean {
  return (
    /^(?:package\.json|[tj]sconfig(?:\..*)?\.json|\.gitignore|\.package-lock\.json|\.modules\.yaml|\.yarn-state\.yml)$/.test(
      name,
    ) || [configName, ...linterFiles].includes(name)
  );
}

/** Where packages for the sources of a folder may appear. */
function packageFolders(folder: FilePath): readonly FilePath[] {
  const packages = `${folder}/node_modules`;
  try {
    const scopes = readdirSync(packages).filter((name) => name.startsWith("@"));
    return [packages, ...scopes.map((scope) => `${packages}/${scope}`), `${folder}/.unknot/models`];
  } catch {
    return [`${folder}/.unknot/models`];
  }
}

/** The entries that were used last stay. */
function prune(folder: FilePath): void {
  const entries = readdirSync(folder)
    .map((name) => ({ file: `${folder}/${name}`, usedMs: statSync(`${folder}/${name}`).mtimeMs }))
    .sort((a, b) => b.usedMs - a.usedMs);
  for (const { file } of entries.slice(mostEntries)) rmSync(file, { force: true });
}

function digest(of: string | Uint8Array): string {
  return createHash("sha256").update(of).digest("hex");
}

let product: string | undefined;

/** Another version of Unknot finds other things: its bundle, or in a checkout its sources. */
function productDigest(): string {
  product ??= digestOfProduct(slashes(fileURLToPath(import.meta.url)));
  return product;
}

function digestOfProduct(here: FilePath): string {
  if (!here.endsWith(".ts")) return digest(readFileSync(here));
  const repository = folderOf(folderOf(folderOf(folderOf(here))));
  const parts = ["protocol", "models", "server/src"].flatMap((part) =>
    readdirSync(`${repository}/${part}`, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(?:ts|json)$/.test(name) && !name.includes("node_modules"))
      .sort()
      .map((name) => {
        const { size, mtimeMs } = statSync(`${repository}/${part}/${name}`);
        return `${part}/${name} ${size} ${mtimeMs}`;
      }),
  );
  return digest(parts.join("\n"));
}
