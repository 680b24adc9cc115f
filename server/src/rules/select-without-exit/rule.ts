import { defineRule } from "../../analysis/analyzer.ts";
import { endlessWaits } from "../../passes/endless-waits.ts";

export const selectWithoutExit = defineRule({
  id: "select-without-exit",
  title: "A loop over a select or race never ends, and somebody waits for its end",
  severity: "warning",
  requires: [endlessWaits],
  run(pass) {
    for (const { at, select, waiter, trace } of pass.resultOf(endlessWaits)) {
      pass.report({
        at,
        message: `No case of '${select}' ends this loop, so what stands behind 'await ${waiter}' never runs.`,
        trace,
      });
    }
  },
});
