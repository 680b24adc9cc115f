import type { Block, BlockId, FunctionFacts, Instruction, Range, Temp } from "../program/facts.ts";
import { successors } from "../program/instructions.ts";
import { knownBefore, knownOf, learn, outcome } from "./conditions.ts";
import { type Evaluation, throwsIn } from "./evaluate.ts";
import {
  beginningAt,
  decide,
  Path,
  type PathStep,
  type State,
  stateKey,
  testedKey,
} from "./explored-path.ts";
import { usesIn } from "./flow.ts";

// Follows the paths of one function from a place on, with what their conditions say of later ones.

/** Where an instruction stands. */
export interface CodePlace {
  readonly block: BlockId;
  readonly position: number;
}

/** The way to an instruction. */
export interface Way {
  /** Conditions whose outcome is not known, and calls that throw, in order. */
  steps(): readonly PathStep[];
}

export interface Failure {
  readonly way: Way;
  readonly at: Range;
  /** Absent for a `throw`. */
  readonly instruction?: Instruction;
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

/** More paths than this are not followed. */
const maxStates = 1_000;

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
export function walk(evaluation: Evaluation, behind: Instruction | undefined, visit: Visit): WalkResult {
  const { facts } = evaluation;
  const place = behind ? placeIn(facts, behind) : { block: 0 as BlockId, position: -1 };
  if (!place) return { ends: [], failures: [], isCut: true };
  return new Walk(evaluation, visit).from(place);
}

class Walk {
  readonly #evaluation: Evaluation;
  readonly #facts: FunctionFacts;
  readonly #visit: Visit;
  readonly #open: { readonly state: State; readonly position: number }[] = [];
  readonly #seen = new Set<string>();
  readonly #ends: Way[] = [];
  readonly #failures: Failure[] = [];

  constructor(evaluation: Evaluation, visit: Visit) {
    this.#evaluation = evaluation;
    this.#facts = evaluation.facts;
    this.#visit = visit;
  }

  from({ block, position }: CodePlace): WalkResult {
    const known = knownBefore(this.#facts, block, Math.max(0, position));
    this.#open.push({ state: beginningAt(block, known), position: position + 1 });
    let states = 0;
    for (let next = this.#open.pop(); next; next = this.#open.pop()) {
      states += 1;
      if (states > maxStates) return { ends: this.#ends, failures: this.#failures, isCut: true };
      this.#block(next.state, next.position);
    }
    return { ends: this.#ends, failures: this.#failures, isCut: false };
  }

  #block(state: State, position: number): void {
    const block = this.#facts.blocks[state.block];
    if (!block) return;
    const path = new Path(state);
    for (const i of block.code.slice(position)) {
      if (this.#visit(i, path) === "stop") return;
      const throws = throwsIn(block, i, this.#evaluation.calls, this.#evaluation.awaits);
      if (throws && !this.#isAwaitedIn(block, i)) {
        this.#throw(path, block.handler, { at: i, instruction: i });
      }
      if (this.#evaluation.calls.get(i)?.ends === false) return;
      this.#learn(path, i);
    }
    const { end } = block;
    switch (end.kind) {
      case "return":
        this.#ends.push(path);
        return;
      case "throw":
        this.#throw(path, block.handler, { at: end.at });
        return;
      case "branch":
        this.#branch(path, end);
        return;
      default:
        for (const to of successors(end)) this.#goto(path, to, undefined);
    }
  }

  /** Its failure is that of the promise it gives, which comes to the same handler. */
  #isAwaitedIn({ code }: Block, i: Instruction): boolean {
    if (i.op !== "call") return false;
    const uses = usesIn(this.#facts);
    const readers = uses.readers(i.to);
    return (
      readers.length > 0 &&
      !uses.endsBlock(i.to) &&
      readers.every((reader) => reader.op === "await" && code.includes(reader))
    );
  }

  #learn(path: Path, i: Instruction): void {
    learn(this.#facts, path, i);
    if (i.op !== "set") return;
    const key = `${testedKey(this.#facts, i.object)}.${i.name}`;
    path.forget(key);
    path.setKnown(key, knownOf(this.#facts, path.known, i.from));
  }

  #throw(path: Path, handler: BlockId | undefined, from: Omit<Failure, "way">): void {
    if (handler === undefined) this.#failures.push({ ...from, way: path });
    else this.#goto(path, handler, { at: from.at, what: "throws" });
  }

  #branch(
    path: Path,
    end: {
      readonly test: Temp;
      readonly on: "truthy" | "nullish";
      readonly yes: BlockId;
      readonly no: BlockId;
    },
  ): void {
    const key = testedKey(this.#facts, end.test);
    const known = knownOf(this.#facts, path.known, end.test);
    const decided = known === undefined ? undefined : decide(end.on, known);
    const [test] = usesIn(this.#facts).definitions(end.test);
    const at = test ?? { start: this.#facts.start, end: this.#facts.start };
    const go = (to: BlockId, what: "taken" | "skipped") => {
      const next = path.clone();
      next.know(key, outcome(end.on, what === "taken"));
      this.#goto(next, to, decided === undefined ? { at, what } : undefined);
    };
    if (decided !== false) go(end.yes, "taken");
    if (decided !== true) go(end.no, "skipped");
  }

  #goto(path: Path, to: BlockId, step: PathStep | undefined): void {
    const state = path.state(to, step);
    // A way without open conditions says more than one with some.
    const key = `${stateKey(state)} ${step === undefined && path.steps().length === 0}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#open.push({ state, position: 0 });
  }
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
