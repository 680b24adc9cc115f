import { defineRule } from "../../analysis/analyzer.ts";
import { escapedFailures, hasGuardedReturns } from "../../passes/escaped-failures.ts";

export const failureEscapesCatch = defineRule({
  id: "failure-escapes-catch",
  title: "A promise is returned out of a try whose catch would handle its failure",
  severity: "warning",
  alsoKnownAs: ["@typescript-eslint/return-await"],
  about: hasGuardedReturns,
  requires: [escapedFailures],
  run(pass) {
    for (const { task, others, byType, at, trace, fixes } of pass.resultOf(escapedFailures)) {
      pass.report({
        at,
        message: `When '${task}' fails, the 'catch' below does not hear of it: its promise is returned without 'await'.`,
        ...(others || byType ? { severity: "information" } : {}),
        trace,
        fixes,
      });
    }
  },
});
