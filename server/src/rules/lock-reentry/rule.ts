import { defineRule } from "../../analysis/analyzer.ts";
import { holdAndWait } from "../../passes/hold-and-wait.ts";

export const lockReentry = defineRule({
  id: "lock-reentry",
  title: "A lock is requested by the task that holds it",
  severity: "error",
  requires: [holdAndWait],
  run(pass) {
    for (const wait of pass.resultOf(holdAndWait).selfWaits) {
      if (wait.held.model.kind === "queue") continue;
      const { held } = wait;
      const { capacity } = held;
      const certain = wait.via.length === 0 && capacity === 1;
      pass.report({
        at: wait.from,
        severity: certain ? "error" : "warning",
        message:
          capacity === undefined || capacity === 1
            ? `'${held.text}' is already held here and is not re-entrant, so this never goes on.`
            : `A permit of '${held.text}' is already held here: when all ${capacity} holders ask for another, none goes on.`,
        trace: wait.trace,
      });
    }
  },
});
