import { defineRule } from "../../analysis/analyzer.ts";
import { keptLosers } from "../../passes/kept-losers.ts";

export const raceLoserRetained = defineRule({
  id: "race-loser-retained",
  title: "A promise that outlives a loop takes part in every race of it",
  severity: "warning",
  requires: [keptLosers],
  run(pass) {
    for (const { promise, race, at, made, isPoll } of pass.resultOf(keptLosers)) {
      pass.report({
        at,
        ...(isPoll ? { severity: "hint" as const } : {}),
        message: `Every turn of this loop attaches '${race}' to '${promise}' anew, which keeps it, and the values of all turns, until '${promise}' settles.`,
        trace: [
          ...(made ? [{ at: made, what: `'${promise}' is from outside of the loop` }] : []),
          { at, what: "each turn races with it" },
        ],
      });
    }
  },
});
