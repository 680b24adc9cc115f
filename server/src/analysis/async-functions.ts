import type { Instruction, Temp } from "../program/facts.ts";
import type { ProgramView } from "./analyzer.ts";
import type { Evaluation } from "./evaluate.ts";
import { usesIn } from "./flow.ts";
import type { FunctionKey } from "./places.ts";
import type { Value } from "./values.ts";

// Which functions of the program give a promise. What values say of a result leaves out that it may be missing
// (`pending(key)` of type `Promise | undefined`), which matters where somebody tests it.

type View = Pick<ProgramView, "world" | "solution">;

const maxDepth = 4;

/** The function of the program that a value is, when what it gives is a promise, if it gives anything. */
export function asyncFunction(view: View, value: Value | undefined): FunctionKey | undefined {
  if (value?.kind !== "function") return undefined;
  const facts = view.world.function(value.function);
  const returns = view.solution.summary(value.function)?.returns;
  const isAsync = facts?.async === true || (returns?.kind === "promise" && returns.sure);
  return isAsync && facts?.generator !== true ? value.function : undefined;
}

/** It gives a promise whatever happens: it is `async`, or returns nothing but what such functions give. */
export function alwaysGivesPromise(view: View, key: FunctionKey, depth = 0): boolean {
  const facts = view.world.function(key);
  if (!facts || facts.generator || depth > maxDepth) return false;
  if (facts.async) return true;
  const evaluation = view.solution.evaluation(key);
  const ends = facts.blocks.filter(
    ({ end }, index) => evaluation?.reached[index] === true && end.kind === "return",
  );
  return (
    evaluation !== undefined &&
    ends.length > 0 &&
    ends.every(
      ({ end }) =>
        end.kind === "return" &&
        end.value !== undefined &&
        isSurelyPromise(view, evaluation, end.value, depth + 1),
    )
  );
}

/** The result of a call that gives a promise whatever happens. */
export function callGivesPromise(
  view: View,
  evaluation: Evaluation,
  call: Extract<Instruction, { op: "call" }>,
  depth = 0,
): boolean {
  const targets = evaluation.calls.get(call)?.targets ?? [];
  return (
    targets.length > 0 &&
    targets.every((target) => target.kind === "function" && alwaysGivesPromise(view, target.function, depth))
  );
}

function isSurelyPromise(view: View, evaluation: Evaluation, temp: Temp, depth: number): boolean {
  const definitions = usesIn(evaluation.facts).definitions(temp);
  return (
    definitions.length > 0 &&
    definitions.every((one) => {
      if (one.op === "move") return isSurelyPromise(view, evaluation, one.from, depth + 1);
      return one.op === "call" && depth <= maxDepth && callGivesPromise(view, evaluation, one, depth);
    })
  );
}
