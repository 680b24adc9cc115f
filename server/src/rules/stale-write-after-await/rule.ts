import { defineRule } from "../../analysis/analyzer.ts";
import { staleWrites } from "../../passes/stale-writes.ts";

export const staleWriteAfterAwait = defineRule({
  id: "stale-write-after-await",
  title: "What is stored was computed from what was there before an await",
  severity: "warning",
  alsoKnownAs: ["require-atomic-updates"],
  requires: [staleWrites],
  run(pass) {
    for (const { place, runs, write, overlap, trace, fixes } of pass.resultOf(staleWrites)) {
      pass.report({
        at: write,
        message: `'${place}' is set to what follows from its value before an await, so what other ${runs} have stored meanwhile is lost.`,
        ...(overlap === undefined ? { severity: "information" } : {}),
        trace,
        fixes,
      });
    }
  },
});
