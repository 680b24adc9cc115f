import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { capacityOf } from "../analysis/capacities.ts";
import { numberOf } from "../analysis/model-calls.ts";
import { opOf } from "../analysis/model-index.ts";
import { resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { plain, type Value } from "../analysis/values.ts";

/** More permits are asked for at once than a semaphore ever has. */
export interface ImpossibleWeight {
  readonly resource: string;
  readonly weight: number;
  readonly capacity: number;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
}

export const impossibleWeights = definePass<readonly ImpossibleWeight[]>({
  id: "impossible-weights",
  run(view) {
    const growing = growingResources(view);
    return (file) =>
      view
        .functionsOf(file)
        .flatMap((key) => view.attempt(file, "impossible-weights", () => weightsIn(view, key, growing), []));
  },
});

/** Semaphores that may have more permits than they were made with: resized, or released by whom did not acquire. */
function growingResources(view: ProgramView): ReadonlySet<Value> {
  const growing = new Set<Value>();
  for (const { evaluation } of view.solution.evaluations()) {
    if (evaluation.uses.length === 0) continue;
    const taken = new Set<Value>();
    const released = new Set<Value>();
    for (const use of evaluation.uses) {
      const resource = plain(use.resource);
      const op = opOf(use);
      if (op === "acquire" || op === "tryAcquire") taken.add(resource);
      else if (op === "release") released.add(resource);
      else if (op === "resize") growing.add(resource);
    }
    for (const resource of released) if (!taken.has(resource)) growing.add(resource);
  }
  return growing;
}

function weightsIn(
  view: ProgramView,
  key: FunctionKey,
  growing: ReadonlySet<Value>,
): readonly ImpossibleWeight[] {
  const evaluation = view.solution.evaluation(key);
  const { file } = parseKey(key);
  const found: ImpossibleWeight[] = [];
  for (const [instruction, { targets, arguments: given }] of evaluation?.calls ?? []) {
    for (const target of targets) {
      if (target.kind !== "operation" || target.model?.kind !== "semaphore" || !target.resource) continue;
      const { amount, op } = target.operation;
      if (amount === undefined || (op !== "acquire" && op !== "scoped")) continue;
      const weight = numberOf(amount, given);
      const capacity = capacityOf(view, target.resource);
      if (typeof weight !== "number" || capacity === undefined || weight <= capacity) continue;
      // One that starts empty is filled by somebody, by whatever way.
      if (capacity < 1 || growing.has(plain(target.resource))) continue;
      const at = locationIn(file, instruction);
      const resource = resourceName(view, plain(target.resource), at);
      found.push({ resource, weight, capacity, at, trace: traceOf(target.resource, resource, capacity, at) });
    }
  }
  return found;
}

function traceOf(value: Value, resource: string, capacity: number, at: Location): readonly ReportedStep[] {
  const real = plain(value);
  const [made] = real.kind === "fresh" ? real.site.path : [];
  return [
    ...(made ? [{ at: made, what: `'${resource}' is made with room for ${capacity} here` }] : []),
    { at, what: `'${resource}' is asked for more than that here` },
  ];
}
