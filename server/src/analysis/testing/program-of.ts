import type { FileFacts } from "../../program/facts.ts";
import type { FilePath } from "../../program/ids.ts";
import type { Parser } from "../../program/testing/facts-of.ts";
import type { AnalyzedProgram } from "../analyzed-program.ts";

/**
 * A program of texts alone, below `root`: imports lead to files of it by their last part, and TypeScript knows of no
 * type. The files come in the order of the texts.
 */
export function programOf(
  parser: Parser,
  texts: ReadonlyMap<string, string>,
  root = "/program",
): AnalyzedProgram {
  const facts = new Map<FilePath, FileFacts>();
  const paths = new Map<string, FilePath>();
  const byPath = new Map<FilePath, string>();
  for (const [name, text] of texts) {
    const one = { ...parser.facts(text, name), path: `${root}/${name}` };
    facts.set(one.path, one);
    paths.set(name, one.path);
    byPath.set(one.path, text);
  }
  return {
    files: () => [...facts.keys()],
    facts: (file) => facts.get(file),
    text: (file) => byPath.get(file),
    symbols: (_, nodes) => nodes.map(() => ({ kind: "unknown" })),
    types: (_, nodes) => nodes.map(() => ({ unknown: true, thenable: "never", promise: false })),
    typeErrors: () => [],
    callbacks: (_, calls) => calls.map(() => []),
    resolveModule: (_, specifier) => paths.get(specifier.split("/").at(-1) ?? ""),
    resolutions: 0,
  };
}
