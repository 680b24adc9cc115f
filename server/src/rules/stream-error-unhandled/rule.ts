import { defineRule } from "../../analysis/analyzer.ts";
import { namesOf, streams } from "../../passes/streams.ts";

export const streamErrorUnhandled = defineRule({
  id: "stream-error-unhandled",
  title: "A stream is piped or waited for, and nobody listens for its errors",
  severity: "warning",
  requires: [streams],
  run(pass) {
    for (const { streams: unheard, awaited, trace, fixes } of pass.resultOf(streams)) {
      const [first] = unheard;
      if (!first) continue;
      const subject = unheard.length === 1 ? "it" : "one of them";
      const then = awaited ? `, and '${awaited.event}' of '${awaited.of}' never comes` : "";
      pass.report({
        at: first.at,
        message: `Nobody listens for errors of ${namesOf(unheard)}: when ${subject} fails, the error is uncaught${then}.`,
        trace,
        fixes,
      });
    }
  },
});
