import type { Instruction } from "../program/facts.ts";
import { locationIn, type ProgramView } from "./analyzer.ts";
import type { Evaluation } from "./evaluate.ts";
import { usesIn } from "./flow.ts";
import { afterPause } from "./pauses.ts";
import { type FunctionKey, type Location, parseKey } from "./places.ts";
import { type AccessReader, placeOf, placeRead, placeWritten, type SharedPlace } from "./shared-places.ts";

// Which shared state some code touches, itself and through what it calls.

export interface Touch {
  readonly place: SharedPlace;
  readonly at: Location;
}

/** One access to each place, by the place's id. */
export interface Touched {
  readonly read: Map<string, Touch>;
  readonly written: Map<string, Touch>;
}

const maxDepth = 3;
/** Methods that change a collection. */
const changes = /^(set|add|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin)$/;

/** Says of an instruction of a function whether it counts. */
export type Choice = (evaluation: Evaluation, instruction: Instruction) => boolean;

const everything: Choice = () => true;

/** What the chosen instructions of a function, and of those that it calls, touch. */
export function touchedBy(view: ProgramView, evaluation: Evaluation, isChosen: Choice): Touched {
  const touched: Touched = { read: new Map(), written: new Map() };
  for (const block of evaluation.facts.blocks) {
    for (const i of block.code) touch(view, evaluation, i, touched, isChosen, new Set());
  }
  return touched;
}

/** What a task touches after it has paused for the first time: until then it runs as part of its caller. */
export function touchedLater(view: ProgramView, key: FunctionKey): Touched {
  const touched: Touched = { read: new Map(), written: new Map() };
  later(view, key, touched, new Set());
  return touched;
}

function later(view: ProgramView, key: FunctionKey, into: Touched, seen: Set<FunctionKey>): void {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || seen.has(key) || seen.size > maxDepth) return;
  seen.add(key);
  const paused = afterPause(evaluation.facts);
  for (const block of evaluation.facts.blocks) {
    for (const i of block.code) {
      if (paused.has(i)) touch(view, evaluation, i, into, everything, new Set());
      // What it calls before its first pause may pause itself.
      else
        for (const target of evaluation.calls.get(i)?.targets ?? []) {
          if (target.kind === "function") later(view, target.function, into, seen);
        }
    }
  }
}

function touch(
  view: ProgramView,
  evaluation: Evaluation,
  i: Instruction,
  into: Touched,
  isChosen: Choice,
  seen: Set<FunctionKey>,
  depth = 0,
): void {
  if (!isChosen(evaluation, i)) return;
  const reader: AccessReader = { semantics: view.solution.semantics, evaluation };
  const at = locationIn(parseKey(evaluation.key).file, i);
  const read = placeRead(reader, i);
  if (read && !into.read.has(read.id)) into.read.set(read.id, { place: read, at });
  const written = placeWritten(reader, i) ?? changedCollection(reader, i);
  if (written && !into.written.has(written.id)) into.written.set(written.id, { place: written, at });
  if (depth >= maxDepth) return;
  for (const target of evaluation.calls.get(i)?.targets ?? []) {
    const callee = target.kind === "function" ? view.solution.evaluation(target.function) : undefined;
    if (target.kind !== "function" || !callee || seen.has(target.function)) continue;
    seen.add(target.function);
    for (const block of callee.facts.blocks) {
      for (const inner of block.code) touch(view, callee, inner, into, isChosen, seen, depth + 1);
    }
  }
}

/** `this.items.push(x)`, `this.byId[id] = x`: the place that holds the collection. */
function changedCollection(reader: AccessReader, i: Instruction): SharedPlace | undefined {
  if (i.op === "set-element") return placeOf(reader, i.object);
  if (i.op !== "call" || i.receiver === undefined) return undefined;
  const [callee] = usesIn(reader.evaluation.facts).definitions(i.callee);
  return callee?.op === "get" && changes.test(callee.name) ? placeOf(reader, i.receiver) : undefined;
}
