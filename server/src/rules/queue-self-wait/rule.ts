import { defineRule } from "../../analysis/analyzer.ts";
import { selfWaits } from "../../passes/self-waits.ts";

export const queueSelfWait = defineRule({
  id: "queue-self-wait",
  title: "A task waits for the queue that it runs in",
  severity: "error",
  about: "holds",
  requires: [selfWaits],
  run(pass) {
    for (const wait of pass.resultOf(selfWaits)) {
      const { held, op } = wait;
      const { capacity } = held;
      const idle = op === "waitIdle";
      // Without a limit a nested task always finds a slot.
      if (!idle && capacity === Number.POSITIVE_INFINITY) continue;
      const certain = !wait.ambiguous && (idle || capacity === 1);
      const why = idle
        ? "to be idle, which it is not before this task has ended"
        : capacity === 1
          ? ", whose only slot this task holds"
          : `, whose ${capacity === undefined ? "slots" : `${capacity} slots`} may all be held by tasks like this one`;
      pass.report({
        at: wait.from,
        severity: certain ? "error" : "warning",
        message: `A task of '${held.text}' waits here for ${idle ? `'${held.text}' ` : `another task of '${held.text}'`}${why}.`,
        trace: wait.trace,
        fixes: wait.fixes,
      });
    }
  },
});
