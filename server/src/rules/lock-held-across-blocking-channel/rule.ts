import { defineRule } from "../../analysis/analyzer.ts";
import { waitsForOthers } from "../../passes/waits-for-others.ts";

export const lockHeldAcrossBlockingChannel = defineRule({
  id: "lock-held-across-blocking-channel",
  title: "A lock is held while waiting at a channel whose other end needs it",
  severity: "warning",
  requires: [waitsForOthers],
  run(pass) {
    for (const { of, lock, other, op, at, trace } of pass.resultOf(waitsForOthers)) {
      if (of !== "channel") continue;
      const [waits, end] =
        op === "send"
          ? ["until somebody receives from", "whoever receives"]
          : ["for a value of", "whoever sends"];
      pass.report({
        at,
        message: `'${lock}' is held while this waits ${waits} '${other}', and ${end} needs it first: neither goes on.`,
        trace,
      });
    }
  },
});
