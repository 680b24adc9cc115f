import { defineRule } from "../../analysis/analyzer.ts";
import { exposedTasks } from "../../passes/exposed-tasks.ts";
import { consequences } from "../../passes/task-lives.ts";

export const unhandledWhileAwaiting = defineRule({
  id: "unhandled-while-awaiting",
  title: "A started promise has no handler while something else is awaited",
  severity: "warning",
  requires: [exposedTasks],
  run(pass) {
    for (const { task, waitsFor, trace, fixes } of pass.resultOf(exposedTasks)) {
      const nobody = task.many
        ? `Nothing listens to the promises in '${task.name}'`
        : `Nothing listens to '${task.name}'`;
      const failure = task.many ? "the failure of one" : "its failure";
      pass.report({
        at: task.at,
        whole: task.call,
        message: `${nobody} while '${waitsFor}' is awaited, so ${failure} ${consequences[task.whoSees]}.`,
        trace,
        ...(task.endsProcess ? {} : { severity: "information" }),
        fixes,
      });
    }
  },
});
