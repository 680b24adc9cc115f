import path from "node:path";
import type { FilePath } from "./ids.ts";

// Paths inside the program are absolute, with forward slashes on every platform.

/** The absolute path that `name` means in `folder`. */
export function resolvePath(folder: FilePath, name: string): FilePath {
  return slashes(path.resolve(folder, slashes(name)));
}

/** The folder of a file; the root is its own folder. */
export function folderOf(file: FilePath): FilePath {
  return slashes(path.dirname(file));
}

/** Folders from the one of `file` up to the root. */
export function* foldersAbove(file: FilePath): Iterable<FilePath> {
  for (let here = folderOf(file); ; here = folderOf(here)) {
    yield here;
    if (here === folderOf(here)) return;
  }
}

export function isInside(folder: FilePath, file: FilePath): boolean {
  return file === folder || file.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

export function slashes(name: string): string {
  return path.sep === "\\" ? name.replaceAll("\\", "/") : name;
}

/** TypeScript gives paths in handles in lower case where the file system ignores case. */
export const ignoresCase = process.platform === "win32" || process.platform === "darwin";

/** What two spellings of the same file have in common. */
export function keyOf(file: FilePath): string {
  return ignoresCase ? file.toLowerCase() : file;
}
