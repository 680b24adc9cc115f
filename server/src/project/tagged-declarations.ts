import { existsSync } from "node:fs";
import type { AnalyzedProgram } from "../analysis/analyzed-program.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { folderOf, resolvePath } from "../program/paths.ts";
import { readText } from "./projects.ts";

/** Declarations with tags, which are no files of the program, and the modules they declare. */
export interface TaggedDeclarations {
  readonly facts: readonly FileFacts[];
  modulesOf(file: FilePath): readonly string[];
}

/** How many files of one package are looked at. */
const maxFiles = 40;

/**
 * Finds the declarations that the program imports and that carry `@unknot` tags: of packages also what they are put
 * together from. Keeps which files have some.
 */
export function createTaggedDeclarations(): (
  program: AnalyzedProgram,
  all: readonly FileFacts[],
) => TaggedDeclarations {
  const tagged = new Map<FilePath, readonly FilePath[]>();
  let entries = new WeakMap<FileFacts, readonly Entry[]>();
  let before: string | undefined;
  return (program, all) => {
    const own = new Set(all.map(({ path }) => path));
    const modules = new Map<FilePath, Set<string>>();
    const state = `${program.resolutions} ${own.size}`;
    if (state !== before) entries = new WeakMap();
    before = state;
    for (const one of all) {
      const found = entries.get(one) ?? entriesOf(program, one, own);
      entries.set(one, found);
      for (const { specifier, entry } of found) {
        const known = tagged.get(entry) ?? withTags(entry);
        tagged.set(entry, known);
        for (const file of known) {
          const names = modules.get(file) ?? new Set();
          modules.set(file, names);
          if (!specifier.startsWith(".")) names.add(specifier).add(packageOf(specifier));
        }
      }
    }
    return {
      facts: [...modules.keys()].sort().flatMap((file) => program.facts(file) ?? []),
      modulesOf: (file) => [...(modules.get(file) ?? [])].sort(),
    };
  };
}

/** A specifier that leads out of the program, and where it leads. */
interface Entry {
  readonly specifier: string;
  readonly entry: FilePath;
}

function entriesOf(
  program: AnalyzedProgram,
  { path, imports, exports }: FileFacts,
  own: ReadonlySet<FilePath>,
): readonly Entry[] {
  const named = [...imports, ...exports].flatMap((one) => ("specifier" in one ? [one.specifier] : []));
  return [...new Set(named)].flatMap((specifier) => {
    const entry = program.resolveModule(path, specifier);
    return entry === undefined || own.has(entry) ? [] : [{ specifier, entry }];
  });
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** The files with tags among a declaration file and those that it is put together from. */
function withTags(entry: FilePath): readonly FilePath[] {
  const found: FilePath[] = [];
  const open = [entry];
  const seen = new Set(open);
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const text = readText(file);
    if (typeof text !== "string") continue;
    if (text.includes("@unknot ")) found.push(file);
    for (const [, specifier = ""] of text.matchAll(/\bfrom\s*["'](\.[^"'\n]+)["']/g)) {
      const next = declarationOf(resolvePath(folderOf(file), specifier));
      if (next === undefined || seen.has(next) || seen.size >= maxFiles) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return found;
}

/** The declaration file beside a module, whatever is written for its extension. */
function declarationOf(module: FilePath): FilePath | undefined {
  const [, base = module, kind = ""] = /^(.*?)(?:\.d)?\.([cm]?)[jt]s$/.exec(module) ?? [];
  return [`${base}.d.${kind}ts`, `${module}.d.ts`, `${module}/index.d.ts`].find(existsSync);
}
