import path from "node:path";
import { type Statement, statementsOf, without } from "./statements.ts";
import { child, edited, list, nameOf, parse, replaceNames } from "./tree.ts";

// Code that stands in another file means the same. What moves takes along what it needs, so no circle of imports arises.

type Files = ReadonlyMap<string, string>;

/** How the names that moved come back. */
type Style = "default" | "index" | "namespace";

/** What a library makes moves, and is imported by default. */
export const moveResources = (files: Files) => movedIn(files, resourceStatements, "default");

/** The first function, and what others use, moves and comes back through an index file. */
export const moveFunctions = (files: Files) => movedIn(files, someFunctions, "index");

/** Both move, and are imported as a namespace. */
export const moveToNamespace = (files: Files) =>
  movedIn(files, (all) => [...resourceStatements(all), ...used(all)], "namespace");

function movedIn(
  files: Files,
  choose: (all: readonly Statement[]) => readonly Statement[],
  style: Style,
): Files | undefined {
  const result = new Map<string, string>();
  let changed = false;
  for (const [file, text] of files) {
    const parts = path.extname(file) === ".ts" ? moved(file, text, choose, style) : undefined;
    changed ||= parts !== undefined;
    for (const [name, content] of parts ?? [[file, text] as const]) result.set(name, content);
  }
  return changed ? result : undefined;
}

/** Constants that a constructor or factory of a library gives. */
function resourceStatements(all: readonly Statement[]): readonly Statement[] {
  const imported = new Set(all.filter((one) => one.kind === "import").flatMap((one) => one.names));
  return all.filter(({ node }) => {
    if (node.type !== "VariableDeclaration" || node["kind"] !== "const") return false;
    return list(node, "declarations").every((one) => {
      const init = child(one, "init");
      return (
        (init?.type === "NewExpression" || init?.type === "CallExpression") &&
        imported.has(nameOf(child(init, "callee")))
      );
    });
  });
}

function someFunctions(all: readonly Statement[]): readonly Statement[] {
  return [...all.filter(isFunction).slice(0, 1), ...used(all)];
}

/** Functions and classes that other statements mention. */
function used(all: readonly Statement[]): readonly Statement[] {
  return all.filter(
    (one) =>
      (one.kind === "class" || isFunction(one)) &&
      all.some(
        (other) =>
          other !== one && other.kind !== "export" && one.names.some((name) => other.mentions.has(name)),
      ),
  );
}

function isFunction({ kind, node }: Statement): boolean {
  if (kind === "function") return true;
  if (kind !== "variable" || node["kind"] !== "const") return false;
  return list(node, "declarations").every((one) => /^(Arrow)?Function/.test(child(one, "init")?.type ?? ""));
}

function moved(
  file: string,
  text: string,
  choose: (all: readonly Statement[]) => readonly Statement[],
  style: Style,
): ReadonlyMap<string, string> | undefined {
  const program = parse(file, text);
  const all = statementsOf(program, text);
  const going = all && together(all, choose(all));
  if (!all || !going) return undefined;
  const leaving = [...going].filter(({ kind }) => kind !== "copied" && kind !== "import");
  const staying = all.filter((one) => !leaving.includes(one));
  const names = leaving.flatMap((one) => one.names);
  const wanted = names.filter((name) => staying.some((one) => one.mentions.has(name)));
  const [first] = wanted;
  if (first === undefined) return undefined;
  // `export { moved.Cache }` cannot be written.
  const isListed = staying.some(
    (one) => one.kind === "export" && wanted.some((name) => one.mentions.has(name)),
  );
  if (style === "namespace" && isListed) return undefined;
  const exported = leaving.filter((one) => one.exported).flatMap((one) => one.names);
  const base = path.basename(file);
  const [other, index] = [`moved-${base}`, `index-of-${base}`];
  const target = (name: string) => path.posix.join(path.posix.dirname(file), name);

  const namesAgain = names.filter(
    (name) => !exported.includes(name) && (name !== first || style === "namespace"),
  );
  const given = [...namesAgain, ...(style === "namespace" ? [] : [`${first} as default`])];
  const away = without(
    text,
    all.filter((one) => !going.has(one)),
  ).replace(/\n?$/, "\n");

  const lastImport = staying.filter(({ kind }) => kind === "import").at(-1);
  const at = lastImport?.whole.end ?? 0;
  const back = exported.length === 0 ? "" : ` export { ${exported.join(", ")} } from "./${other}";`;
  const isLeaving = (start: number) => leaving.some((one) => one.start <= start && start < one.end);
  const home = edited(text, [
    { start: at, end: at, newText: `${importOf(style, wanted, style === "index" ? index : other)}${back} ` },
    ...(style === "namespace"
      ? replaceNames(program, new Map(wanted.map((name) => [name, `moved.${name}`])))
      : []
    ).filter(({ start }) => !isLeaving(start)),
    ...leaving.map(({ start, end }) => ({
      start,
      end,
      newText: text.slice(start, end).replace(/[^\n]/g, ""),
    })),
  ]);
  const files = new Map([
    [file, home ?? text],
    [target(other), `${away}export { ${given.join(", ")} };\n`],
  ]);
  if (style === "index") {
    files.set(target(index), `export { default as first } from "./${other}";\nexport * from "./${other}";\n`);
  }
  return files;
}

function importOf(style: Style, [first = "", ...others]: readonly string[], from: string): string {
  switch (style) {
    case "namespace":
      return `import * as moved from "./${from}";`;
    case "index":
      return `import { ${[`first as ${first}`, ...others].join(", ")} } from "./${from}";`;
    case "default":
      return `import ${first}${others.length === 0 ? "" : `, { ${others.join(", ")} }`} from "./${from}";`;
  }
}

/** The chosen statements with all that they need and all that assigns to them; undefined when some cannot move. */
function together(
  all: readonly Statement[],
  chosen: readonly Statement[],
): ReadonlySet<Statement> | undefined {
  const going = new Set<Statement>();
  const open = [...chosen];
  for (let one = open.pop(); one; one = open.pop()) {
    if (going.has(one)) continue;
    if (one.kind === "other" || one.kind === "export") return undefined;
    going.add(one);
    const { names, mentions, kind } = one;
    open.push(...all.filter((other) => other.names.some((name) => mentions.has(name))));
    if (kind === "variable") {
      open.push(...all.filter((other) => names.some((name) => other.assigns.has(name))));
    }
  }
  return going;
}
