import { defineRule } from "../../analysis/analyzer.ts";
import { takenInOrders } from "../../passes/taken-in-orders.ts";

export const lockOrderInversion = defineRule({
  id: "lock-order-inversion",
  title: "Locks are taken in opposite orders",
  severity: "warning",
  about: "holds",
  requires: [takenInOrders],
  run(pass) {
    for (const { edge, others, fixes } of pass.resultOf(takenInOrders)) {
      const elsewhere = others.length === 1 ? "the other way round elsewhere" : "in a circle with others";
      pass.report({
        at: edge.from,
        message: `'${edge.wanted.text}' is acquired while '${edge.held.text}' is held, and ${elsewhere}: two tasks can each hold what the other needs.`,
        trace: [edge, ...others].flatMap((one) => one.trace),
        fixes,
      });
    }
  },
});
