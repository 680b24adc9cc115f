import { defineRule } from "../../analysis/analyzer.ts";
import { singleWaits } from "../../passes/single-waits.ts";

export const conditionWaitWithoutLoop = defineRule({
  id: "condition-wait-without-loop",
  title: "A state is waited for once, and not tested again",
  severity: "hint",
  requires: [singleWaits],
  run(pass) {
    for (const { on, then, at, trace } of pass.resultOf(singleWaits)) {
      pass.report({
        at,
        message: `This waits once for '${on}': ${then}, and nothing tests it again.`,
        trace,
      });
    }
  },
});
