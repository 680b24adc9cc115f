import { defineRule } from "../../analysis/analyzer.ts";
import { doneCallbacks } from "../../passes/done-callbacks.ts";

export const lockCallbackArity = defineRule({
  id: "lock-callback-arity",
  title: "A callback declares the function that ends its lock or task and does not call it",
  severity: "error",
  about: "holds",
  requires: [doneCallbacks],
  run(pass) {
    for (const one of pass.resultOf(doneCallbacks)) {
      const { resource, parameter, at, when, trace, fixes } = one;
      const how = when === "never" ? "never calls it" : "has a path that does not call it";
      const held = one.isTask ? `its slot of '${resource}' stays taken` : `'${resource}' stays held`;
      const why = one.mayReturn ? ": with a parameter, its promise does not count" : "";
      pass.report({
        at,
        severity: when === "never" ? "error" : "warning",
        message: `This callback declares '${parameter}' and ${how}, so ${held}${why}.`,
        trace,
        fixes,
      });
    }
  },
});
