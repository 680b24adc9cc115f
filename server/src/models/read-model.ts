import { type Field, records, type Shape } from "@unknot/models/format.ts";
import type { Model } from "@unknot/models/model.ts";
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";

/** What is wrong with a model file, and where: 1-based line and column. */
export interface ModelProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export type ReadModel =
  | { readonly ok: true; readonly model: Model }
  | { readonly ok: false; readonly problems: readonly ModelProblem[] };

/** Reads a model and checks all of it; the problems stand in the order of the file. */
export function readModel(text: string): ReadModel {
  const errors: ParseError[] = [];
  const root = treeOf(text, errors);
  const found: { readonly offset: number; readonly message: string }[] = [];
  if (root === "too deep") found.push({ offset: 0, message: "The values are nested too deeply." });
  else if (errors.length > 0 || root === undefined) {
    const { offset, error } = errors[0] ?? { offset: 0, error: undefined };
    const what = error === undefined ? "it is empty" : inWords(printParseErrorCode(error));
    found.push({ offset, message: `This is not JSON: ${what}.` });
  } else {
    check(root, { is: "record", name: "model" }, "The model", (offset, message) =>
      found.push({ offset, message }),
    );
    if (found.length === 0) {
      const model = getNodeValue(root) as Model;
      const messages = contradictions(model);
      if (messages.length === 0) return { ok: true, model };
      for (const message of messages) found.push({ offset: root.offset, message });
    }
  }
  const problems = found
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message }) => ({ ...placeOf(text, offset), message }));
  return { ok: false, problems };
}

/** Where something of a model stands in its text: 1-based. What is not there itself stands where its owner does. */
export function placeInModel(
  text: string,
  path: readonly string[],
): { readonly line: number; readonly column: number } {
  const root = parseTree(text);
  for (let length = path.length; root && length >= 0; length -= 1) {
    const segments = path.slice(0, length).map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    const found = findNodeAtLocation(root, segments);
    // The name of a property says more than its value.
    if (found) return placeOf(text, (found.parent?.type === "property" ? found.parent : found).offset);
  }
  return { line: 1, column: 1 };
}

/** The parser descends by calls: a hostile file could use up the stack. */
function treeOf(text: string, errors: ParseError[]): Node | undefined | "too deep" {
  try {
    return parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch (error) {
    if (error instanceof RangeError) return "too deep";
    throw error;
  }
}

/** `CommaExpected` becomes "comma expected". */
function inWords(code: string): string {
  return code.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

type Report = (offset: number, message: string) => void;

function check(node: Node, shape: Shape, what: string, report: Report): void {
  if (!fits(node, shape)) {
    report(node.offset, `${what} is ${describe(shape)}.`);
    return;
  }
  switch (shape.is) {
    case "either": {
      const fitting = shape.of.find((one) => fits(node, one));
      if (fitting) check(node, fitting, what, report);
      return;
    }
    case "record":
      checkRecord(node, shape.name, what, report);
      return;
    case "map":
      for (const { key, value } of entriesOf(node)) check(value, shape.of, `'${key}'`, report);
      return;
    case "list":
      for (const item of node.children ?? []) check(item, shape.of, `An element of ${what}`, report);
      return;
    case "string":
      if (shape.values && !shape.values.includes(node.value)) {
        report(node.offset, `${what} cannot be '${node.value}'${suggestion(node.value, shape.values)}.`);
      }
  }
}

function checkRecord(node: Node, name: string, what: string, report: Report): void {
  const fields: Readonly<Record<string, Field>> = records[name] ?? {};
  const entries = entriesOf(node);
  const seen = new Set<string>();
  for (const { key, offset, value } of entries) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (seen.has(key)) report(offset, `${what} has the field '${key}' twice.`);
    else if (field) check(value, field.shape, `'${key}'`, report);
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
      return shape.values && shape.values.length <= 4
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

/** What the shapes alone cannot say. */
function contradictions(model: Model): string[] {
  const problems: string[] = [];
  if (model.unknot !== 1) problems.push("This version of Unknot reads models of format 1.");
  const types = Object.keys(model.types ?? {});
  for (const [name, type] of Object.entries(model.types ?? {})) {
    if (type.extends !== undefined && !types.includes(type.extends)) {
      problems.push(`'${name}' extends '${type.extends}', which the model does not describe.`);
    }
    for (const create of type.create ?? []) {
      const forms = [create.new, create.call, create.global].filter((form) => form !== undefined);
      if (forms.length !== 1) problems.push(`'${name}' is created by exactly one of new, call and global.`);
    }
    for (const [member, operation] of Object.entries({ ...type.members, ...type.statics })) {
      const { returns } = operation;
      if (returns !== undefined && returns !== "this" && !types.includes(returns)) {
        problems.push(`'${name}.${member}' returns '${returns}', which the model does not describe.`);
      }
    }
  }
  return problems;
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

function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - (before.lastIndexOf("\n") + 1) + 1 };
}
