import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import { type Birth, birthsIn } from "../analysis/births.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { type Exploration, explore } from "../analysis/explore.ts";
import { usesIn } from "../analysis/flow.ts";
import { operationOf, opOf } from "../analysis/model-index.ts";
import { resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import type { Use } from "../analysis/summary.ts";
import { plain } from "../analysis/values.ts";

// Is every obligation met? A lock has to be given back. The pass finds where obligations arise and follows them; rules
// say which of the open ones are mistakes. Tasks that nobody looks at are in dropped-tasks.ts.

/** A lock, permit or client that some path does not give back. */
export interface HeldTooLong {
  readonly birth: Birth;
  readonly exploration: Exploration;
  readonly evaluation: Evaluation;
  /** The resource as written: `this.mutex`. */
  readonly resource: string;
  readonly at: Location;
}

export interface Obligations {
  readonly held: readonly HeldTooLong[];
}

export const obligations = definePass<Obligations>({
  id: "obligations",
  run: (view) => (file) => ({
    held: view
      .functionsOf(file)
      .flatMap((key) => view.attempt(file, "obligations", () => heldIn(view, key), [])),
  }),
});

/** Following every hold through every block of a larger function takes too long; nothing is said about it. */
const maxExplored = 1_000_000;

function heldIn(view: ProgramView, key: FunctionKey): readonly HeldTooLong[] {
  const { solution } = view;
  const evaluation = solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const births = birthsIn(evaluation);
  // Hardly any function takes something.
  if (births.length === 0) return [];
  const { file } = parseKey(key);
  if (births.length * evaluation.facts.blocks.length > maxExplored) return [];
  const taken = births.filter((birth) => !isIdle(evaluation, birth));
  return taken.map((birth) => ({
    birth,
    exploration: explore(solution, evaluation, birth),
    evaluation,
    resource: resourceName(view, plain(birth.handle.made.resource), locationIn(file, birth.instruction)),
    at: locationIn(file, birth.instruction),
  }));
}

/** `pool.createClient().options`: only what needs nothing of the resource is read, so nothing is taken. */
function isIdle({ facts }: Evaluation, { instruction, form }: Birth): boolean {
  if (form.idle === undefined) return false;
  const uses = usesIn(facts);
  if (uses.endsBlock(instruction.to)) return false;
  const readers = uses.readers(instruction.to);
  return readers.length > 0 && readers.every((i) => i.op === "get" && form.idle?.includes(i.name));
}

/** What a function does with the resource of a birth, itself and through what it calls. */
export function usesOf(evaluation: Evaluation, birth: Birth): readonly Use[] {
  const resource = plain(birth.handle.made.resource);
  return evaluation.uses.filter((use) => plain(use.resource) === resource);
}

/** The function takes one permit, once: where it takes several, a release may be for any of them. */
export function isOnlyHold({ evaluation, birth }: HeldTooLong): boolean {
  const { model, operation } = birth.handle.made;
  const { amount } = operationOf(model, operation) ?? {};
  if (amount !== undefined && birth.instruction.arguments.length > 0) return false;
  const takes = usesOf(evaluation, birth).filter((use) => {
    const op = opOf(use);
    return op === "acquire" || op === "tryAcquire";
  });
  // What helpers take of a lock that is the same everywhere does not come up in their summaries.
  const births = birthsIn(evaluation).filter(
    (one) => plain(one.handle.made.resource) === plain(birth.handle.made.resource),
  );
  return takes.length <= 1 && births.length <= 1;
}
