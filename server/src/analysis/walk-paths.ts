import type { Block, BlockId, FunctionFacts, Instruction, Range, Temp } from "../program/facts.ts";
import { isAwaitPoint, successors, written } from "../program/instructions.ts";
import { type Evaluation, throwsIn } from "./evaluate.ts";
import {
  constantKnown,
  decide,
  intersect,
  type Known,
  speaksOf,
  tempKey,
  testedKey,
  variableKeyText,
} from "./explored-path.ts";
import { usesIn } from "./flow.ts";

// Follows something along every path of a function. What conditions have said decides later tests of the same thing,
// so that `if (a) start(); … if (a) await` has no path that starts and does not wait.

/** How a path leaves its function. */
export interface PathEnd {
  readonly how: "returns" | "throws" | "fails";
  readonly at: Range;
  /** What fails, where it is no `throw`. */
  readonly instruction?: Instruction;
  /** What is returned or thrown. */
  readonly value?: Temp;
}

/** What happens to the state of a walk on its way; states are never changed, only replaced. */
export interface Walker<S> {
  /** The state behind an instruction; undefined when the path need not be followed further. */
  step(state: S, i: Instruction): S | undefined;
  /** Two states with the same text are the same. */
  keyOf(state: S): string;
  /** Whether a value is known to be there, whatever conditions say. */
  isPresent?(state: S, temp: Temp): boolean;
  /** On one side of a test that may go either way; undefined when that side is not worth following. */
  decided?(state: S, test: Test, isTaken: boolean): S | undefined;
  ends?(state: S, end: PathEnd): void;
}

export type Test = Extract<Block["end"], { readonly kind: "branch" }>;

export interface WalkStart<S> {
  readonly block: BlockId;
  /** The first instruction to look at. */
  readonly from: number;
  readonly state: S;
}

interface Position<S> extends WalkStart<S> {
  readonly known: ReadonlyMap<string, Known>;
}

/** More states than this, and nothing can be said. */
const maxStates = 1_500;

/** Walks all paths; false when there are too many. */
export function walkPaths<S>(
  evaluation: Evaluation,
  starts: readonly WalkStart<S>[],
  walker: Walker<S>,
): boolean {
  const { facts } = evaluation;
  const open: Position<S>[] = starts.map((start) => ({
    ...start,
    known: knownBefore(facts, start.block, start.from),
  }));
  const seen = new Set<string>();
  const go = (to: BlockId, state: S, known: ReadonlyMap<string, Known>) => {
    const key = `${to} ${walker.keyOf(state)} ${knownText(known)}`;
    if (seen.has(key)) return;
    seen.add(key);
    open.push({ block: to, from: 0, state, known });
  };
  let states = 0;
  for (let at = open.pop(); at; at = open.pop()) {
    states += 1;
    if (states > maxStates) return false;
    const block = facts.blocks[at.block];
    if (block) walkBlock(evaluation, block, at, walker, go);
  }
  return true;
}

function walkBlock<S>(
  evaluation: Evaluation,
  block: Block,
  { from, state: first, known: before }: Position<S>,
  walker: Walker<S>,
  go: (to: BlockId, state: S, known: ReadonlyMap<string, Known>) => void,
): void {
  const { facts, calls, awaits } = evaluation;
  let state = first;
  let known = before;
  for (const i of block.code.slice(from)) {
    const next = walker.step(state, i);
    if (next === undefined) return;
    if (throwsIn(block, i, calls, awaits)) {
      if (block.handler !== undefined) go(block.handler, next, known);
      else walker.ends?.(next, { how: "fails", at: i, instruction: i });
    }
    if (calls.get(i)?.ends === false) return;
    state = next;
    known = learned(facts, known, i);
  }
  const { end } = block;
  switch (end.kind) {
    case "goto":
      go(end.to, state, known);
      return;
    case "branch": {
      const said = walker.isPresent?.(state, end.test) ? "truthy" : knownOf(facts, known, end.test);
      const decided = said === undefined ? undefined : decide(end.on, said);
      const side = (isTaken: boolean) => {
        const after = decided === undefined && walker.decided ? walker.decided(state, end, isTaken) : state;
        if (after === undefined) return;
        go(isTaken ? end.yes : end.no, after, tested(facts, known, end.test, end.on, isTaken));
      };
      if (decided !== false) side(true);
      if (decided !== true) side(false);
      return;
    }
    case "return":
    case "throw": {
      if (end.kind === "throw" && block.handler !== undefined) {
        go(block.handler, state, known);
        return;
      }
      const value = end.value === undefined ? {} : { value: end.value };
      walker.ends?.(state, { how: end.kind === "return" ? "returns" : "throws", at: end.at, ...value });
      return;
    }
    case "suspend":
      go(end.resume, state, known);
      return;
    case "unreachable":
      return;
  }
}

/** What every path to an instruction agrees on: conditions passed and literals assigned. */
export function knownBefore(
  facts: FunctionFacts,
  block: BlockId,
  position: number,
): ReadonlyMap<string, Known> {
  const entry = new Map<BlockId, ReadonlyMap<string, Known>>([[0 as BlockId, new Map()]]);
  const open: BlockId[] = [0 as BlockId];
  const visit = (to: BlockId, known: ReadonlyMap<string, Known>) => {
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
function tested(
  facts: FunctionFacts,
  known: ReadonlyMap<string, Known>,
  test: Temp,
  on: "truthy" | "nullish",
  isTaken: boolean,
): ReadonlyMap<string, Known> {
  const key = testedKey(facts, test);
  // What one instruction computes is tested once; only the result of a conditional expression comes again.
  if (key.includes("%") && usesIn(facts).definitions(test).length < 2) return known;
  const what = on === "truthy" ? (isTaken ? "truthy" : "falsy") : isTaken ? "nullish" : "present";
  return new Map([...known, [key, what]]);
}

function knownOf(facts: FunctionFacts, known: ReadonlyMap<string, Known>, temp: Temp): Known | undefined {
  const [definition, ...others] = usesIn(facts).definitions(temp);
  if (others.length === 0 && definition) {
    const { op } = definition;
    if (op === "constant") return constantKnown(definition.constant);
    if (op === "closure" || op === "object" || op === "array") return "truthy";
  }
  return known.get(testedKey(facts, temp));
}

function learned(
  facts: FunctionFacts,
  known: ReadonlyMap<string, Known>,
  i: Instruction,
): ReadonlyMap<string, Known> {
  // While the function waits, others write fields.
  const after = assigned(facts, known, i);
  return isAwaitPoint(i) ? new Map([...after].filter(([name]) => !name.includes("."))) : after;
}

function assigned(
  facts: FunctionFacts,
  known: ReadonlyMap<string, Known>,
  i: Instruction,
): ReadonlyMap<string, Known> {
  if (i.op !== "store" && i.op !== "move") return withoutWritten(known, i);
  const what = knownOf(facts, known, i.from);
  if (what === undefined && known.size === 0) return known;
  const key = i.op === "store" ? variableKeyText(i.variable) : tempKey(i.to);
  const kept = [...known].filter(([name]) => !speaksOf(name, key));
  return new Map(what === undefined ? kept : [...kept, [key, what]]);
}

/** A loop computes its temps anew: what a test said of them was about the turn before. */
function withoutWritten(known: ReadonlyMap<string, Known>, i: Instruction): ReadonlyMap<string, Known> {
  let kept = known;
  for (const temp of known.size === 0 ? [] : written(i)) {
    if (!kept.has(tempKey(temp))) continue;
    kept = new Map([...kept].filter(([name]) => !speaksOf(name, tempKey(temp))));
  }
  return kept;
}

/** Temps live within a statement or two; only variables and conditions on them tell paths apart later. */
function knownText(known: ReadonlyMap<string, Known>): string {
  return [...known]
    .flatMap(([name, what]) => (name.startsWith("%") ? [] : [`${name}=${what}`]))
    .sort()
    .join(",");
}
