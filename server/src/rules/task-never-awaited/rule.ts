import { defineRule } from "../../analysis/analyzer.ts";
import type { FixPlan } from "../../analysis/fix-plan.ts";
import { appendCatch, insertAwait } from "../../analysis/fixes.ts";
import { awaitAll } from "../../analysis/task-fixes.ts";
import { consequences, type KeptTask, taskLives } from "../../passes/task-lives.ts";

export const taskNeverAwaited = defineRule({
  id: "task-never-awaited",
  title: "A promise is kept in a variable and nothing ever waits for it",
  severity: "warning",
  requires: [taskLives],
  run(pass) {
    for (const task of pass.resultOf(taskLives)) {
      const { name, callee, at, call, evaluation, failure, variable } = task;
      // A name that begins with an underscore says that it is not meant to be used.
      if (!task.neverLookedAt || !variable || name.startsWith("_")) continue;
      const isPlain = variable.type === undefined && variable.assignments === 0;
      const canAwait = evaluation.facts.async && (evaluation.facts.kind !== "module" || pass.facts.module);
      pass.report({
        at,
        whole: call,
        message: task.many
          ? `Nothing ever waits for the promises in '${name}', so the failure of one ${consequences[task.whoSees]}.`
          : `Nothing ever waits for '${name}', the promise of '${callee}', so its failure ${consequences[task.whoSees]}.`,
        trace: [
          task.many
            ? { at, what: `'${callee}' starts the promises in '${name}' here, and no path looks at them` }
            : { at, what: `'${callee}' is started here, and no path looks at its promise` },
          ...failure.steps,
        ],
        ...(task.endsProcess ? {} : { severity: "information" }),
        fixes: isPlain ? fixesOf(task, canAwait) : [],
      });
    }
  },
});

function fixesOf(task: KeptTask, canAwait: boolean): readonly FixPlan[] {
  const { many, list, call, callee, isTested, isScriptLanguage } = task;
  if (many) return list && canAwait ? [awaitAll(list)] : [];
  if (isTested) return [];
  return [
    ...(canAwait ? [insertAwait(call, `Await '${callee}'`, true)] : []),
    appendCatch(call, `Handle the failure of '${callee}'`, {
      preferred: !canAwait,
      typed: !isScriptLanguage,
    }),
  ];
}
