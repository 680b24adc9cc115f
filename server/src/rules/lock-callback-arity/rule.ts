import { defineRule } from "../../analysis/analyzer.ts";
import { doneCallbacks } from "../../passes/done-callbacks.ts";

export const lockCallbackArity = defineRule({
  id: "lock-callback-arity",
  title: "A callback declares the function that ends its lock and does not call it",
  severity: "error",
  about: "holds",
  requires: [doneCallbacks],
  run(pass) {
    for (const { resource, parameter, at, when, trace, fixes } of pass.resultOf(doneCallbacks)) {
      const how = when === "never" ? "never calls it" : "has a path that does not call it";
      pass.report({
        at,
        severity: when === "never" ? "error" : "warning",
        message: `This callback declares '${parameter}' and ${how}, so '${resource}' stays held: with a parameter, its promise does not count.`,
        trace,
        fixes,
      });
    }
  },
});
