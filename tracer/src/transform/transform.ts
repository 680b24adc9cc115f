import { pathToFileURL } from "node:url";
import { tracedNames } from "@unknot/protocol/traced-names.ts";
import MagicString, { SourceMap } from "magic-string";
import { type Program, parseSync } from "oxc-parser";
import { hooksName } from "../hooks-name.ts";
import { insertionMark } from "./insertions.ts";
import { type MapOptions, withMap, withMappingsOfInsertions } from "./source-map.ts";
import { type Visited, visitProgram } from "./visitor.ts";

/**
 * How Node will run a file; `unknown` leaves it to the syntax, as Node does for files without a declared type. The value
 * of a `script` is that of its last statement.
 */
export type ModuleKind = "module" | "commonjs" | "script" | "unknown";

export interface TransformInput {
  readonly source: string;
  /** The path, for messages and maps. */
  readonly file: string;
  readonly typescript: boolean;
  readonly kind: ModuleKind;
  /** The number the first site gets. */
  readonly firstSite: number;
  /** Packages whose objects are resources. */
  readonly libraries: ReadonlySet<string>;
  /** Calls that hand over what the libraries in a bundle declare, and where they fit. */
  readonly reports?: readonly { readonly at: number; readonly code: string }[];
  /** What those declare, and functions that give their exports. */
  readonly bundled?: ReadonlySet<string>;
  /** Where top-level statements begin that come from packages: they stay as they are. */
  readonly foreign?: ReadonlySet<number>;
  /** What a transformed file does first. */
  readonly prelude?: string;
  /** Given when something maps positions back: Node in stack traces, a debugger, coverage. */
  readonly map?: MapOptions;
}

export interface Transformed extends Visited {
  readonly code: string;
}

/** A file that can't be transformed; the message says why. It runs as it is. */
export class TransformError extends Error {}

/**
 * Puts the tracer's calls into a program. Lines stay the same, and so does what the program does. Undefined when there
 * is nothing to trace; throws a `TransformError` when the file has to stay as it is.
 */
export function transform(input: TransformInput): Transformed | undefined {
  const {
    source,
    file,
    typescript,
    kind,
    firstSite,
    libraries,
    map,
    reports = [],
    foreign = new Set(),
    bundled = new Set(),
    prelude,
  } = input;
  if (!isWorthParsing(source)) return undefined;
  if (source.includes(insertionMark)) throw new TransformError("it contains a vertical tab");
  if (source.includes(hooksName)) throw new TransformError(`it uses the name '${hooksName}'`);
  const program = parse(source, file, typescript, kind);
  const edited = new MagicString(source);
  const visited = visitProgram(program, {
    source,
    firstSite,
    libraries,
    hasValue: kind === "script",
    bundled,
    foreign,
    token: unusedName(source),
    placeOf: placesIn(source),
    insertions: {
      open: (offset, text) => void edited.appendRight(offset, insertionMark + text + insertionMark),
      close: (offset, text) => void edited.appendLeft(offset, insertionMark + text + insertionMark),
    },
  });
  for (const { at, code } of reports) edited.appendLeft(at, insertionMark + code + insertionMark);
  if (!edited.hasChanged()) return undefined;
  if (prelude !== undefined)
    edited.appendLeft(startOf(program), `${insertionMark};${prelude};${insertionMark}`);
  const code = edited.toString();
  if (map === undefined) return { ...visited, code };
  const own = edited.generateDecodedMap({
    source: pathToFileURL(file).href,
    hires: "boundary",
    includeContent: map.composed,
  });
  const mappings = withMappingsOfInsertions(code, own.mappings);
  return { ...visited, code: withMap(code, new SourceMap({ ...own, mappings }), map) };
}

const worthParsing = /\basync\b|\bawait\b|\bnew\b|\bPromise\b|\brequire\b|\bimport\b/;

/** A file without any of these words has neither tasks nor resources. */
function isWorthParsing(source: string): boolean {
  return worthParsing.test(source);
}

function parse(source: string, file: string, typescript: boolean, kind: ModuleKind) {
  const lang = typescript ? "ts" : "js";
  const kinds =
    kind === "module"
      ? (["module"] as const)
      : kind === "commonjs" || kind === "script"
        ? ([kind] as const)
        : (["unambiguous", "commonjs"] as const);
  let message = "";
  for (const sourceType of kinds) {
    const { program, errors } = parseSync(file, source, { lang, sourceType });
    if (errors.length === 0) return program;
    message ||= errors[0]?.message ?? "";
  }
  throw new TransformError(`it does not parse: ${message}`);
}

/** Behind what has to come first: directives, and the line that names an interpreter. */
function startOf({ body, hashbang }: Program): number {
  const directives = body.filter((each) => "directive" in each && typeof each.directive === "string");
  return directives.at(-1)?.end ?? hashbang?.end ?? 0;
}

function unusedName(source: string): string {
  let name: string = tracedNames;
  while (source.includes(name)) name += "$";
  return name;
}

/** Finds the line and column of an offset; asked mostly in ascending order. */
function placesIn(source: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let index = 0; index < source.length; index++) {
    const code = source.charCodeAt(index);
    if (code === 10 || (code === 13 && source.charCodeAt(index + 1) !== 10)) starts.push(index + 1);
  }
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
