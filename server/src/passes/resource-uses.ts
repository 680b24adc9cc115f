import { definePass } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FunctionKey } from "../analysis/places.ts";
import type { Use } from "../analysis/summary.ts";
import { plain, type Value } from "../analysis/values.ts";

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
    const byResource = new Map<Value, UseIn[]>();
    const escaped = new Set<Value>();
    for (const { file, evaluation } of view.solution.evaluations()) {
      const collected = () => collect(evaluation, byResource, escaped);
      view.attempt(file, "resource-uses", collected, undefined);
    }
    const found = { byResource, escaped };
    return () => found;
  },
});

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
