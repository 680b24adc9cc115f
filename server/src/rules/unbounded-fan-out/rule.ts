import { defineRule } from "../../analysis/analyzer.ts";
import { type FanOut, fanOuts } from "../../passes/fan-outs.ts";

const costs: Readonly<Record<FanOut["remote"], string>> = {
  network: "a request",
  database: "a query",
  process: "a process",
};

export const unboundedFanOut = defineRule({
  id: "unbounded-fan-out",
  title: "As many requests at once as a list has elements",
  severity: "warning",
  requires: [fanOuts],
  run(pass) {
    for (const { list, remote, isFromRequest, at, call, trace, fixes } of pass.resultOf(fanOuts)) {
      const whose = isFromRequest ? "whoever sends it decides how many" : "its caller decides how many";
      pass.report({
        at,
        whole: call,
        severity: isFromRequest ? "warning" : "information",
        message: `Every element of '${list}' starts ${costs[remote]} at once, and ${whose} that are.`,
        trace,
        fixes,
      });
    }
  },
});
