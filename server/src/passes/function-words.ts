import type { ProgramView } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { describeTemp } from "../analysis/flow.ts";
import { type FunctionKey, parseKey } from "../analysis/places.ts";
import { originOf } from "../analysis/shared-places.ts";
import type { Instruction } from "../program/facts.ts";
import type { FunctionCode } from "./function-code.ts";

// What functions, and what they wait for, are called in messages.

/** The name of the function, or of the first one around it that has one. */
export function ownName(view: ProgramView, key: FunctionKey): string | undefined {
  for (const one of [key, ...view.world.enclosing(key)]) {
    const facts = view.world.function(one);
    if (facts?.kind === "module") return undefined;
    const name = facts?.name.split(".").at(-1);
    if (name) return name;
  }
  return undefined;
}

/** The call that a point waits for, as written. */
export function waitedFor(view: ProgramView, code: FunctionCode, wait: Instruction): string | undefined {
  if (wait.op !== "await") return undefined;
  return calleeText(view, code.evaluation, originOf(code.reader, wait.from));
}

export function calleeText(
  view: ProgramView,
  evaluation: Evaluation,
  i: Instruction | undefined,
): string | undefined {
  const facts = view.world.facts(parseKey(evaluation.key).file);
  if (!facts || !i) return undefined;
  if (i.op === "import") return describeTemp(facts, evaluation.facts, i.to);
  return i.op === "call" || i.op === "new" ? describeTemp(facts, evaluation.facts, i.callee) : undefined;
}
