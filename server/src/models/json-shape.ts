import type { Field, Shape } from "@unknot/models/format.ts";
import { type Node, type ParseError, parseTree } from "jsonc-parser";
import { jsonErrorInWords } from "../program/json-errors.ts";

/** What is wrong with a JSON file, and where: 1-based line and column. */
export interface JsonProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A problem by its offset in the text. */
export interface Complaint {
  readonly offset: number;
  readonly message: string;
}

export interface ReadOptions {
  readonly comments: boolean;
}

/** The tree of a JSON text; without one, what is wrong. */
export type ParsedJson =
  | { readonly ok: true; readonly root: Node }
  | { readonly ok: false; readonly complaints: readonly Complaint[] };

/** Parses JSON, with comments and trailing commas when they are allowed. */
export function parseJson(text: string, { comments }: ReadOptions): ParsedJson {
  const errors: ParseError[] = [];
  const root = treeOf(text, errors, comments);
  if (root === "too deep") return failed(0, "The values are nested too deeply.");
  if (errors.length === 0 && root !== undefined) return { ok: true, root };
  const { offset, error } = errors[0] ?? { offset: 0, error: undefined };
  const what = error === undefined ? "it is empty" : jsonErrorInWords(error);
  return failed(offset, `This is not JSON: ${what}.`);
}

/** What does not fit the record `name` of `records`. */
export function complaintsAbout(
  root: Node,
  records: Readonly<Record<string, Readonly<Record<string, Field>>>>,
  name: string,
  what: string,
): readonly Complaint[] {
  const complaints: Complaint[] = [];
  check(root, { is: "record", name }, what, {
    records,
    report: (offset, message) => complaints.push({ offset, message }),
  });
  return complaints;
}

/** Complaints in the order of the file, by line and column. */
export function placed(text: string, complaints: readonly Complaint[]): readonly JsonProblem[] {
  return complaints
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message }) => ({ ...placeOf(text, offset), message }));
}

function failed(offset: number, message: string): ParsedJson {
  return { ok: false, complaints: [{ offset, message }] };
}

/** The parser descends by calls: a hostile file could use up the stack. */
function treeOf(text: string, errors: ParseError[], comments: boolean): Node | undefined | "too deep" {
  try {
    return parseTree(text, errors, { disallowComments: !comments, allowTrailingComma: comments });
  } catch (error) {
    if (error instanceof RangeError) return "too deep";
    throw error;
  }
}

interface Context {
  readonly records: Readonly<Record<string, Readonly<Record<string, Field>>>>;
  readonly report: (offset: number, message: string) => void;
}

function check(node: Node, shape: Shape, what: string, context: Context): void {
  const { report } = context;
  if (!fits(node, shape)) {
    report(node.offset, `${what} is ${describe(shape)}.`);
    return;
  }
  switch (shape.is) {
    case "either": {
      const fitting = shape.of.find((one) => fits(node, one));
      if (fitting) check(node, fitting, what, context);
      return;
    }
    case "record":
      checkRecord(node, shape.name, what, context);
      return;
    case "map":
      for (const { key, value } of entriesOf(node)) check(value, shape.of, `'${key}'`, context);
      return;
    case "list":
      for (const item of node.children ?? []) check(item, shape.of, `An element of ${what}`, context);
      return;
    case "string":
      if (shape.values && !shape.values.includes(node.value)) {
        report(node.offset, `${what} cannot be '${node.value}'${suggestion(node.value, shape.values)}.`);
      }
  }
}

function checkRecord(node: Node, name: string, what: string, context: Context): void {
  const { report } = context;
  const fields: Readonly<Record<string, Field>> = context.records[name] ?? {};
  const entries = entriesOf(node);
  const seen = new Set<string>();
  for (const { key, offset, value } of entries) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (seen.has(key)) report(offset, `${what} has the field '${key}' twice.`);
    else if (field) check(value, field.shape, `'${key}'`, context);
    else report(offset, `${what} has no field '${key}'${suggestion(key, Object.keys(fields))}.`);
    seen.add(key);
  }
  for (const [key, field] of Object.entries(fields)) {
    if (field.required && !seen.has(key)) report(node.offset, `${what} needs the field '${key}'.`);
  }
}

interface Entry {
  readonly key: string;
  readonly offset: number;
  readonly value: Node;
}

/** The properties of an object; a tree without errors has a key and a value for each. */
function entriesOf(node: Node): readonly Entry[] {
  return (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
    key && value ? [{ key: key.value as string, offset: key.offset, value }] : [],
  );
}

function fits(node: Node, shape: Shape): boolean {
  switch (shape.is) {
    case "string":
      return node.type === "string";
    case "boolean":
      return node.type === "boolean" && (shape.only === undefined || node.value === shape.only);
    case "integer":
      return node.type === "number" && Number.isInteger(node.value) && node.value >= 0;
    case "list":
      return node.type === "array";
    case "map":
    case "record":
      return node.type === "object";
    case "either":
      return shape.of.some((one) => fits(node, one));
  }
}

function describe(shape: Shape): string {
  switch (shape.is) {
    case "string":
      return shape.values && shape.values.length <= 5
        ? shape.values.map((value) => `"${value}"`).join(" or ")
        : "a text";
    case "boolean":
      return shape.only === undefined ? "true or false" : String(shape.only);
    case "integer":
      return "a whole number from 0";
    case "list":
      return "a list";
    case "map":
    case "record":
      return "an object";
    case "either":
      return shape.of.map(describe).join(" or ");
  }
}

function suggestion(given: string, known: readonly string[]): string {
  const lower = given.toLowerCase();
  const near =
    known.find((name) => name.toLowerCase() === lower) ?? known.find((name) => nearly(name, given));
  return near === undefined ? "" : `; it has '${near}'`;
}

/** One letter more, less, other or swapped. */
function nearly(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const [restA, restB] = [a.slice(at), b.slice(at)];
  const swapped = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
  return restA.slice(1) === restB || restA === restB.slice(1) || restA.slice(1) === restB.slice(1) || swapped;
}

/** Line and column of an offset, from 1. */
export function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - (before.lastIndexOf("\n") + 1) + 1 };
}
