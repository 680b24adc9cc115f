import { defineRule } from "../../analysis/analyzer.ts";
import { type WorkerCallback, workerCallbacks } from "../../passes/worker-callbacks.ts";

export const workerCallbackMissed = defineRule({
  id: "worker-callback-missed",
  title: "A worker of a queue does not say that it is done, or says it twice",
  severity: "warning",
  requires: [workerCallbacks],
  run(pass) {
    for (const one of pass.resultOf(workerCallbacks)) {
      pass.report({ at: one.at, message: messageOf(one), trace: one.trace, fixes: one.fixes });
    }
  },
});

function messageOf({ how, done, queue }: WorkerCallback): string {
  if (done === undefined)
    return `The worker of '${queue}' does not take the callback that says it is done, so its first task never ends.`;
  return how === "missed"
    ? `The worker can end here without a call of '${done}', so the task never ends and its slot of '${queue}' stays taken.`
    : `'${done}' is called a second time for one task, so '${queue}' counts a task as done that is still running.`;
}
