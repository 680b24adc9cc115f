import { defineRule } from "../../analysis/analyzer.ts";
import { awaitedOneByOne } from "../../passes/one-by-one.ts";
import { consequences } from "../../passes/task-lives.ts";

export const sequentialAwaitOfStarted = defineRule({
  id: "sequential-await-of-started",
  title: "Promises that have all been started are awaited one after the other",
  severity: "warning",
  requires: [awaitedOneByOne],
  run(pass) {
    for (const { task, at, trace, fixes } of pass.resultOf(awaitedOneByOne)) {
      const promises = task.variable ? `in '${task.name}'` : `that '${task.callee}' starts`;
      pass.report({
        at,
        message: `The promises ${promises} are awaited one at a time: nothing listens to those behind, so the failure of one ${consequences[task.whoSees]}.`,
        trace,
        ...(task.endsProcess ? {} : { severity: "information" }),
        fixes,
      });
    }
  },
});
