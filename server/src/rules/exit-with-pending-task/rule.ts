import { defineRule } from "../../analysis/analyzer.ts";
import { earlyExits } from "../../passes/early-exits.ts";

export const exitWithPendingTask = defineRule({
  id: "exit-with-pending-task",
  title: "The process ends while work is under way",
  severity: "information",
  requires: [earlyExits],
  run(pass) {
    for (const { work, started, at } of pass.resultOf(earlyExits)) {
      pass.report({
        at,
        message: `The process ends here, before '${work}' can be done: nothing has waited for it.`,
        trace: [
          { at: started, what: `'${work}' is started here` },
          { at, what: "and cut off here" },
        ],
      });
    }
  },
});
