import { defineRule } from "../../analysis/analyzer.ts";
import { afterClose, type UseAfterClose } from "../../passes/after-close.ts";

export const sendAfterClose = defineRule({
  id: "send-after-close",
  title: "A channel is used after it was closed",
  severity: "error",
  about: "channels",
  requires: [afterClose],
  run(pass) {
    for (const use of pass.resultOf(afterClose)) {
      pass.report({
        at: use.at,
        ...(use.isRare ? { severity: "warning" as const } : {}),
        message: messageOf(use),
        trace: use.trace,
        fixes: use.fixes,
      });
    }
  },
});

function messageOf({ channel, what, outcome, sender }: UseAfterClose): string {
  if (sender !== undefined) {
    return `'${sender}' has more to send when '${channel}' is closed here; its next send fails.`;
  }
  const fails = outcome === "throw" || outcome === "reject";
  if (what === "close") {
    return `'${channel}' is closed already: closing it again ${outcome === "throw" ? "throws" : "fails"}.`;
  }
  return fails
    ? `'${channel}' is closed already: sending to it fails.`
    : `'${channel}' is closed already: what is sent here is lost.`;
}
