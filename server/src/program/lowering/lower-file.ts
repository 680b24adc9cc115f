import type { SourceFile } from "typescript/unstable/ast";
import type { FileFacts } from "../facts.ts";
import type { FilePath } from "../program.ts";

/** The facts of one file's syntax tree. */
export function lowerFile(_sourceFile: SourceFile, path: FilePath): FileFacts {
  return { path };
}
