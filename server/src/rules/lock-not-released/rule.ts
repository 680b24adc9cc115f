import { defineRule } from "../../analysis/analyzer.ts";
import { leaks } from "../../passes/leaks.ts";

export const lockNotReleased = defineRule({
  id: "lock-not-released",
  title: "A path leaves the function with the lock still held",
  severity: "error",
  about: "holds",
  requires: [leaks],
  run(pass) {
    for (const leak of pass.resultOf(leaks)) {
      if (leak.of !== "lock" || leak.how !== "normal") continue;
      pass.report({
        at: leak.at,
        message: `'${leak.resource}' is still held when ${leak.leaves}, so nobody else ${leak.expires ? "gets it before the lock expires" : "ever gets it"}.`,
        // Who never gives it back may want just that: once in so much time.
        ...(leak.expires ? { severity: leak.isOpen ? "hint" : "warning" } : {}),
        trace: leak.trace,
        fixes: leak.fixes,
      });
    }
  },
});
