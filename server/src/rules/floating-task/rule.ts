import { defineRule } from "../../analysis/analyzer.ts";
import { appendCatch, insertAwait } from "../../analysis/fixes.ts";
import { obligations } from "../../passes/obligations.ts";

export const floatingTask = defineRule({
  id: "floating-task",
  title: "A task is started and nothing waits for it",
  severity: "warning",
  requires: [obligations],
  run(pass) {
    for (const task of pass.resultOf(obligations).droppedTasks) {
      pass.report({
        at: task.at,
        message: `Nothing waits for '${task.callee}', so its failure ends the process.`,
        trace: [
          { at: task.at, what: `'${task.callee}' is started here and its promise is dropped` },
          ...(task.target
            ? [{ at: task.target, what: "this runs on, and what it throws reaches nobody" }]
            : []),
        ],
        // A program that fails at its top ends with the error shown, awaited or not.
        ...(task.atTopLevel ? { severity: "information" } : {}),
        fixes: [
          ...(task.canAwait ? [insertAwait(task.call, `Await '${task.callee}'`, true)] : []),
          appendCatch(task.call, `Handle the failure of '${task.callee}'`, {
            preferred: !task.canAwait,
            typed: !task.isScriptLanguage,
          }),
        ],
      });
    }
  },
});
