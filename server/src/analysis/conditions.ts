import type { BlockId, FunctionFacts, Instruction, Temp } from "../program/facts.ts";
import { successors, written } from "../program/instructions.ts";
import {
  constantKnown,
  intersect,
  type Known,
  type Path,
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
    const after = code.code.reduce((all, i) => assigned(facts, all, i), known);
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
    (known, i) => assigned(facts, known, i),
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

/** What one side of a test says of what is tested. */
export function outcome(on: "truthy" | "nullish", isTaken: boolean): Known {
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
export function assigned(facts: FunctionFacts, known: KnownValues, i: Instruction): KnownValues {
  if (i.op !== "store" && i.op !== "move") return withoutWritten(known, i);
  const what = knownOf(facts, known, i.from);
  if (what === undefined && known.size === 0) return known;
  const key = i.op === "store" ? variableKeyText(i.variable) : tempKey(i.to);
  const kept = [...known].filter(([name]) => !speaksOf(name, key));
  return new Map(what === undefined ? kept : [...kept, [key, what]]);
}

/** The same for a path that grows. */
export function learn(facts: FunctionFacts, path: Path, i: Instruction): void {
  path.relearn(assigned(facts, path.known, i));
}

/** A loop computes its temps anew: what a test said of them was about the turn before. */
function withoutWritten(known: KnownValues, i: Instruction): KnownValues {
  let kept = known;
  for (const temp of known.size === 0 ? [] : written(i)) {
    if (!kept.has(tempKey(temp))) continue;
    kept = new Map([...kept].filter(([name]) => !speaksOf(name, tempKey(temp))));
  }
  return kept;
}
