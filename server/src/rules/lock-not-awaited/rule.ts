import { defineRule } from "../../analysis/analyzer.ts";
import { unawaitedLocks } from "../../passes/unawaited-locks.ts";

export const lockNotAwaited = defineRule({
  id: "lock-not-awaited",
  title: "A lock is asked for, and nothing waits until it is there",
  severity: "error",
  about: "holds",
  requires: [unawaitedLocks],
  run(pass) {
    for (const lock of pass.resultOf(unawaitedLocks)) {
      const then = lock.isReleased
        ? "so what follows runs without it, and the release is of somebody else's hold"
        : "so what follows runs without it, and nobody can release it";
      pass.report({
        at: lock.at,
        message: `Nothing waits for '${lock.resource}', ${then}.`,
        trace: lock.trace,
        fixes: lock.fixes,
      });
    }
  },
});
