import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { usesIn } from "../analysis/flow.ts";
import { calleeName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import type { CallEffect } from "../analysis/semantics.ts";
import { isSurelyPromise, type Value } from "../analysis/values.ts";
import { alwaysPasses, walk } from "../analysis/walk.ts";
import type { Instruction, Temp } from "../program/facts.ts";
import { isAwaitPoint } from "../program/instructions.ts";

/** The process ends while work that was started before cannot be done yet. */
export interface EarlyExit {
  /** As written: `save`. */
  readonly work: string;
  readonly started: Location;
  readonly at: Location;
}

export const earlyExits = definePass<readonly EarlyExit[]>({
  id: "early-exits",
  run: (view) => (file) =>
    view.functionsOf(file).flatMap((key) => view.attempt(file, "early-exits", () => exitsIn(view, key), [])),
});

function exitsIn(view: ProgramView, key: FunctionKey): readonly EarlyExit[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const exits = new Set([...evaluation.calls].flatMap(([i, effect]) => (isExit(effect) ? [i] : [])));
  if (exits.size === 0) return [];
  const { file } = parseKey(key);
  const found = new Map<Instruction, EarlyExit>();
  for (const [start, effect] of evaluation.calls) {
    if (exits.has(start) || !isPending(view, evaluation, start, effect)) continue;
    // While nothing is awaited, no other code runs: what waits for another turn is where it was.
    walk(evaluation, start, (i, way) => {
      if (isAwaitPoint(i) || way.steps.some(({ what }) => what === "throws")) return "stop";
      if (!exits.has(i)) return "go";
      const work = calleeName(view, locationIn(file, start));
      if (!found.has(i)) found.set(i, { work, started: locationIn(file, start), at: locationIn(file, i) });
      return "stop";
    });
  }
  return [...found.values()];
}

function isExit({ targets }: CallEffect): boolean {
  return (
    targets.length > 0 &&
    targets.every((target) => target.kind === "operation" && target.operation.op === "exit")
  );
}

/** It has begun something that cannot be over in this turn. */
function isPending(
  view: ProgramView,
  evaluation: Evaluation,
  start: Instruction,
  effect: CallEffect,
): boolean {
  if (start.op !== "call" || !isAlone(usesIn(evaluation.facts), start.to)) return false;
  if (isOfPlatform(evaluation.values[start.callee])) return true;
  const [target, ...others] = effect.targets;
  if (!target || others.length > 0 || !isSurelyPromise(effect.result)) return false;
  if (target.kind === "operation") {
    const { op, await: isAwaited } = target.operation;
    return (
      isAwaited === true && (op === "submit" || op === "use" || op === "send" || op === "run" || op === "map")
    );
  }
  return target.kind === "function" && takesTime(view, target.function, maxDepth);
}

/** Node's functions that give promises, and `fetch`: none of them is done in the turn that calls it. */
function isOfPlatform(callee: Value | undefined): boolean {
  if (callee?.kind === "external") return /^[^./][^/]*\/promises$/.test(callee.module);
  return callee?.kind === "global" && callee.path.length === 1 && callee.path[0] === "fetch";
}

const maxDepth = 3;

/** Nobody else gets the promise, and nothing awaits it: at most it has a handler. */
function isAlone(uses: ReturnType<typeof usesIn>, temp: Temp): boolean {
  if (uses.endsBlock(temp)) return false;
  return uses.readers(temp).every((reader) => {
    if (reader.op === "unary" || reader.op === "store" || reader.op === "get") return true;
    return reader.op === "call" && reader.receiver === temp && isAlone(uses, reader.to);
  });
}

/** On every way it awaits something, or returns what takes time. */
function takesTime(view: ProgramView, key: FunctionKey, depth: number): boolean {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.generator || depth < 0) return false;
  const uses = usesIn(evaluation.facts);
  return alwaysPasses(evaluation, undefined, (i) => {
    if (isAwaitPoint(i)) return waits(evaluation, i);
    if (i.op !== "call" || !uses.endsBlock(i.to)) return false;
    const [target, ...others] = evaluation.calls.get(i)?.targets ?? [];
    return target?.kind === "function" && others.length === 0 && takesTime(view, target.function, depth - 1);
  });
}

/** An await of something that may take its time, and not of a value that is there. */
function waits({ values }: Evaluation, i: Instruction): boolean {
  if (i.op !== "await") return i.op === "next";
  const value = values[i.from];
  return value === undefined || value.kind !== "constant";
}
