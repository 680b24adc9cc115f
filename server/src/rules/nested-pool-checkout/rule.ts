import { defineRule } from "../../analysis/analyzer.ts";
import { nestedCheckouts } from "../../passes/nested-checkouts.ts";

export const nestedPoolCheckout = defineRule({
  id: "nested-pool-checkout",
  title: "A client of a pool is asked for while another one is held",
  severity: "error",
  about: "holds",
  requires: [nestedCheckouts],
  run(pass) {
    for (const { edge, client, fixes } of pass.resultOf(nestedCheckouts)) {
      const { held, via, from, trace, ambiguous } = edge;
      const { capacity } = held;
      const holding = client === undefined ? "while one is held" : `while '${client}' is held`;
      const all = capacity === undefined ? "all of them" : `all ${capacity}`;
      pass.report({
        at: from,
        severity: capacity === 1 && via.length === 0 && !ambiguous ? "error" : "warning",
        message:
          capacity === 1
            ? `'${held.text}' is asked for its only client ${holding}, so this never gets it.`
            : `'${held.text}' is asked for another client ${holding}: once ${all} are held like this, nobody gets a second one.`,
        trace,
        fixes,
      });
    }
  },
});
