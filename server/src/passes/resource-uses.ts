import { definePass, type ProgramView } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { keptResult } from "../analysis/kept-result.ts";
import type { FunctionKey, Location } from "../analysis/places.ts";
import { isSameList } from "../analysis/same-list.ts";
import type { Use } from "../analysis/summary.ts";
import { plain, type Value } from "../analysis/values.ts";
import { isSame } from "../program/ranges.ts";

// All that is done to each resource, anywhere in the program.

export interface UseIn extends Use {
  readonly by: FunctionKey;
}

export interface ResourceUses {
  readonly byResource: ReadonlyMap<Value, readonly UseIn[]>;
  /** What left our sight somewhere: others may use it, too. */
  readonly escaped: ReadonlySet<Value>;
}

export const resourceUses = definePass<ResourceUses>({
  id: "resource-uses",
  run(view) {
    const found = keptResult(
      view,
      "resource-uses",
      () => collectAll(view),
      (_, before, now) => usesAlike(before, now),
    );
    return () => found;
  },
});

function collectAll({ solution, attempt }: ProgramView): ResourceUses {
  const byResource = new Map<Value, UseIn[]>();
  const escaped = new Set<Value>();
  for (const { file, evaluation } of solution.evaluations()) {
    if (evaluation.escapes.length === 0 && evaluation.uses.length === 0) continue;
    const collected = () => collect(evaluation, byResource, escaped);
    attempt(file, "resource-uses", collected, undefined);
  }
  return { byResource, escaped };
}

function usesAlike(a: Evaluation, b: Evaluation): boolean {
  return (
    isSameList(a.escapes, b.escapes) &&
    isSameList(
      a.uses,
      b.uses,
      (one, other) =>
        one.model === other.model &&
        one.operation === other.operation &&
        one.resource === other.resource &&
        isSamePlace(one.at, other.at) &&
        isSameList(one.via, other.via, isSamePlace),
    )
  );
}

function isSamePlace(a: Location, b: Location): boolean {
  return a.file === b.file && isSame(a, b);
}

function collect(evaluation: Evaluation, byResource: Map<Value, UseIn[]>, escaped: Set<Value>): void {
  for (const value of evaluation.escapes) escaped.add(value);
  for (const use of usesIn(evaluation)) {
    const resource = plain(use.resource);
    const known = byResource.get(resource);
    if (known) known.push(use);
    else byResource.set(resource, [use]);
  }
}

const usesOf = new WeakMap<Evaluation, readonly UseIn[]>();

function usesIn(evaluation: Evaluation): readonly UseIn[] {
  const known = usesOf.get(evaluation);
  if (known) return known;
  const found = evaluation.uses.map((use) => ({ ...use, by: evaluation.key }));
  usesOf.set(evaluation, found);
  return found;
}
