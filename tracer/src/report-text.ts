import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import { verdicts } from "@unknot/protocol/verdict.ts";

/** So many problems and groups of tasks are printed. */
const mostBlocks = 40;

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
  // A problem names some of very many tasks: those that wait at the same place belong to it as well.
  const placeOf = (task: Task) => `${task.state} ${task.at} ${task.entry}`;
  const places = new Set(dump.tasks.flatMap((task) => (chosen.has(task.id) ? placeOf(task) : [])));
  const tasks = dump.tasks.filter((task) => places.has(placeOf(task)));
  const text = [...writeTaskdump({ ...dump, tasks }, { mode: "grouped" })].join("");
  // The head of a file and its lists of resources are no news on a terminal.
  const body = text.slice(text.indexOf("\n\n") + 2).split(/^(?:resource |# end)/m, 1)[0] ?? "";
  const blocks = body.trimEnd().split("\n\n");
  const more = blocks.length - mostBlocks;
  const tail = more > 0 ? `\n\n… and ${more} more` : "";
  return `${blocks.slice(0, mostBlocks).join("\n\n")}${tail}\n`;
}
