import { defineRule } from "../../analysis/analyzer.ts";
import { perCallLimiters } from "../../passes/per-call-limiters.ts";

export const limiterPerCall = defineRule({
  id: "limiter-per-call",
  title: "A limiter is made by every call, and so limits nothing",
  severity: "warning",
  requires: [perCallLimiters],
  run(pass) {
    for (const one of pass.resultOf(perCallLimiters)) {
      pass.report({
        at: one.at,
        message: `Every call of ${one.function} makes its own '${one.limiter}' and gives it one task, so tasks of different calls are not limited.`,
        trace: one.trace,
        fixes: one.fixes,
      });
    }
  },
});
