import { existsSync, readdirSync, statSync } from "node:fs";
import type { FileOverlay } from "./connection.ts";
import { isDependency, isSource } from "./discovery.ts";
import type { FilePath } from "./ids.ts";
import { foldersAbove, keyOf } from "./paths.ts";

/** The texts that TypeScript sees instead of what lies on disk. */
export interface Overlay extends FileOverlay {
  /** Text of an unsaved buffer. */
  setBuffer(file: FilePath, text: string): void;
  closeBuffer(file: FilePath): void;
  isBuffer(file: FilePath): boolean;
  /** True when TypeScript has read a file as it lies on disk now. */
  isUpToDate(file: FilePath): boolean;
  /** Buffers without a file on disk. */
  newFiles(): readonly FilePath[];
  /** Configurations that are mended or made up. True when the texts changed for TypeScript. */
  setConfiguration(file: FilePath, text: string | undefined): boolean;
  /** A file whose text ends TypeScript's process: it reads as empty. */
  quarantine(file: FilePath): void;
  readonly quarantined: ReadonlySet<FilePath>;
  /** Lifts the quarantine of a file that changed. */
  release(file: FilePath): void;
  /** Sources that were too large to be read. */
  readonly oversized: ReadonlyMap<FilePath, number>;
  /** The sources read last, the latest first. */
  lastRead(): readonly FilePath[];
}

export function createOverlay(maxFileBytes: number): Overlay {
  const buffers = new Map<string, string>();
  /** Files that exist only as buffers, by key, and the folders above them. */
  const newFiles = new Map<string, FilePath>();
  const configurations = new Map<string, string>();
  const quarantined = new Set<FilePath>();
  const oversized = new Map<FilePath, number>();
  const read: FilePath[] = [];
  /** How sources looked when TypeScript read them from the disk. */
  const seen = new Map<string, string>();

  const newFolders = (): Set<string> =>
    new Set([...newFiles.values()].flatMap((file) => [...foldersAbove(file)].map(keyOf)));

  /** Sizes are looked at for sources only: a package may ship what it likes. */
  const isOversized = (file: FilePath): boolean => {
    if (!isSource(file) || isDependency(file)) return false;
    const stamp = stampOf(file);
    seen.set(keyOf(file), stamp);
    const bytes = Number.parseInt(stamp, 10) || 0;
    if (bytes <= maxFileBytes) {
      oversized.delete(file);
      return false;
    }
    oversized.set(file, bytes);
    return true;
  };

  return {
    readFile(file) {
      const key = keyOf(file);
      const text = configurations.get(key) ?? buffers.get(key);
      if (quarantined.has(file)) return "";
      if (isSource(file)) {
        read.push(file);
        if (read.length > 256) read.splice(0, 128);
      }
      if (text !== undefined) {
        seen.delete(key);
        return text;
      }
      return isOversized(file) ? "" : undefined;
    },
    fileExists: (file) => (newFiles.has(keyOf(file)) ? true : undefined),
    directoryExists: (folder) => (newFolders().has(keyOf(folder)) ? true : undefined),
    getAccessibleEntries(folder) {
      const start = folder.endsWith("/") ? folder : `${folder}/`;
      const inside = [...newFiles.values()].filter((file) => keyOf(file).startsWith(keyOf(start)));
      if (inside.length === 0) return undefined;
      const files = new Set<string>();
      const directories = new Set<string>();
      if (existsSync(folder)) {
        for (const entry of readdirSync(folder, { withFileTypes: true })) {
          const isFolder = entry.isSymbolicLink()
            ? statSync(start + entry.name, { throwIfNoEntry: false })?.isDirectory()
            : entry.isDirectory();
          (isFolder ? directories : files).add(entry.name);
        }
      }
      for (const file of inside) {
        const [name = "", ...below] = file.slice(start.length).split("/");
        (below.length > 0 ? directories : files).add(name);
      }
      return { files: [...files], directories: [...directories] };
    },
    setBuffer(file, text) {
      buffers.set(keyOf(file), text);
      if (existsSync(file)) newFiles.delete(keyOf(file));
      else newFiles.set(keyOf(file), file);
    },
    closeBuffer(file) {
      buffers.delete(keyOf(file));
      newFiles.delete(keyOf(file));
    },
    isUpToDate: (file) => seen.get(keyOf(file)) === stampOf(file),
    isBuffer: (file) => buffers.has(keyOf(file)),
    newFiles: () => [...newFiles.values()],
    setConfiguration(file, text) {
      const before = configurations.get(keyOf(file));
      if (text === undefined) configurations.delete(keyOf(file));
      else configurations.set(keyOf(file), text);
      return before !== text;
    },
    quarantine: (file) => quarantined.add(file),
    quarantined,
    release: (file) => quarantined.delete(file),
    oversized,
    lastRead: () => read.toReversed(),
  };
}

/** Size in bytes and time of the last change; empty when there is no such file. */
function stampOf(file: FilePath): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? "" : `${stats.size} ${stats.mtimeMs}`;
}
