import type { Span } from "@unknot/protocol/place.ts";
import type { ClassId, FileFacts, FunctionId, Range, VariableId } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { positionOf } from "../program/lines.ts";
import { contains } from "../program/ranges.ts";

declare const key: unique symbol;
type Key<Name extends string> = string & { readonly [key]: Name };

/** A function of the program: file and id. */
export type FunctionKey = Key<"function">;
export type ClassKey = Key<"class">;
export type VariableKey = Key<"variable">;

/** A stretch of one file. */
export interface Location extends Range {
  readonly file: FilePath;
}

export function isWithin(inner: Location, outer: Location): boolean {
  return outer.file === inner.file && contains(outer, inner);
}

export function functionKey(file: FilePath, id: FunctionId): FunctionKey {
  return keyOf(file, "functions", id) as FunctionKey;
}

export function classKey(file: FilePath, id: ClassId): ClassKey {
  return keyOf(file, "classes", id) as ClassKey;
}

export function variableKey(file: FilePath, id: VariableId): VariableKey {
  return keyOf(file, "variables", id) as VariableKey;
}

/** The file and the number of a key. */
export function parseKey(of: FunctionKey | ClassKey | VariableKey): ParsedKey {
  const known = parsed.get(of);
  if (known) return known;
  const mark = of.lastIndexOf("#");
  return remember(of, { file: of.slice(0, mark), id: Number(of.slice(mark + 2)) });
}

interface ParsedKey {
  readonly file: FilePath;
  readonly id: number;
}

/** The one text of a key: texts that are equal and not the same cost memory and a comparison at every look-up. */
function keyOf(file: FilePath, kind: keyof KeysOfFile, id: number): string {
  let known = keys.get(file);
  if (!known) {
    if (keys.size > maxKeyFiles) keys.clear();
    known = { functions: [], classes: [], variables: [] };
    keys.set(file, known);
  }
  let key = known[kind][id];
  if (key === undefined) {
    key = `${file}#${kind[0]}${id}`;
    known[kind][id] = key;
    remember(key, { file, id });
  }
  return key;
}

// Asked for at every step; a bound keeps a long-lived server from collecting the keys of all its past programs.
function remember(key: string, parts: ParsedKey): ParsedKey {
  if (parsed.size > maxParsed) parsed.clear();
  parsed.set(key, parts);
  return parts;
}

/** By number. */
interface KeysOfFile {
  readonly functions: string[];
  readonly classes: string[];
  readonly variables: string[];
}

const keys = new Map<FilePath, KeysOfFile>();
const maxKeyFiles = 20_000;
const parsed = new Map<string, ParsedKey>();
const maxParsed = 200_000;

export function isClassKey(of: ClassKey | FunctionKey): of is ClassKey {
  return of[of.lastIndexOf("#") + 1] === "c";
}

/**
 * A location up to the end of its first line: a call whose callback goes over twenty lines is not to be underlined as a
 * whole. `settled` says where what stands at an offset stands in the text as written.
 */
export function firstLineOf(
  facts: FileFacts,
  at: Range,
  settled: (offset: number) => number = (offset) => offset,
): Span {
  const whole = spanOf(facts, at);
  const next = facts.lines[whole.line];
  if (whole.endLine === whole.line || next === undefined) return whole;
  // Without the line break; of two units, the first is beyond what an editor shows.
  const { column } = positionOf(facts.lines, settled(next - 1));
  return { ...whole, endLine: whole.line, endColumn: column };
}

/** A location in lines and columns, as findings show it. */
export function spanOf(facts: FileFacts, at: Range): Span {
  const start = positionOf(facts.lines, at.start);
  const end = positionOf(facts.lines, at.end);
  return {
    file: facts.path,
    line: start.line,
    column: start.column,
    endLine: end.line,
    endColumn: end.column,
  };
}
