// The dependency check: reads every import of every .ts file (oxc parses TypeScript itself) and compares it with
// the arrows of dependencies.json. Also refuses import cycles. `node scripts/dependencies.ts [root]`.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

interface Part {
  readonly folder: string;
  readonly mayImport: readonly string[];
}

interface Ban {
  readonly from: string;
  readonly to: string;
  readonly why: string;
  readonly exceptTests?: boolean;
  readonly exceptSameFolder?: boolean;
}

interface Arrows {
  readonly parts: Readonly<Record<string, Part>>;
  readonly forbidden: readonly Ban[];
}

interface Import {
  readonly from: string;
  /** A path in the repository, or `npm:<package>`, or `node:<module>`. */
  readonly to: string;
  readonly line: number;
}

/** What is wrong with the imports below `root`, one sentence each, and how many files and imports were read. */
export function checkDependencies(root: string): { problems: string[]; files: number; imports: number } {
  const arrows = JSON.parse(readFileSync(new URL("./dependencies.json", import.meta.url), "utf8")) as Arrows;
  const files = Object.values(arrows.parts).flatMap((part) =>
    globSync(`${part.folder}/**/*.{ts,mts,cts}`, { cwd: root }).filter(
      (file) => !/(^|\/)(node_modules|fixtures|dist)\//.test(file) && !file.endsWith(".d.ts"),
    ),
  );
  const problems: string[] = [];
  const imports = files.flatMap((file) => readImports(root, file, problems));
  for (const edge of imports) {
    const say = (why: string) => problems.push(`${edge.from}:${edge.line} imports ${edge.to}: ${why}`);
    const from = partOf(arrows, edge.from);
    const to = partOf(arrows, edge.to);
    if (from && to && from !== to && !arrows.parts[from]?.mayImport.includes(to)) {
      say(`${from} may import only ${arrows.parts[from]?.mayImport.join(", ") || "nothing"}`);
    }
    for (const ban of arrows.forbidden) if (breaks(ban, edge)) say(ban.why);
  }
  problems.push(...cycles(imports));
  return { problems, files: files.length, imports: imports.length };
}

function partOf(arrows: Arrows, file: string): string | undefined {
  return Object.entries(arrows.parts).find(([, part]) => file.startsWith(`${part.folder}/`))?.[0];
}

function breaks(ban: Ban, edge: Import): boolean {
  const prefix = (pattern: string) => (pattern.endsWith("/") ? `${pattern}**` : pattern);
  if (ban.exceptTests && edge.from.endsWith(".test.ts")) return false;
  if (!path.matchesGlob(edge.from, prefix(ban.from))) return false;
  if (ban.to.startsWith("npm:")) return path.matchesGlob(edge.to, ban.to) && edge.to.startsWith("npm:");
  if (ban.exceptSameFolder && path.dirname(edge.from) === path.dirname(edge.to)) return false;
  return path.matchesGlob(edge.to, prefix(ban.to));
}

function readImports(root: string, file: string, problems: string[]): Import[] {
  const text = readFileSync(path.join(root, file), "utf8");
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) {
    problems.push(`${file} does not parse: ${errors[0]?.message}`);
    return [];
  }
  const requests = [
    ...module.staticImports.map((entry) => entry.moduleRequest),
    ...module.staticExports.flatMap((statement) =>
      statement.entries.flatMap((entry) => entry.moduleRequest ?? []),
    ),
    ...module.dynamicImports
      .map((entry) => ({
        value: text.slice(entry.moduleRequest.start + 1, entry.moduleRequest.end - 1),
        start: entry.moduleRequest.start,
      }))
      .filter((request) => /^["'`]/.test(text[request.start] ?? "")),
  ];
  return requests.map((request) => ({
    from: file,
    to: resolveImport(root, file, request.value),
    line: text.slice(0, request.start).split("\n").length,
  }));
}

function resolveImport(root: string, file: string, specifier: string): string {
  if (specifier.startsWith(".")) return path.posix.join(path.posix.dirname(file), specifier);
  if (specifier.startsWith("node:")) return specifier;
  const own = /^@unknot\/([^/]+)\/(.+)$/.exec(specifier);
  if (own?.[1] && own[2]) {
    const manifest = JSON.parse(readFileSync(path.join(root, own[1], "package.json"), "utf8")) as {
      exports?: Record<string, string>;
    };
    const target = manifest.exports?.["./*"] ?? "./*";
    return path.posix.join(own[1], target.replace("*", own[2]));
  }
  const name = specifier.startsWith("@")
    ? specifier.split("/").slice(0, 2).join("/")
    : specifier.split("/")[0];
  return `npm:${name}`;
}

/** One sentence per strongly connected set of files (Tarjan 1972, iterative by Pearce's low-link on a stack). */
function cycles(imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to]);
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.size - 1);
    open.push(file);
    for (const to of next.get(file) ?? []) {
      if (!index.has(to)) {
        visit(to);
        low.set(file, Math.min(low.get(file) ?? 0, low.get(to) ?? 0));
      } else if (open.includes(to)) {
        low.set(file, Math.min(low.get(file) ?? 0, index.get(to) ?? 0));
      }
    }
    if (low.get(file) !== index.get(file)) return;
    const members = open.splice(open.lastIndexOf(file));
    if (members.length > 1 || next.get(file)?.includes(file))
      found.push(`import cycle: ${members.sort().join(", ")}`);
  };
  for (const file of next.keys()) if (!index.has(file)) visit(file);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? path.dirname(path.dirname(fileURLToPath(import.meta.url)));
  const { problems, files, imports } = checkDependencies(root);
  for (const problem of problems) console.error(problem);
  console.log(`dependencies: ${files} files, ${imports} imports, ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
}
