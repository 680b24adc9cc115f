import { defineRule } from "../../analysis/analyzer.ts";
import { startedJobs } from "../../passes/started-jobs.ts";

export const queueJobNotFunction = defineRule({
  id: "queue-job-not-function",
  title: "A queue is given a promise instead of a function",
  severity: "error",
  about: "holds",
  requires: [startedJobs],
  run(pass) {
    for (const { queue, at, started, fixes } of pass.resultOf(startedJobs)) {
      pass.report({
        at,
        message: `'${queue}' is given a promise: the work has started before '${queue}' could hold it back, and there is no function to call.`,
        trace: [
          ...(started ? [{ at: started, what: "the work is started here" }] : []),
          { at, what: `'${queue}' wants a function that starts it` },
        ],
        fixes,
      });
    }
  },
});
