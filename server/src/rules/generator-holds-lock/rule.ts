import { defineRule } from "../../analysis/analyzer.ts";
import { pausesUnderLock } from "../../passes/pauses-under-lock.ts";

export const generatorHoldsLock = defineRule({
  id: "generator-holds-lock",
  title: "A generator pauses while it holds a lock, and releases it only if somebody goes on",
  severity: "warning",
  requires: [pausesUnderLock],
  run(pass) {
    for (const { resource, generator, at, trace, fixes } of pass.resultOf(pausesUnderLock)) {
      pass.report({
        at,
        message: `'${resource}' stays held when a loop over '${generator}' ends early: the release is not in a finally block.`,
        trace,
        fixes,
      });
    }
  },
});
