import type { BlockId, FunctionFacts, Instruction, Range, Temp } from "../program/facts.ts";
import { isAwaitPoint, successors, written } from "../program/instructions.ts";
import {
  constantKnown,
  intersect,
  type Known,
  speaksOf,
  tempKey,
  testedKey,
  variableKeyText,
} from "./explored-path.ts";
import { usesIn } from "./flow.ts";

// What the conditions on a path say of the values that later ones test.

/** By the texts of `testedKey`; never changed, only replaced. */
export type KnownValues = ReadonlyMap<string, Known>;

/** What every path to an instruction agrees on: conditions passed and literals assigned. */
export function knownBefore(facts: FunctionFacts, block: BlockId, position: number): KnownValues {
  const entry = new Map<BlockId, KnownValues>([[0 as BlockId, new Map()]]);
  const open: BlockId[] = [0 as BlockId];
  const visit = (to: BlockId, known: KnownValues) => {
    const before = entry.get(to);
    const shared = before ? intersect(before, known) : known;
    if (before && shared.size === before.size) return;
    entry.set(to, shared);
    open.push(to);
  };
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const code = facts.blocks[id];
    const known = entry.get(id);
    if (!code || !known) continue;
    const after = code.code.reduce((all, i) => afterward(facts, all, i), known);
    // An exception may come before any assignment of the block.
    if (code.handler !== undefined) visit(code.handler, intersect(known, after));
    if (code.end.kind !== "branch") for (const to of successors(code.end)) visit(to, after);
    else {
      const { test, on, yes, no } = code.end;
      visit(yes, tested(facts, after, test, on, true));
      visit(no, tested(facts, after, test, on, false));
    }
  }
  const before = entry.get(block) ?? new Map<string, Known>();
  return (facts.blocks[block]?.code.slice(0, position) ?? []).reduce(
    (known, i) => afterward(facts, known, i),
    before,
  );
}

/** What is known behind a test, on either side. */
export function tested(
  facts: FunctionFacts,
  known: KnownValues,
  test: Temp,
  on: "truthy" | "nullish",
  isTaken: boolean,
): KnownValues {
  const key = testedKey(facts, test);
  // What one instruction computes is tested once; only the result of a conditional expression comes again.
  if (key.includes("%") && usesIn(facts).definitions(test).length < 2) return known;
  return new Map([...known, [key, outcome(on, isTaken)]]);
}

/** Where a condition stands. */
export function placeOfTest(facts: FunctionFacts, test: Temp): Range {
  const [definition] = usesIn(facts).definitions(test);
  return definition ?? { start: facts.start, end: facts.start };
}

/** What one side of a test says of what is tested. */
function outcome(on: "truthy" | "nullish", isTaken: boolean): Known {
  if (on === "truthy") return isTaken ? "truthy" : "falsy";
  return isTaken ? "nullish" : "present";
}

/** What is known of a value: by its literal, or by a condition. */
export function knownOf(facts: FunctionFacts, known: KnownValues, temp: Temp): Known | undefined {
  const [definition, ...others] = usesIn(facts).definitions(temp);
  if (others.length === 0 && definition) {
    const { op } = definition;
    if (op === "constant") return constantKnown(definition.constant);
    if (op === "closure" || op === "object" || op === "array") return "truthy";
  }
  return known.get(testedKey(facts, temp));
}

/** What is known behind an instruction. */
export function afterward(facts: FunctionFacts, known: KnownValues, i: Instruction): KnownValues {
  // While the function waits, others write fields, and variables that they assign.
  if (isAwaitPoint(i)) {
    const variables = facts.writtenByOthers.map(variableKeyText);
    return kept(
      withoutWritten(known, i),
      (name) => !name.includes(".") && !variables.some((key) => speaksOf(name, key)),
    );
  }
  return assigned(facts, known, i);
}

/** The same where fields are taken to stay as they are while the function waits. */
export function assigned(facts: FunctionFacts, known: KnownValues, i: Instruction): KnownValues {
  if (i.op !== "store" && i.op !== "move" && i.op !== "set") return withoutWritten(known, i);
  const what = knownOf(facts, known, i.from);
  if (what === undefined && known.size === 0) return known;
  const rest = kept(known, (name) => !isWritten(facts, name, i));
  return what === undefined ? rest : new Map([...rest, [keyOf(facts, i), what]]);
}

type Assignment = Extract<Instruction, { readonly op: "store" | "move" | "set" }>;

function keyOf(facts: FunctionFacts, i: Assignment): string {
  switch (i.op) {
    case "store":
      return variableKeyText(i.variable);
    case "move":
      return tempKey(i.to);
    case "set":
      return `${testedKey(facts, i.object)}.${i.name}`;
  }
}

/** Whether something else is behind a name now. Of a field, another name may mean the same object. */
function isWritten(facts: FunctionFacts, name: string, i: Assignment): boolean {
  if (i.op !== "set") return speaksOf(name, keyOf(facts, i));
  return name.endsWith(`.${i.name}`) || speaksOf(name, `.${i.name}`);
}

function kept(known: KnownValues, isKept: (name: string) => boolean): KnownValues {
  const rest = [...known].filter(([name]) => isKept(name));
  return rest.length === known.size ? known : new Map(rest);
}

/** A loop computes its temps anew: what a test said of them was about the turn before. */
function withoutWritten(known: KnownValues, i: Instruction): KnownValues {
  if (known.size === 0) return known;
  return written(i).reduce((rest, temp) => kept(rest, (name) => !speaksOf(name, tempKey(temp))), known);
}
