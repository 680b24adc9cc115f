import { defineRule } from "../../analysis/analyzer.ts";
import { escapingWork } from "../../passes/escaping-work.ts";

export const workEscapesLock = defineRule({
  id: "work-escapes-lock",
  title: "Work is started under a lock and goes on without it",
  severity: "warning",
  requires: [escapingWork],
  run(pass) {
    for (const { lock, task, place, writes, at, trace, fixes } of pass.resultOf(escapingWork)) {
      const does = writes ? "changes" : "reads";
      pass.report({
        at,
        message: `'${task}' still runs when '${lock}' is released, and ${does} '${place}', which '${lock}' guards.`,
        trace,
        fixes,
      });
    }
  },
});
