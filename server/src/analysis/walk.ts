import type { BlockId, FunctionFacts, Instruction } from "../program/facts.ts";
import { successors } from "../program/instructions.ts";
import { placeOfTest } from "./conditions.ts";
import type { Evaluation } from "./evaluate.ts";
import type { PathStep } from "./explored-path.ts";
import { type PathEnd, walkPaths } from "./walk-paths.ts";

// Follows the paths of one function from a place on, with what their conditions say of later ones.

/** Where an instruction stands. */
export interface CodePlace {
  readonly block: BlockId;
  readonly position: number;
}

/** The way to an instruction. */
export interface Way {
  /** Conditions whose outcome is not known, and calls that throw, in order. */
  readonly steps: readonly PathStep[];
}

export interface Failure extends PathEnd {
  readonly way: Way;
}

export interface WalkResult {
  /** The ways on which the function ends by itself. */
  readonly ends: readonly Way[];
  /** Where an exception leaves it. */
  readonly failures: readonly Failure[];
  /** There were more paths than are followed. */
  readonly isCut: boolean;
}

type Visit = (instruction: Instruction, way: Way) => "go" | "stop";

export function placeIn(facts: FunctionFacts, instruction: Instruction): CodePlace | undefined {
  for (const [block, { code }] of facts.blocks.entries()) {
    const position = code.indexOf(instruction);
    if (position >= 0) return { block: block as BlockId, position };
  }
  return undefined;
}

/**
 * Calls `visit` for every instruction on the paths behind one instruction, or from the entry; a path ends where it
 * answers `stop`. An instruction may be visited several times, where paths know different things.
 */
export function walk(
  evaluation: Evaluation,
  behind: Instruction | undefined,
  visit: Visit,
  fields: "change" | "stay" = "change",
): WalkResult {
  const { facts } = evaluation;
  const place = behind ? placeIn(facts, behind) : { block: 0 as BlockId, position: -1 };
  if (!place) return { ends: [], failures: [], isCut: true };
  const ends: Way[] = [];
  const failures: Failure[] = [];
  const start = { block: place.block, from: place.position + 1, state: { steps: [] } };
  const isDone = walkPaths<Way>(evaluation, [start], {
    fields,
    step: (way, i) => (visit(i, way) === "stop" ? undefined : way),
    // A way without open conditions says more than one with some.
    keyOf: ({ steps }) => (steps.length === 0 ? "sure" : "open"),
    decided(way, { test }, isTaken) {
      return { steps: [...way.steps, { at: placeOfTest(facts, test), what: isTaken ? "taken" : "skipped" }] };
    },
    caught: ({ steps }, at) => ({ steps: [...steps, { at, what: "throws" }] }),
    ends(way, end) {
      if (end.how === "returns") ends.push(way);
      else failures.push({ ...end, way });
    },
  });
  return { ends, failures, isCut: !isDone };
}

/** Whether every way behind an instruction (or from the entry) that ends normally passes one of these first. */
export function alwaysPasses(
  evaluation: Evaluation,
  behind: Instruction | undefined,
  isOne: (instruction: Instruction) => boolean,
): boolean {
  const { ends, isCut } = walk(evaluation, behind, (i) => (isOne(i) ? "stop" : "go"));
  return !isCut && ends.length === 0;
}

/** Whether control can get from one instruction to another, in a later turn of a loop too. */
export function reaches(facts: FunctionFacts, from: Instruction, to: Instruction): boolean {
  const [start, target] = [placeIn(facts, from), placeIn(facts, to)];
  if (!start || !target) return false;
  if (start.block === target.block && start.position < target.position) return true;
  const seen = new Set<BlockId>();
  const exits = (id: BlockId): readonly BlockId[] => {
    const block = facts.blocks[id];
    if (!block) return [];
    return block.handler === undefined ? successors(block.end) : [...successors(block.end), block.handler];
  };
  const open = [...exits(start.block)];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === target.block) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    open.push(...exits(id));
  }
  return false;
}
