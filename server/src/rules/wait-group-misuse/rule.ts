import { defineRule } from "../../analysis/analyzer.ts";
import { type GroupMisuse, waitGroups } from "../../passes/wait-groups.ts";

export const waitGroupMisuse = defineRule({
  id: "wait-group-misuse",
  title: "A wait group counts wrong",
  severity: "error",
  about: "channels",
  requires: [waitGroups],
  run(pass) {
    for (const one of pass.resultOf(waitGroups)) {
      pass.report({
        at: one.at,
        ...(one.isCertain ? {} : { severity: "warning" as const }),
        message: messageOf(one),
        trace: one.trace,
      });
    }
  },
});

function messageOf({ group, what }: GroupMisuse): string {
  switch (what) {
    case "counted too late":
      return `'${group}' counts this task only after it has waited, so who waits for '${group}' may not wait for it.`;
    case "not counted down":
      return `The task can end here without '${group}.done()', and then who waits for '${group}' waits for ever.`;
    case "counted down twice":
      return `The task counts '${group}' down a second time: another one is taken for done, or the count falls below zero.`;
  }
}
