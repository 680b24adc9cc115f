import { definePass } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { holdAndWait } from "./hold-and-wait.ts";
import { takeInOtherOrder } from "./lock-fixes.ts";
import { parallel } from "./parallel.ts";
import type { Cycle } from "./wait-cycles.ts";

// In which orders are locks taken? Circles, and what would end them.

export interface OrderedWrong extends Cycle {
  readonly fixes: readonly FixPlan[];
}

export const takenInOrders = definePass<readonly OrderedWrong[]>({
  id: "taken-in-orders",
  run: (view, resultOf) => (file) =>
    resultOf(holdAndWait, file).cycles.map((cycle) => {
      const { edge, others, isAlone } = cycle;
      const canTurn = isAlone && others.length === 1;
      const fix = canTurn ? takeInOtherOrder(view, edge, resultOf(parallel, file)) : undefined;
      return { ...cycle, fixes: fix ? [fix] : [] };
    }),
});
