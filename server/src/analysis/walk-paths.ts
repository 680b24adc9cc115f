import type { Block, BlockId, FunctionFacts, Instruction, Range, Temp } from "../program/facts.ts";
import { afterward, assigned, type KnownValues, knownBefore, knownOf, tested } from "./conditions.ts";
import type { Evaluation } from "./evaluate.ts";
import { decide } from "./explored-path.ts";
import { usesIn } from "./flow.ts";
import { throwsIn } from "./throws.ts";

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
  /**
   * What becomes of fields while the function waits, when they `change` unless said otherwise. Who looks for a mistake
   * on some path lets them `stay`: `if (this.isFast) done(); await …; if (!this.isFast) done();`.
   */
  readonly fields?: "change" | "stay";
  /** Two states with the same text are the same. */
  keyOf(state: S): string;
  /** Whether a value is known to be there, whatever conditions say. */
  isPresent?(state: S, temp: Temp): boolean;
  /** On one side of a test that may go either way; undefined when that side is not worth following. */
  decided?(state: S, test: Test, isTaken: boolean): S | undefined;
  /** On the way to a handler, from the call, await or `throw` that fails. */
  caught?(state: S, at: Range): S;
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
  readonly known: KnownValues;
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
  const go = (to: BlockId, state: S, known: KnownValues) => {
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
  go: (to: BlockId, state: S, known: KnownValues) => void,
): void {
  const { facts, calls, awaits } = evaluation;
  const behind = walker.fields === "stay" ? assigned : afterward;
  let state = first;
  let known = before;
  for (const i of block.code.slice(from)) {
    const next = walker.step(state, i);
    if (next === undefined) return;
    if (throwsIn(block, i, calls, awaits) && !isAwaitedIn(facts, block, i)) {
      if (block.handler !== undefined) go(block.handler, walker.caught?.(next, i) ?? next, known);
      else walker.ends?.(next, { how: "fails", at: i, instruction: i });
    }
    if (calls.get(i)?.ends === false) return;
    state = next;
    known = behind(facts, known, i);
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
        go(block.handler, walker.caught?.(state, end.at) ?? state, known);
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

/** A call whose failure is that of the promise it gives, which comes to the same handler. */
function isAwaitedIn(facts: FunctionFacts, { code }: Block, i: Instruction): boolean {
  if (i.op !== "call") return false;
  const uses = usesIn(facts);
  const readers = uses.readers(i.to);
  return (
    readers.length > 0 &&
    !uses.endsBlock(i.to) &&
    readers.every((reader) => reader.op === "await" && code.includes(reader))
  );
}

/** Temps live within a statement or two; only variables and conditions on them tell paths apart later. */
function knownText(known: KnownValues): string {
  return [...known]
    .flatMap(([name, what]) => (name.startsWith("%") ? [] : [`${name}=${what}`]))
    .sort()
    .join(",");
}
