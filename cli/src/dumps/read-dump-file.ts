import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { loadDumps } from "@unknot/dump/formats/load-dumps.ts";
import type { ReadDumps } from "@unknot/dump/formats/read-dumps.ts";
import { CliError, reasonOf } from "../cli-error.ts";

/** The dumps of a file and what a user has to know about them. Throws a CliError when there is none. */
export async function readDumpFile(file: string): Promise<Pick<ReadDumps, "dumps" | "notes">> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new CliError(fileProblem(file, error));
  }
  const { dumps, notes } = loadDumps(text);
  if (dumps.length === 0) throw new CliError(`${file}: ${notes.join(" ")}`);
  return { dumps, notes: notes.map((note) => `${file}: ${note}`) };
}

/** One sentence for a file that can't be read or written. */
export function fileProblem(file: string, error: unknown): string {
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case "ENOENT": {
      const folder = path.dirname(file);
      return existsSync(folder)
        ? `There is no file '${file}': check the path.`
        : `There is no folder '${folder}': check the path.`;
    }
    case "EISDIR":
      return `'${file}' is a folder: name a file in it.`;
    case "EACCES":
    case "EPERM":
      return `'${file}' can't be opened: its permissions don't allow it.`;
    default:
      return `'${file}' can't be opened: ${reasonOf(error)}.`;
  }
}
