import { definePass, type ProgramView } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { handleName, replaceReceiver } from "../analysis/fixes.ts";
import { operationOf } from "../analysis/model-index.ts";
import { parseKey } from "../analysis/places.ts";
import { alternatives } from "../analysis/values.ts";
import type { Range } from "../program/facts.ts";
import { isSame } from "../program/ranges.ts";
import { holdAndWait } from "./hold-and-wait.ts";
import { type Parallel, parallel } from "./parallel.ts";
import type { Edge } from "./wait-edges.ts";

/** A pool is asked for a client by somebody who has one of its clients already. */
export interface NestedCheckout {
  readonly edge: Edge;
  /** The variable that has the first client. */
  readonly client?: string;
  readonly fixes: readonly FixPlan[];
}

export const nestedCheckouts = definePass<readonly NestedCheckout[]>({
  id: "nested-checkouts",
  run: (view, resultOf) => (file) => {
    const beside = resultOf(parallel, file);
    return resultOf(holdAndWait, file)
      .selfWaits.filter((edge) => edge.held.model.kind === "pool" && mayEmpty(beside, edge))
      .map((edge) => {
        const client = view.attempt(file, "nested-checkouts", () => clientOf(view, beside, edge), undefined);
        const fix = client && useClient(view, edge, client);
        return { edge, ...(client ? { client } : {}), fixes: fix ? [fix] : [] };
      });
  },
});

/** Whether so many can hold a client there at once that none is left. */
function mayEmpty({ contexts }: Parallel, { function: key, gates, held: { capacity } }: Edge): boolean {
  if (capacity === 1) return true;
  if (gates.size > 0 || contexts().gates(key).size > 0) return false;
  const threads = contexts().threads(key);
  return threads === "many" || (capacity !== undefined && threads.size >= capacity);
}

/** What the holder calls its client: a variable that is set once, or the parameter of its callback. */
function clientOf(view: ProgramView, { births }: Parallel, edge: Edge): string | undefined {
  const { file } = parseKey(edge.function);
  const isHeld = (at: Range) => isSame(at, edge.held.at);
  const held = births.get(edge.function)?.find((one) => isHeld(one.at));
  if (held) return handleName(view, held.evaluation.facts, file, held.birth);
  for (const [instruction, { scopes }] of view.solution.evaluation(edge.function)?.calls ?? []) {
    if (!isHeld(instruction)) continue;
    const callees = scopes.flatMap((scope) => alternatives(scope.callee));
    const [callee] = callees;
    if (callees.length !== 1 || callee?.kind !== "function") return undefined;
    const variable = view.world.function(callee.function)?.parameters[0]?.variable;
    return variable === undefined ? undefined : view.world.facts(file)?.variables[variable]?.name;
  }
  return undefined;
}

function useClient(view: ProgramView, { held, wanted, via }: Edge, client: string): FixPlan | undefined {
  const has = operationOf(held.model, held.operation)?.also?.includes(wanted.operation);
  // What is set more than once need not be there.
  const isFixed = view.world
    .facts(wanted.at.file)
    ?.variables.every(({ name, assignments }) => name !== client || assignments === 0);
  if (!has || via.length > 0 || !isFixed) return undefined;
  return replaceReceiver(view, wanted.at, wanted.text, client, `Use '${client}'`);
}
