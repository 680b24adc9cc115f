import { defineRule } from "../../analysis/analyzer.ts";
import { type UnawaitedLock, unawaitedLocks } from "../../passes/unawaited-locks.ts";

export const lockNotAwaited = defineRule({
  id: "lock-not-awaited",
  title: "A lock is asked for, and nothing waits until it is there",
  severity: "error",
  about: "holds",
  requires: [unawaitedLocks],
  run(pass) {
    for (const lock of pass.resultOf(unawaitedLocks)) {
      pass.report({
        at: lock.at,
        message: messageOf(lock),
        trace: lock.trace,
        fixes: lock.fixes,
      });
    }
  },
});

function messageOf({ resource, end }: UnawaitedLock): string {
  switch (end) {
    case "released":
      return `Nothing waits for '${resource}', so what follows runs without it, and the release is of somebody else's hold.`;
    case "left":
      return `Nothing waits for '${resource}', so what follows runs without it, and nobody can release it.`;
    case "waited for too late":
      return `'${resource}' is waited for only to be released, so what follows runs without it.`;
  }
}
