import { defineRule } from "../../analysis/analyzer.ts";
import { type OverRelease, overReleases } from "../../passes/over-releases.ts";

export const lockOverRelease = defineRule({
  id: "lock-over-release",
  title: "A lock is released more often than it is acquired",
  severity: "warning",
  about: "holds",
  requires: [overReleases],
  run(pass) {
    for (const { what, resource, at, outcome, trace, fixes } of pass.resultOf(overReleases)) {
      const mistake =
        what === "twice"
          ? "is released a second time for one acquire"
          : "is released here even when the acquire above has given up";
      pass.report({
        at,
        message: `'${resource}' ${mistake}, ${consequence(outcome)}.`,
        trace,
        fixes,
      });
    }
  },
});

function consequence(outcome: OverRelease["outcome"]): string {
  switch (outcome) {
    case "grows":
      return "so from then on it lets in one more than it should";
    case "losesWaiter":
      return "and a task that waits for it is forgotten";
    case "throw":
    case "reject":
      return "which throws";
    default:
      return "which ends the hold of whoever has it by then";
  }
}
