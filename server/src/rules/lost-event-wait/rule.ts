import { defineRule } from "../../analysis/analyzer.ts";
import { lostEvents } from "../../passes/lost-events.ts";

export const lostEventWait = defineRule({
  id: "lost-event-wait",
  title: "Waits for an event that may have been emitted before",
  severity: "warning",
  requires: [lostEvents],
  run(pass) {
    for (const { event, emitter, awaited, at, whole, trace, fixes } of pass.resultOf(lostEvents)) {
      pass.report({
        at,
        whole,
        message: `'${emitter}' may emit '${event}' while '${awaited}' is awaited, and then this wait never ends.`,
        trace,
        fixes,
      });
    }
  },
});
