import { defineRule } from "../../analysis/analyzer.ts";
import { droppedJobs } from "../../passes/dropped-jobs.ts";

export const droppedWaiter = defineRule({
  id: "dropped-waiter",
  title: "Jobs are thrown away while somebody waits for them",
  severity: "warning",
  requires: [droppedJobs],
  run(pass) {
    for (const { at, queue, by, awaited, trace } of pass.resultOf(droppedJobs)) {
      pass.report({
        at,
        ...(awaited ? {} : { severity: "hint" as const }),
        message: awaited
          ? `'${by}' throws away the jobs of '${queue}' that have not begun: whoever awaits one waits for ever.`
          : `'${by}' throws away the jobs of '${queue}' that have not begun: their promises never settle.`,
        trace,
      });
    }
  },
});
