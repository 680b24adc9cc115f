import { isSource } from "../program/discovery.ts";
import type { FilePath } from "../program/ids.ts";
import { linterFiles } from "./linters/linters.ts";

/** False for sources, which say nothing about a project; configurations of linters may be programs. */
export function mayConfigure(file: FilePath): boolean {
  return !isSource(file) || linterFiles.includes(file.slice(file.lastIndexOf("/") + 1));
}
