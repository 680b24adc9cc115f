import type { BlockId, Constant, FunctionFacts, Instruction, Temp, VariableId } from "../program/facts.ts";
import { successors } from "../program/instructions.ts";
import type { ConstantLists } from "./constant-lists.ts";
import type { Evaluation } from "./evaluate.ts";
import { usesIn } from "./flow.ts";
import { parseKey } from "./places.ts";
import { throwsIn } from "./throws.ts";
import { type Binding, plain, type Value } from "./values.ts";

// What the arguments of one call decide in the function that it calls: `emit("opened")` never gets to the `default` of
// a `switch` over the names of events, and `handle(request, callback)` not to the branch without a callback. Where a call
// gives no options, those that the function makes itself have nothing but what is written there.

/** What is known of a value: which constant it is, or that it is an object or a function. */
export type Given =
  | { readonly is: "constant"; readonly constant: Constant }
  | { readonly is: "object" }
  | { readonly is: "function" };

/** By the index of the parameter. */
export type GivenValues = ReadonlyMap<number, Given>;

export const nothingGiven: GivenValues = new Map();

/** One call of a function: what it was given, and the blocks that it can get to with that. */
export interface Run {
  readonly evaluation: Evaluation;
  readonly given: GivenValues;
  readonly reached: readonly boolean[];
}

export function runOf(lists: ConstantLists, evaluation: Evaluation, given: GivenValues): Run {
  let run: Run = { evaluation, given, reached: evaluation.reached };
  if (given.size === 0) return run;
  // What the first round rules out may be one of two values that a conditional expression has.
  for (let round = 0; round < 2; round += 1) run = { ...run, reached: reachedIn(lists, run) };
  return run;
}

/** What a call hands to the function that it calls. */
export function givenBy(
  run: Run,
  { arguments: list, spreadFrom }: Binding,
  callee: FunctionFacts,
): GivenValues {
  const found = new Map<number, Given>();
  for (const [index, parameter] of callee.parameters.entries()) {
    if (parameter.rest || index >= (spreadFrom ?? Number.POSITIVE_INFINITY)) break;
    const argument = list[index];
    const given = argument ? givenIn(run, argument) : undefinedGiven;
    if (given) found.set(index, given);
  }
  return found;
}

/** A text that is the same for the same values. */
export function givenText(given: GivenValues): string {
  return [...given].map(([index, one]) => `${index}:${textOf(one)}`).join();
}

const undefinedGiven: Given = { is: "constant", constant: { type: "undefined" } };

function textOf(given: Given): string {
  return given.is === "constant" ? JSON.stringify(given.constant) : given.is;
}

function givenIn({ evaluation, given }: Run, value: Value): Given | undefined {
  const real = plain(value);
  switch (real.kind) {
    case "constant":
      return { is: "constant", constant: real.constant };
    case "parameter":
      return real.function === evaluation.key ? given.get(real.index) : undefined;
    case "function":
    case "class":
      return { is: "function" };
    case "fresh":
      return real.made.type === "object" || real.made.type === "array" || real.made.type === "instance"
        ? { is: "object" }
        : undefined;
    default:
      return undefined;
  }
}

function reachedIn(lists: ConstantLists, run: Run): readonly boolean[] {
  const { facts, calls, awaits } = run.evaluation;
  const seen = facts.blocks.map(() => false);
  const open: BlockId[] = [0 as BlockId];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const block = facts.blocks[id];
    if (!block || seen[id] || !run.reached[id]) continue;
    seen[id] = true;
    const fails = block.end.kind === "throw" || block.code.some((i) => throwsIn(block, i, calls, awaits));
    if (block.handler !== undefined && fails) open.push(block.handler);
    const { end } = block;
    if (end.kind !== "branch") {
      open.push(...successors(end));
      continue;
    }
    const value = heldBy(lists, run, end.test);
    const isTaken = value && (end.on === "truthy" ? isTruthy(value) : isNullish(value));
    if (isTaken !== false) open.push(end.yes);
    if (isTaken !== true) open.push(end.no);
  }
  return seen;
}

const maxDepth = 8;

/** What a temp holds in a run, as far as its code computes it from what is given. */
function heldBy(lists: ConstantLists, run: Run, temp: Temp, depth = 0): Given | undefined {
  const value = run.evaluation.values[temp];
  const known = value && givenIn(run, value);
  if (known || depth > maxDepth) return known;
  const { facts } = run.evaluation;
  const definitions = usesIn(facts).definitions(temp);
  const possible = definitions.length < 2 ? definitions : definitions.filter((i) => isReached(run, i));
  const values = possible.map((i) => computed(lists, run, i, depth + 1));
  const [first] = values;
  return first && values.every((one) => one && textOf(one) === textOf(first)) ? first : undefined;
}

/** Whether a run comes to an instruction. */
export function isReached({ evaluation, reached }: Run, i: Instruction): boolean {
  return evaluation.facts.blocks.some((block, id) => reached[id] && block.code.includes(i));
}

function computed(lists: ConstantLists, run: Run, i: Instruction, depth: number): Given | undefined {
  switch (i.op) {
    case "move":
      return heldBy(lists, run, i.from, depth);
    case "unary": {
      const from = heldBy(lists, run, i.from, depth);
      if (from && i.operator === "!") return boolean(!isTruthy(from));
      return from && i.operator === "typeof" ? typeOf(from) : undefined;
    }
    case "binary": {
      const left = heldBy(lists, run, i.left, depth);
      const right = heldBy(lists, run, i.right, depth);
      const isEqual = left && right && equal(left, right, i.operator.length === 2);
      if (isEqual === undefined) return undefined;
      if (i.operator === "===" || i.operator === "==") return boolean(isEqual);
      return i.operator === "!==" || i.operator === "!=" ? boolean(!isEqual) : undefined;
    }
    case "call":
      return isAmong(lists, run, i, depth);
    case "get":
      return propertyRead(lists, run, i, depth);
    case "load": {
      const [only, ...others] = storesOf(run, i.variable);
      return only?.initial && others.length === 0 ? heldBy(lists, run, only.from, depth) : undefined;
    }
    default:
      return undefined;
  }
}

function storesOf({ evaluation }: Run, variable: VariableId) {
  return evaluation.facts.blocks.flatMap(({ code }) =>
    code.flatMap((one) => (one.op === "store" && one.variable === variable ? one : [])),
  );
}

/** `options.strict`, where the call gives no options and the function makes them itself: `options ??= {}`. */
function propertyRead(
  lists: ConstantLists,
  run: Run,
  { object, name }: Extract<Instruction, { readonly op: "get" }>,
  depth: number,
): Given | undefined {
  const { blocks } = run.evaluation.facts;
  if (blocks.some(({ code }) => code.some((i) => i.op === "set" && i.name === name))) return undefined;
  const written = writtenAs(run, object, name, depth);
  const values = written?.map((part) => (part === "none" ? undefinedGiven : heldBy(lists, run, part, depth)));
  const [first] = values ?? [];
  return first && values?.every((one) => one && textOf(one) === textOf(first)) ? first : undefined;
}

/**
 * What the objects that a temp may be have been written with under a name. Undefined when it may be one that is not written
 * in this function.
 */
function writtenAs(
  run: Run,
  temp: Temp,
  name: string,
  depth: number,
): readonly (Temp | "none")[] | undefined {
  const { facts } = run.evaluation;
  const found: (Temp | "none")[] = [];
  if (depth > maxDepth) return undefined;
  for (const i of usesIn(facts).definitions(temp)) {
    if (!isReached(run, i)) continue;
    const parts = writtenBy(run, i, name, depth + 1);
    if (!parts) return undefined;
    found.push(...parts);
  }
  return found;
}

function writtenBy(
  run: Run,
  i: Instruction,
  name: string,
  depth: number,
): readonly (Temp | "none")[] | undefined {
  const { facts } = run.evaluation;
  switch (i.op) {
    case "object": {
      if (i.parts.some(({ kind }) => kind !== "property")) return undefined;
      const part = i.parts.findLast((one) => one.kind === "property" && one.name === name);
      return [part?.kind === "property" ? part.value : "none"];
    }
    case "move":
      return writtenAs(run, i.from, name, depth);
    case "parameter": {
      // Nothing can be read from nothing: the object is another one by then.
      const given = run.given.get(i.index);
      return given && isNullish(given) ? [] : undefined;
    }
    case "load": {
      if (!facts.parameters.some(({ variable }) => variable === i.variable)) return undefined;
      const parts = storesOf(run, i.variable)
        .filter((store) => isReached(run, store))
        .map(({ from }) => writtenAs(run, from, name, depth));
      return parts.every((one) => one !== undefined) ? parts.flat() : undefined;
    }
    default:
      return undefined;
  }
}

function boolean(value: boolean): Given {
  return { is: "constant", constant: { type: "boolean", value } };
}

function isTruthy(given: Given): boolean {
  if (given.is !== "constant") return true;
  const { constant } = given;
  if (constant.type === "regexp") return true;
  if (constant.type === "bigint") return !/^0n?$/.test(constant.value);
  return "value" in constant && Boolean(constant.value);
}

function isNullish(given: Given): boolean {
  return given.is === "constant" && (given.constant.type === "undefined" || given.constant.type === "null");
}

function typeOf(given: Given): Given | undefined {
  if (given.is !== "constant") return string(given.is);
  const { type } = given.constant;
  return string(type === "null" || type === "regexp" ? "object" : type);
}

function string(value: string): Given {
  return { is: "constant", constant: { type: "string", value } };
}

/** Undefined when it cannot be told: of two objects, and of constants that JavaScript converts. */
function equal(left: Given, right: Given, isLoose: boolean): boolean | undefined {
  if (isNullish(left) && isNullish(right)) return isLoose || textOf(left) === textOf(right);
  if (isNullish(left) || isNullish(right)) return false;
  if (left.is !== "constant" || right.is !== "constant") {
    return left.is === right.is || isLoose ? undefined : false;
  }
  if (left.constant.type === "regexp" || right.constant.type === "regexp") return undefined;
  if (isLoose && left.constant.type !== right.constant.type) return undefined;
  return textOf(left) === textOf(right);
}

/** `names.has(name)`, `names.includes(name)` of a list of constants that nobody changes. */
function isAmong(
  lists: ConstantLists,
  run: Run,
  call: Extract<Instruction, { readonly op: "call" }>,
  depth: number,
): Given | undefined {
  const { facts, key } = run.evaluation;
  const [callee] = usesIn(facts).definitions(call.callee);
  const [argument] = call.arguments;
  if (callee?.op !== "get" || argument === undefined || call.arguments.length !== 1) return undefined;
  if (callee.name !== "has" && callee.name !== "includes") return undefined;
  const looked = heldBy(lists, run, argument, depth);
  if (looked?.is !== "constant") return undefined;
  const kind = callee.name === "has" ? "set" : "list";
  const content = lists.contentOf(parseKey(key).file, facts, callee.object, kind);
  return content && boolean(content.some((one) => JSON.stringify(one) === JSON.stringify(looked.constant)));
}
