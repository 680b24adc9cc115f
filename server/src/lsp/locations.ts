import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Place, Span } from "@unknot/protocol/place.ts";
import type { Range } from "vscode-languageserver";
import { ignoresCase } from "../program/paths.ts";
import type { FilePath } from "../program/program.ts";

/** The path of a document; undefined for documents that are neither files nor untitled. */
export function pathOf(uri: string, languageId: string, untitledFolder: FilePath): FilePath | undefined {
  if (uri.startsWith("file:")) return filePathOf(uri);
  if (!uri.startsWith("untitled:")) return undefined;
  const extension = extensions[languageId];
  if (extension === undefined) return undefined;
  // VS Code names a new file that has a place already by its path.
  const name = decodeURIComponent(uri.slice("untitled:".length));
  if (path.isAbsolute(name) && path.extname(name) !== "") return forward(name);
  return `${untitledFolder.replace(/\/$/, "")}/^untitled-${name.replace(/[^\w.-]/g, "-")}${extension}`;
}

/** The path of a `file:` URI on this machine. */
export function filePathOf(uri: string): FilePath | undefined {
  try {
    return forward(fileURLToPath(uri));
  } catch {
    return undefined;
  }
}

export function uriOf(file: FilePath): string {
  return pathToFileURL(file).href;
}

/** What two spellings of a path have in common: VS Code writes drives in lower case, others do not. */
export function sameFileKey(file: FilePath): string {
  return ignoresCase ? file.toLowerCase() : file;
}

export function rangeOf(span: Span): Range {
  return {
    start: positionOf(span),
    end: positionOf({ ...span, line: span.endLine, column: span.endColumn }),
  };
}

function positionOf({ line, column }: Place) {
  return { line: line - 1, character: column - 1 };
}

function forward(name: string): FilePath {
  return path.sep === "\\" ? name.replaceAll("\\", "/") : name;
}

const extensions: Readonly<Record<string, string>> = {
  typescript: ".ts",
  typescriptreact: ".tsx",
  javascript: ".js",
  javascriptreact: ".jsx",
};
