import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Contexts } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { exploreBehind } from "../analysis/explore.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { releaseInFinally } from "../analysis/fixes.ts";
import { usesIn } from "../analysis/flow.ts";
import { isLock } from "../analysis/model-index.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import type { Instruction, Temp } from "../program/facts.ts";
import { calleeOf, stepText } from "./leaks.ts";
import { type HeldTooLong, obligations } from "./obligations.ts";
import { parallel } from "./parallel.ts";

/** A generator that pauses while it holds a lock, and that does not give it back when nobody goes on with it. */
export interface PauseUnderLock {
  readonly resource: string;
  /** The generator, by its name. */
  readonly generator: string;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const pausesUnderLock = definePass<readonly PauseUnderLock[]>({
  id: "pauses-under-lock",
  run: (view, resultOf) => (file) => {
    const contexts = () => resultOf(parallel, view.world.files[0] ?? "").contexts();
    return resultOf(obligations, file).held.flatMap((held) =>
      view.attempt(file, "pauses-under-lock", () => pausesOf(view, held, contexts), []),
    );
  },
});

function pausesOf(view: ProgramView, held: HeldTooLong, contexts: () => Contexts): readonly PauseUnderLock[] {
  const { exploration, evaluation, birth, resource } = held;
  if (!isLock(birth.handle.made.model) || exploration.lost || !evaluation.facts.generator) return [];
  // Other rules speak of a lock that is not released even if somebody iterates to the end.
  if (exploration.leaks.length > 0) return [];
  for (const pause of exploration.pauses) {
    const behind = exploreBehind(view.solution, evaluation, birth, pause);
    if (behind.lost || behind.leaks.length === 0) continue;
    if (isIteratedToTheEnd(view, contexts(), evaluation.key)) return [];
    const { file } = parseKey(evaluation.key);
    const fix = releaseInFinally(view, evaluation.facts, file, birth);
    return [
      {
        resource,
        generator: evaluation.facts.name.split(".").at(-1) || "this generator",
        at: calleeOf(held),
        trace: [
          { at: calleeOf(held), what: `'${resource}' is acquired here` },
          ...pause.path.map((step) => ({ at: locationIn(file, step.at), what: stepText[step.what] })),
          {
            at: locationIn(file, pause.at),
            what: `it pauses here, and a loop that ends early never comes back to release '${resource}'`,
          },
        ],
        fixes: fix ? [fix] : [],
      },
    ];
  }
  return [];
}

/** Every caller is known, and iterates in a loop that nothing leaves early. */
function isIteratedToTheEnd(view: ProgramView, contexts: Contexts, key: FunctionKey): boolean {
  const list = contexts.of(key);
  return (
    list.length > 0 &&
    list.every(({ caller, instruction }) => {
      const evaluation = caller && view.solution.evaluation(caller);
      return evaluation !== undefined && instruction?.op === "call" && isConsumed(evaluation, instruction.to);
    })
  );
}

function isConsumed(evaluation: Evaluation, generator: Temp): boolean {
  const readers = usesIn(evaluation.facts).readers(generator);
  return (
    readers.length > 0 &&
    readers.every((reader) => {
      if (reader.op === "spread") return true;
      return reader.op === "iterate" && !leavesEarly(evaluation, reader.to);
    })
  );
}

/** A `break`, a `return` or a failure in the loop closes the iterator. */
function leavesEarly(evaluation: Evaluation, iterator: Temp): boolean {
  const closes = (i: Instruction) => i.op === "close-iterator" && i.iterator === iterator;
  return evaluation.facts.blocks.some(
    (block, index) => evaluation.reached[index] === true && block.code.some(closes),
  );
}
