import { defineRule } from "../../analysis/analyzer.ts";
import { returnsBeforeRelease } from "../../passes/returns-before-release.ts";

export const returnBeforeRelease = defineRule({
  id: "return-before-release",
  title: "A promise is returned before it settles, and its lock or client given back",
  severity: "error",
  about: "holds",
  requires: [returnsBeforeRelease],
  run(pass) {
    for (const found of pass.resultOf(returnsBeforeRelease)) {
      const { of, resource, task, mayBeOver, at, trace, fixes } = found;
      const ends = of === "lock" ? `'${resource}' is released` : `its client is given back to '${resource}'`;
      pass.report({
        at,
        ...(mayBeOver ? { severity: "warning" } : {}),
        message: mayBeOver
          ? `'${task}' may still run when ${ends}: if it gives a promise, that is returned without 'await'.`
          : `'${task}' still runs when ${ends}: its promise is returned without 'await'.`,
        trace,
        fixes,
      });
    }
  },
});
