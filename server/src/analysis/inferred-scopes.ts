import type { Instruction } from "../program/facts.ts";
import { birthsIn } from "./births.ts";
import { isSymbolic } from "./call-effects.ts";
import type { Evaluation } from "./evaluate.ts";
import { type Exploration, explore } from "./explore.ts";
import { isLock } from "./model-index.ts";
import type { CallEffect } from "./semantics.ts";
import type { Solution } from "./solve.ts";
import type { Scope } from "./summary.ts";
import type { Wait } from "./values.ts";

type CallWait = Extract<Wait, { kind: "call" }>;

/**
 * The callbacks of its caller that a function runs while it holds a lock that it has acquired: such a wrapper is a scoped
 * acquire, as good as one of a library. One that also runs the callback without the lock, because somebody up the
 * stack may hold it, is none.
 */
export function inferredScopes(solution: Solution, evaluation: Evaluation): readonly Scope[] {
  const awaited = [...evaluation.awaits].flatMap(([instruction, { waits }]) =>
    waits.list.flatMap((wait) => (wait.kind === "call" ? [{ instruction, wait }] : [])),
  );
  if (awaited.length === 0 || evaluation.facts.imprecise !== undefined) return [];
  const births = birthsIn(evaluation).filter(({ handle }) => isLock(handle.made.model));
  return births.flatMap((birth): readonly Scope[] => {
    const { model, operation, resource } = birth.handle.made;
    const exploration = explore(solution, evaluation, birth);
    if (exploration.lost || !exploration.taken) return [];
    return awaited
      .filter(({ instruction, wait }) => runsUnder(exploration, evaluation, instruction, wait))
      .map(({ wait }) => ({
        model,
        operation,
        resource,
        callee: wait.callee,
        arguments: wait.arguments,
        at: wait.at,
        via: wait.via,
      }));
  });
}

/** The callback is awaited under the lock, and none of its calls stands outside. */
function runsUnder(
  { held }: Exploration,
  { calls }: Evaluation,
  instruction: Instruction,
  { callee }: CallWait,
): boolean {
  if (!isSymbolic(callee) || !held.has(instruction)) return false;
  const runsIt = ({ targets, result }: CallEffect) =>
    targets.some((target) => target.kind === "symbolic" && target.callee === callee) ||
    (result.kind === "promise" &&
      result.waits.list.some((wait) => wait.kind === "call" && wait.callee === callee));
  return [...calls].every(([call, effect]) => held.has(call) || !runsIt(effect));
}
