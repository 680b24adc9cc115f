import type { ProgramView } from "../analysis/analyzer.ts";
import { capacityOf, contentOf } from "../analysis/capacities.ts";
import type { Contexts } from "../analysis/contexts.ts";
import type { ModelType } from "../analysis/model-index.ts";
import { alternatives, plain, type Value } from "../analysis/values.ts";
import { givenFor } from "./given-arguments.ts";

/** A field may hold what a constructor was given, which may be a field again. */
const maxHops = 4;

/**
 * How many may hold a lock or a slot at once, as far as it is written as a number wherever the resource may be made:
 * in its own creation, in a field, or in what a constructor is handed. The least of several; undefined when unknown.
 */
export function capacityIn(
  view: ProgramView,
  contexts: Contexts,
  { kind }: ModelType,
  resource: Value,
): number | undefined {
  // Also where nobody knows who made it.
  if (kind === "mutex") return 1;
  const made = makingsOf(view, contexts, resource, 0);
  if (made.length === 0) return undefined;
  return made.reduce<number | undefined>((least, one) => {
    const own = capacityOf(view, one);
    return least === undefined || own === undefined ? undefined : Math.min(least, own);
  }, Number.POSITIVE_INFINITY);
}

/** Where a resource comes from; what is not known stands for itself. */
function makingsOf(view: ProgramView, contexts: Contexts, value: Value, hops: number): readonly Value[] {
  const real = plain(value);
  const further = (one: Value) => makingsOf(view, contexts, one, hops + 1);
  if (hops > maxHops) return [real];
  switch (real.kind) {
    case "union":
      return alternatives(real).flatMap(further);
    case "member":
    case "parameter": {
      const given = givenFor(view, contexts, real);
      if (given)
        return given.length === 0 ? [real] : given.flatMap((one) => (one === real ? [real] : further(one)));
      const content = contentOf(view, real);
      return content === real || content.kind === "nothing" ? [real] : further(content);
    }
    default:
      return [real];
  }
}
