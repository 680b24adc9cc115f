import type { Outcome } from "@unknot/models/model.ts";
import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { exploreBehind, type Release } from "../analysis/explore.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { statementRemoval } from "../analysis/fixes.ts";
import { isLock, operationOf } from "../analysis/model-index.ts";
import { type Location, parseKey } from "../analysis/places.ts";
import type { Instruction } from "../program/facts.ts";
import { calleeOf, stepText } from "./leaks.ts";
import { type HeldTooLong, isOnlyHold, obligations, usesOf } from "./obligations.ts";

/** A path on which one hold is given back twice, and the model says that this hurts. */
export interface OverRelease {
  readonly resource: string;
  /** The second release. */
  readonly at: Location;
  readonly outcome: Outcome;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const overReleases = definePass<readonly OverRelease[]>({
  id: "over-releases",
  run: (view, resultOf) => (file) =>
    resultOf(obligations, file).held.flatMap((held) =>
      view.attempt(file, "over-releases", () => overReleasesOf(view, held), []),
    ),
});

const harmful: ReadonlySet<Outcome> = new Set(["grows", "stealsHold", "losesWaiter", "throw", "reject"]);

function overReleasesOf(view: ProgramView, held: HeldTooLong): readonly OverRelease[] {
  const { exploration, evaluation, birth } = held;
  if (!isLock(birth.handle.made.model) || !isOnlyHold(held) || asksFirst(held)) return [];
  const pairs = new Map<Instruction, Pair[]>();
  for (const first of exploration.releases) {
    if (!first.direct) continue;
    const behind = exploreBehind(view.solution, evaluation, birth, first);
    // Without the first one every path still comes by another.
    const isSpare = !behind.lost && behind.leaks.length === 0;
    for (const second of behind.releases) {
      // The same one again, in a loop, is often one for each turn of another loop.
      if (!second.direct || second.instruction === first.instruction) continue;
      const outcome = outcomeOf(held, first, second);
      if (outcome === undefined) continue;
      const known = pairs.get(second.instruction) ?? [];
      pairs.set(second.instruction, [...known, { first, second, outcome, isSpare }]);
    }
  }
  return [...pairs.values()].flatMap((list) => worded(view, held, list) ?? []);
}

interface Pair {
  readonly first: Release;
  readonly second: Release;
  readonly outcome: Outcome;
  readonly isSpare: boolean;
}

/** `if (lock.isLocked()) lock.release()` */
function asksFirst({ evaluation, birth }: HeldTooLong): boolean {
  return usesOf(evaluation, birth).some((use) => operationOf(use.model, use.operation)?.op === "query");
}

/** What the second release does, when it hurts: `double` when somebody else has taken it by then, `unheld` otherwise. */
function outcomeOf(held: HeldTooLong, first: Release, second: Release): Outcome | undefined {
  const byMethod = [second, first].map((one) => methodOf(held, one.instruction));
  const [operation] = byMethod.filter((one) => one !== undefined);
  const outcomes = operation ? [operation.double, operation.unheld] : [held.birth.form.double];
  return outcomes.find((outcome) => outcome !== undefined && harmful.has(outcome));
}

/** The method of the resource that a release is; undefined where the handle itself releases. */
function methodOf({ evaluation }: HeldTooLong, release: Instruction) {
  for (const target of evaluation.calls.get(release)?.targets ?? []) {
    if (target.kind === "operation" && target.operation.op === "release") return target.operation;
  }
  return undefined;
}

function worded(view: ProgramView, held: HeldTooLong, pairs: readonly Pair[]): OverRelease | undefined {
  const { evaluation, resource } = held;
  const { file } = parseKey(evaluation.key);
  const [pair] = pairs;
  if (!pair) return undefined;
  const at = locationIn(file, pair.second.instruction);
  const steps = pair.second.path.map(
    (step): ReportedStep => ({
      at: locationIn(file, step.at),
      what: step.what === "released" ? `'${resource}' is released here` : stepText[step.what],
    }),
  );
  const firsts = new Set(pairs.map(({ first }) => first.instruction));
  const edits = [...firsts].flatMap((first) => statementRemoval(view, evaluation.facts, file, first) ?? []);
  const isFixable = edits.length === firsts.size && pairs.every(({ isSpare }) => isSpare);
  return {
    resource,
    at,
    outcome: pair.outcome,
    trace: [
      { at: calleeOf(held), what: `'${resource}' is acquired here` },
      ...steps,
      { at, what: `'${resource}' is released again` },
    ],
    fixes: isFixable ? [{ title: `Release '${resource}' once, at the end`, preferred: true, edits }] : [],
  };
}
