import { defineRule } from "../../analysis/analyzer.ts";
import { callbacksUnderLock } from "../../passes/callbacks-under-lock.ts";

export const callbackUnderLock = defineRule({
  id: "callback-under-lock",
  title: "A callback of the caller is awaited while a lock is held",
  severity: "information",
  requires: [callbacksUnderLock],
  run(pass) {
    for (const { lock, callback, entry, at, trace } of pass.resultOf(callbacksUnderLock)) {
      pass.report({
        at,
        message: `'${callback}' is waited for while '${lock}' is held: if it waits for '${entry}', neither goes on.`,
        trace,
      });
    }
  },
});
