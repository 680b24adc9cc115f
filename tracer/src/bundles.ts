// Libraries inside a bundle: what esbuild puts together keeps, as long as it is not minified, a comment or a key that
// says which file each part comes from.
import { parseSync } from "oxc-parser";

/** The parts of a bundle. */
export interface Bundle {
  readonly parts: readonly BundledPart[];
  /** Where the top-level statements begin that come from packages. */
  readonly foreign: ReadonlySet<number>;
}

/** A part of a bundle that is a file of a package. */
export interface BundledPart {
  /** The package's name, and the file inside it. */
  readonly library: string;
  readonly file: string;
  /** Where a report fits: every declaration of the part has run, and nobody has used it yet. */
  readonly end: number;
  readonly form:
    | { readonly is: "esm"; readonly declared: readonly string[] }
    /** A function with the parameters that stand for `exports` and `module`, whose body begins here. */
    | {
        readonly is: "cjs";
        readonly exports: string;
        readonly module: string | undefined;
        readonly start: number;
      };
  /** What it declares, or the function that gives its exports. */
  readonly names: readonly string[];
}

interface Place {
  readonly library: string;
  readonly file: string;
}

/** By the last `node_modules` of a path. */
function placeOf(path: string): Place | undefined {
  const [, library, file] = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(path) ?? [];
  return library === undefined || file === undefined ? undefined : { library, file };
}

/** What of a file comes from packages; undefined when it does not parse or is no bundle that tells. */
export function readBundle(source: string, file: string): Bundle | undefined {
  if (!source.includes("node_modules/")) return undefined;
  const { program, comments, errors } = parseSync(file, source, { sourceType: "unambiguous", lang: "ts" });
  if (errors.length > 0) return undefined;
  // `// node_modules/async-mutex/index.mjs` in a line of its own; `// src/main.ts` begins the next part.
  const marks = comments.flatMap(({ type, value, start }) => {
    const isAlone = start === 0 || source[start - 1] === "\n";
    return type === "Line" && isAlone && /^ \S+\.[cm]?[jt]sx?$/.test(value)
      ? [{ start, place: placeOf(value.trim()) }]
      : [];
  });
  const declaring = new Map<number, Place & { end: number; readonly declared: string[]; isLazy: boolean }>();
  const parts: BundledPart[] = [];
  const foreign = new Set<number>();
  let mark = -1;
  for (const statement of program.body) {
    while ((marks[mark + 1]?.start ?? Number.POSITIVE_INFINITY) < statement.start) mark++;
    const wrapped =
      statement.type === "VariableDeclaration"
        ? statement.declarations.flatMap(({ id, init }) =>
            id.type === "Identifier" ? (wrappedModule(id.name, init) ?? []) : [],
          )
        : [];
    parts.push(...wrapped.filter(({ form }) => form.is === "cjs"));
    const place = marks[mark]?.place;
    if (wrapped.length > 0 || place !== undefined) foreign.add(statement.start);
    if (place === undefined || wrapped.some(({ form }) => form.is === "cjs")) continue;
    const part = declaring.get(mark) ?? { ...place, end: 0, declared: [], isLazy: false };
    declaring.set(mark, part);
    // An ES module that is required is put into a function, but for what it declares.
    const [lazy] = wrapped;
    if (lazy !== undefined) part.isLazy = true;
    if (lazy !== undefined || !part.isLazy) part.end = lazy?.end ?? statement.end;
    if (statement.type === "VariableDeclaration") {
      for (const { id } of statement.declarations) if (id.type === "Identifier") part.declared.push(id.name);
    } else if (statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration") {
      if (statement.id !== null) part.declared.push(statement.id.name);
    }
  }
  for (const { declared, isLazy: _, ...part } of declaring.values())
    parts.push({ ...part, names: declared, form: { is: "esm", declared } });
  return { parts, foreign };
}

/** `__commonJS({ "node_modules/async-lock/lib/index.js"(exports, module) { … } })`, or `__esm` without parameters. */
function wrappedModule(name: string, init: unknown): BundledPart | undefined {
  const call = init as Node | null;
  const [list] = call?.type === "CallExpression" ? (call.arguments ?? []) : [];
  const [property] = list?.type === "ObjectExpression" ? (list.properties ?? []) : [];
  const path = property?.key?.value;
  const wrapper = property?.value as Node | undefined;
  if (typeof path !== "string" || wrapper?.type !== "FunctionExpression") return undefined;
  const place = placeOf(path);
  const { body } = wrapper;
  const [exports, module] = paramsOf(wrapper);
  if (place === undefined || body === undefined) return undefined;
  return {
    ...place,
    end: body.end - 1,
    names: [name],
    form:
      exports === undefined ? { is: "esm", declared: [] } : { is: "cjs", exports, module, start: body.start },
  };
}

function paramsOf({ params }: Node): readonly (string | undefined)[] {
  const list = (Array.isArray(params) ? params : []) as readonly Node[];
  return list.map(({ name }) => name);
}

/** What of a syntax node is looked at. */
interface Node {
  readonly type: string;
  readonly name?: string;
  readonly start: number;
  readonly end: number;
  readonly arguments?: readonly Node[];
  readonly properties?: readonly Node[];
  readonly key?: { readonly value?: unknown };
  readonly value?: unknown;
  readonly params?: unknown;
  readonly body?: Node;
}

/**
 * The variables of a part by what the file itself exports them as. A bundler adds numbers to names, and calls a default
 * export without a name by its file.
 */
export function exportedLocals(
  original: string,
  file: string,
  declared: readonly string[],
): ReadonlyMap<string, string> {
  const { module, errors } = parseSync(file, original, { sourceType: "module", lang: "js" });
  const locals = new Map<string, string>();
  if (errors.length > 0) return locals;
  for (const { exportName, localName, moduleRequest } of module.staticExports.flatMap(
    ({ entries }) => entries,
  )) {
    if (moduleRequest !== null) continue;
    const exported = exportName.kind === "Default" ? "default" : exportName.name;
    const found = declared.find((each) =>
      localName.name === null
        ? /_default\d*$/.test(each)
        : each === localName.name ||
          (each.startsWith(localName.name) && /^\d+$/.test(each.slice(localName.name.length))),
    );
    if (exported !== null && found !== undefined) locals.set(exported, found);
  }
  return locals;
}

/** The packages that a source map names. */
export function librariesInMap(map: string, libraries: Iterable<string>): readonly string[] {
  return [...libraries].filter((library) => map.includes(`node_modules/${library}/`));
}
