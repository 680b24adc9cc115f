import { type Field, records, type Shape } from "./format.ts";
import type { Model } from "./model.ts";
import { JsonError, type Positioned, parsePositioned } from "./positioned-json.ts";

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
  const found: { readonly offset: number; readonly message: string }[] = [];
  let root: Positioned | undefined;
  try {
    root = parsePositioned(text);
    check(root, { is: "record", name: "model" }, "The model", (offset, message) =>
      found.push({ offset, message }),
    );
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    found.push({ offset: error.offset, message: error.message });
  }
  if (found.length === 0) {
    const model = JSON.parse(text) as Model;
    for (const message of contradictions(model)) found.push({ offset: root?.start ?? 0, message });
    if (found.length === 0) return { ok: true, model };
  }
  const problems = found
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message }) => ({ ...placeOf(text, offset), message }));
  return { ok: false, problems };
}

type Report = (offset: number, message: string) => void;

function check(node: Positioned, shape: Shape, what: string, report: Report): void {
  switch (shape.is) {
    case "either": {
      const fitting = shape.of.find((one) => fits(node, one));
      if (fitting) check(node, fitting, what, report);
      else report(node.start, `${what} is ${shape.of.map(describe).join(" or ")}.`);
      return;
    }
    case "record":
      if (node.value.is !== "object") report(node.start, `${what} is ${describe(shape)}.`);
      else checkRecord(node, shape.name, what, report);
      return;
    case "map":
      if (node.value.is !== "object") report(node.start, `${what} is ${describe(shape)}.`);
      else for (const entry of node.value.entries) check(entry.value, shape.of, `'${entry.key}'`, report);
      return;
    case "list":
      if (node.value.is !== "list") report(node.start, `${what} is ${describe(shape)}.`);
      else for (const item of node.value.items) check(item, shape.of, `An element of ${what}`, report);
      return;
    default:
      if (!fits(node, shape)) report(node.start, `${what} is ${describe(shape)}.`);
      else if (shape.is === "string" && shape.values && node.value.is === "string") {
        const { text } = node.value;
        if (!shape.values.includes(text)) {
          report(node.start, `${what} cannot be '${text}'${suggestion(text, shape.values)}.`);
        }
      }
  }
}

function checkRecord(node: Positioned, name: string, what: string, report: Report): void {
  const fields: Readonly<Record<string, Field>> = records[name] ?? {};
  const entries = node.value.is === "object" ? node.value.entries : [];
  for (const entry of entries) {
    const field = Object.hasOwn(fields, entry.key) ? fields[entry.key] : undefined;
    if (field) check(entry.value, field.shape, `'${entry.key}'`, report);
    else {
      const hint = suggestion(entry.key, Object.keys(fields));
      report(entry.keyStart, `${what} has no field '${entry.key}'${hint}.`);
    }
  }
  for (const [key, field] of Object.entries(fields)) {
    if (field.required && !entries.some((entry) => entry.key === key)) {
      report(node.start, `${what} needs the field '${key}'.`);
    }
  }
}

function fits(node: Positioned, shape: Shape): boolean {
  switch (shape.is) {
    case "string":
      return node.value.is === "string";
    case "boolean":
      return node.value.is === "boolean" && (shape.only === undefined || node.value.flag === shape.only);
    case "integer":
      return node.value.is === "number" && Number.isInteger(node.value.number) && node.value.number >= 0;
    case "list":
      return node.value.is === "list";
    case "map":
    case "record":
      return node.value.is === "object";
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
