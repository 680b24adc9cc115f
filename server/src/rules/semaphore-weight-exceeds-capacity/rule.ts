import { defineRule } from "../../analysis/analyzer.ts";
import { impossibleWeights } from "../../passes/impossible-weights.ts";

export const semaphoreWeightExceedsCapacity = defineRule({
  id: "semaphore-weight-exceeds-capacity",
  title: "More permits are asked for than a semaphore has",
  severity: "error",
  about: "holds",
  requires: [impossibleWeights],
  run(pass) {
    for (const { resource, weight, capacity, at, trace } of pass.resultOf(impossibleWeights)) {
      const has = capacity === 1 ? "1 permit" : `${capacity} permits`;
      pass.report({
        at,
        message: `'${resource}' has ${has}, so a request for ${weight} at once is never granted.`,
        trace,
      });
    }
  },
});
