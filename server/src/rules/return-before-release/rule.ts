import { defineRule } from "../../analysis/analyzer.ts";
import { hasCleanups, returnsBeforeEnd } from "../../passes/returns-before-end.ts";
import { returnsBeforeRelease } from "../../passes/returns-before-release.ts";

export const returnBeforeRelease = defineRule({
  id: "return-before-release",
  title: "A promise is returned before it settles, and what it uses given back or ended",
  severity: "error",
  about: hasCleanups,
  requires: [returnsBeforeRelease, returnsBeforeEnd],
  run(pass) {
    const known = new Set(pass.resultOf(returnsBeforeRelease).map(({ at }) => at.start));
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
    for (const found of pass.resultOf(returnsBeforeEnd)) {
      const { task, resource, by, isGuess, mayBeOver, at, trace, fixes } = found;
      if (known.has(at.start)) continue;
      const ends = by === undefined ? `'${resource}' is disposed of` : `'${by}' ends '${resource}'`;
      pass.report({
        at,
        ...(isGuess || mayBeOver ? { severity: "warning" } : {}),
        message: mayBeOver
          ? `'${task}' may still use '${resource}' when ${ends}: if it gives a promise, that is returned without 'await'.`
          : `'${task}' still uses '${resource}' when ${ends}: its promise is returned without 'await'.`,
        trace,
        fixes,
      });
    }
  },
});
