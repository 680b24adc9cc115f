import { defineRule } from "../../analysis/analyzer.ts";
import { waitsForOthers } from "../../passes/waits-for-others.ts";

export const awaitNeedsHeldLock = defineRule({
  id: "await-needs-held-lock",
  title: "The holder of a lock waits for a task that needs the lock",
  severity: "warning",
  requires: [waitsForOthers],
  run(pass) {
    for (const { of, lock, other, at, trace, fixes } of pass.resultOf(waitsForOthers)) {
      if (of !== "task") continue;
      pass.report({
        at,
        message: `'${lock}' is held while this waits for '${other}', which may need it, too: then neither goes on.`,
        trace,
        fixes,
      });
    }
  },
});
