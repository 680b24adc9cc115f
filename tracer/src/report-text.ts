import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { TaskId } from "@unknot/protocol/task.ts";
import { verdicts } from "@unknot/protocol/verdict.ts";

/** So many tasks are printed; the message has the number of all. */
const mostPrinted = 20;

/** A deadlock for standard error, in Go's manner: what happened, then the tasks. */
export function deadlockText(problem: Problem, dump: Dump): string {
  return `\nunknot: ${verdicts.deadlock}\n\n${tasksText({ ...dump, problems: [problem] }, new Set(problem.tasks))}`;
}

/** What a program leaves behind that ran out of work; empty when that is nothing to speak of. */
export function exitText(dump: Dump): string {
  const problems = dump.problems.filter((problem) => problem.verdict === "exit-pending" || isCause(problem));
  if (problems.length === 0) return "";
  const tasks = new Set(problems.flatMap((problem) => problem.tasks));
  return `\nunknot: ${verdicts["exit-pending"]}\n\n${tasksText({ ...dump, problems }, tasks)}`;
}

function isCause({ verdict, certainty }: Problem): boolean {
  return (verdict === "deadlock" || verdict === "owner-gone") && certainty === "proved";
}

function tasksText(dump: Dump, chosen: ReadonlySet<TaskId>): string {
  const tasks = dump.tasks.filter((task) => chosen.has(task.id));
  const shown = { ...dump, tasks: tasks.slice(0, mostPrinted) };
  const text = [...writeTaskdump(shown, { mode: "grouped" })].join("");
  // The head of a file and its lists of resources are no news on a terminal.
  const body = text.slice(text.indexOf("\n\n") + 2).split(/^(?:resource |# end)/m, 1)[0] ?? "";
  const more = tasks.length - shown.tasks.length;
  return `${body.trimEnd()}\n${more > 0 ? `\n… and ${more} more tasks\n` : ""}`;
}
