import { defineRule } from "../../analysis/analyzer.ts";
import { returnsBeforeRelease } from "../../passes/returns-before-release.ts";

export const returnBeforeRelease = defineRule({
  id: "return-before-release",
  title: "A promise is returned before it settles, and its lock or client given back",
  severity: "error",
  about: "holds",
  requires: [returnsBeforeRelease],
  run(pass) {
    for (const { of, resource, task, at, trace, fixes } of pass.resultOf(returnsBeforeRelease)) {
      const ends = of === "lock" ? `'${resource}' is released` : `its client is given back to '${resource}'`;
      pass.report({
        at,
        message: `'${task}' still runs when ${ends}: its promise is returned without 'await'.`,
        trace,
        fixes,
      });
    }
  },
});
