import { defineRule } from "../../analysis/analyzer.ts";
import type { FixPlan } from "../../analysis/fix-plan.ts";
import { appendCatch, insertAwait } from "../../analysis/fixes.ts";
import { type DroppedTask, droppedTasks } from "../../passes/dropped-tasks.ts";

const consequences: Readonly<Record<DroppedTask["whoSees"], string>> = {
  nobody: "so its failure ends the process",
  listener: "so only the listener of unhandled rejections hears of its failure",
  browser: "so its failure goes unnoticed",
};

export const floatingTask = defineRule({
  id: "floating-task",
  title: "A task is started and nothing waits for it",
  severity: "warning",
  alsoKnownAs: [
    "@typescript-eslint/no-floating-promises",
    "typescript/no-floating-promises",
    "noFloatingPromises",
  ],
  requires: [droppedTasks],
  run(pass) {
    for (const task of pass.resultOf(droppedTasks)) {
      if (task.voided) {
        pass.report({
          at: task.at,
          whole: task.call,
          message: `Nothing handles the failure of '${task.callee}', which ends the process: 'void' only says that nobody waits.`,
          trace: [{ at: task.at, what: `'${task.callee}' is started here` }, ...task.failure.steps],
          severity: "hint",
          fixes: [handleFailure(task)],
        });
        continue;
      }
      pass.report({
        at: task.at,
        whole: task.call,
        message: `Nothing waits for '${task.callee}', ${consequences[task.whoSees]}.`,
        trace: [
          { at: task.at, what: `'${task.callee}' is started here and its promise is dropped` },
          ...task.failure.steps,
        ],
        // A program that fails at its top ends with the error shown, awaited or not.
        ...(task.atTopLevel || task.whoSees !== "nobody" || !task.failure.shown
          ? { severity: "information" }
          : {}),
        fixes: [
          ...(task.canAwait ? [insertAwait(task.call, `Await '${task.callee}'`, true)] : []),
          handleFailure(task),
        ],
      });
    }
  },
});

function handleFailure({ call, callee, canAwait, voided, isScriptLanguage }: DroppedTask): FixPlan {
  return appendCatch(call, `Handle the failure of '${callee}'`, {
    preferred: voided || !canAwait,
    typed: !isScriptLanguage,
  });
}
