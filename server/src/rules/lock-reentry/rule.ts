import { defineRule } from "../../analysis/analyzer.ts";
import { reentries } from "../../passes/reentries.ts";

export const lockReentry = defineRule({
  id: "lock-reentry",
  title: "A lock is requested by the task that holds it",
  severity: "error",
  about: "holds",
  requires: [reentries],
  run(pass) {
    for (const { edge, fixes } of pass.resultOf(reentries)) {
      if (edge.asker !== "call") continue;
      const { held } = edge;
      const { capacity } = held;
      const certain = !edge.ambiguous && edge.via.length === 0 && capacity === 1;
      pass.report({
        at: edge.from,
        severity: certain ? "error" : "warning",
        message:
          capacity === undefined || capacity === 1
            ? `'${held.text}' is already held here and is not re-entrant, so this never goes on.`
            : `A permit of '${held.text}' is already held here: when all ${capacity} holders ask for another, none goes on.`,
        trace: edge.trace,
        fixes,
      });
    }
  },
});
