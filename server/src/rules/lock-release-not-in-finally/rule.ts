import { defineRule } from "../../analysis/analyzer.ts";
import { joinedAcquires } from "../../passes/joined-acquires.ts";
import { leaks } from "../../passes/leaks.ts";

export const lockReleaseNotInFinally = defineRule({
  id: "lock-release-not-in-finally",
  title: "An error between acquire and release leaves the lock held",
  severity: "warning",
  about: "holds",
  requires: [leaks, joinedAcquires],
  run(pass) {
    for (const leak of pass.resultOf(leaks)) {
      if (leak.of !== "lock" || leak.how !== "exception") continue;
      pass.report({
        at: leak.at,
        message: `'${leak.resource}' stays held${leak.expires ? " until it expires" : ""} when ${leak.leaves}: the release is not in a finally block.`,
        ...(leak.expires ? { severity: "information" } : {}),
        trace: leak.trace,
        fixes: leak.fixes,
      });
    }
    for (const { of, at, trace } of pass.resultOf(joinedAcquires)) {
      if (of !== "lock") continue;
      pass.report({
        at,
        message:
          "When one of these locks is not granted, those that are stay held: nobody has what releases them.",
        trace,
      });
    }
  },
});
