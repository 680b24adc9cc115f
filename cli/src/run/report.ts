import { lookupOf, placeOf, whereIs } from "@unknot/dump/names.ts";
import { hasEnded } from "@unknot/dump/wait-for-graph.ts";
import type { Coverage, Dump } from "@unknot/protocol/dump.ts";
import type { RunReport } from "@unknot/protocol/report.ts";
import type { Task } from "@unknot/protocol/task.ts";

/** The last dump of one thread, and how many tasks it had started by then. */
export interface LastState {
  readonly dump: Dump;
  readonly started: number;
}

/** What `unknot run --report` writes: the problems of all threads, the main one first. */
export function reportOf(states: readonly LastState[]): RunReport {
  const threads = [...states].sort((a, b) => a.dump.process.threadId - b.dump.process.threadId);
  const dumps = threads.map((state) => state.dump);
  return {
    version: 1,
    problems: dumps.flatMap(problemsOf),
    tasks: {
      started: threads.reduce((sum, state) => sum + state.started, 0),
      pending: dumps.reduce((sum, dump) => sum + dump.tasks.filter(isPending).length, 0),
    },
    coverage: dumps.length === 0 ? nothingSeen : mergedCoverage(dumps.map((dump) => dump.coverage)),
  };
}

/** True when something was found that is no guess. */
export function hasSureProblem({ problems }: RunReport): boolean {
  return problems.some(({ certainty }) => certainty === "proved" || certainty === "observed");
}

/** Started and not ended: a job that waits for its turn has not started. */
function isPending(task: Task): boolean {
  return !hasEnded(task) && task.state !== "queued";
}

function problemsOf(dump: Dump): RunReport["problems"] {
  const { taskById } = lookupOf(dump);
  return dump.problems.map(({ id, verdict, certainty, message, tasks, at }) => ({
    id,
    verdict,
    certainty,
    message,
    tasks: tasks.flatMap((each) => {
      const task = taskById.get(each);
      if (task === undefined) return [];
      const site = whereIs(dump, task);
      return {
        id: task.id,
        name: task.name,
        state: task.state,
        ...(site === undefined ? {} : { at: placeOf(site) }),
      };
    }),
    at,
  }));
}

/** A report without problems must not look like a program without problems. */
const nothingSeen: Coverage = {
  instrumented: [],
  transformed: 0,
  untouched: [],
  blind: ["everything: no dump came from the program"],
  dropped: 0,
};

function mergedCoverage(all: readonly Coverage[]): Coverage {
  const distinct = <T>(entries: readonly T[]) => [...new Set(entries)];
  return {
    instrumented: distinct(all.flatMap((each) => each.instrumented)),
    transformed: all.reduce((sum, each) => sum + each.transformed, 0),
    untouched: all.flatMap((each) => each.untouched),
    blind: distinct(all.flatMap((each) => each.blind)),
    dropped: all.reduce((sum, each) => sum + each.dropped, 0),
  };
}
