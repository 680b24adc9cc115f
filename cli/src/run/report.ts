import { lookupOf, placeOf, whereIs } from "@unknot/dump/names.ts";
import { hasEnded } from "@unknot/dump/wait-for-graph.ts";
import type { Coverage, Dump } from "@unknot/protocol/dump.ts";
import { formatPlace } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { RunReport } from "@unknot/protocol/report.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { isSure, type Verdict, verdicts } from "@unknot/protocol/verdict.ts";
import { printable } from "../terminal.ts";

/** The last dump of one thread, and how many tasks it had started by then. */
export interface LastState {
  readonly dump: Dump;
  readonly started: number;
}

/**
 * What `unknot run --report` writes: the problems of all threads of all processes, those of the first one first.
 * `isMuted` tells those that are only counted.
 */
export function reportOf(
  states: readonly LastState[],
  isMuted: (problem: Problem) => boolean = () => false,
): RunReport {
  const threads = inOrder(states);
  const dumps = threads.map((state) => state.dump);
  const muted = dumps.flatMap((dump) => dump.problems.filter(isMuted)).length;
  return {
    version: 1,
    problems: dumps.flatMap((dump) =>
      problemsOf(
        dump,
        dump.problems.filter((problem) => !isMuted(problem)),
        dumps.length > 1,
      ),
    ),
    ...(muted === 0 ? {} : { muted }),
    tasks: {
      started: threads.reduce((sum, state) => sum + state.started, 0),
      pending: dumps.reduce((sum, dump) => sum + dump.tasks.filter(isPending).length, 0),
    },
    processes: threads.map(({ dump, started }) => ({
      pid: dump.process.pid,
      ...(dump.process.parentPid === undefined ? {} : { parentPid: dump.process.parentPid }),
      threadId: dump.process.threadId,
      title: dump.process.title,
      started,
      pending: dump.tasks.filter(isPending).length,
    })),
    coverage: dumps.length === 0 ? nothingSeen : mergedCoverage(dumps.map((dump) => dump.coverage)),
  };
}

/** What the tracer does not print, because it keeps nobody waiting when the program ends. */
const seenOnly: ReadonlySet<Verdict> = new Set([
  "loop-blocked",
  "lost-update",
  "not-awaited",
  "over-release",
]);
const mostSeen = 20;

/** What was seen while the program ran, for standard error: each with its places. Empty when there was nothing. */
export function seenText({ problems }: RunReport): string {
  const seen = problems.filter((problem) => isSure(problem) && seenOnly.has(problem.verdict));
  const blocks = seen.slice(0, mostSeen).map(({ verdict, message, at }) => {
    const places = at.map((place) => `\t${printable(formatPlace(place))}\n`);
    return `\nunknot: ${verdicts[verdict]}\n\n${printable(message)}\n${places.join("")}`;
  });
  const more = seen.length - blocks.length;
  return `${blocks.join("")}${more > 0 ? `\n… and ${more} more\n` : ""}`;
}

/**
 * What is known of a run at its end: what its threads left themselves, and, of processes that were killed, what they
 * said last.
 */
export function statesAtEnd(last: readonly LastState[], before: readonly LastState[]): readonly LastState[] {
  const left = new Set(last.map(threadOf));
  // A process whose main thread said goodbye has ended its other threads.
  const ended = new Set(
    last.filter(({ dump }) => dump.process.threadId === 0).map(({ dump }) => dump.process.pid),
  );
  return [
    ...last,
    ...before.filter((state) => !ended.has(state.dump.process.pid) && !left.has(threadOf(state))),
  ];
}

/** Remembers what was seen during a run and is over at its end. */
export interface PastProblems {
  see(states: readonly LastState[]): void;
  /** The last states of the run's threads, with what was seen of them before. */
  addTo(states: readonly LastState[]): readonly LastState[];
}

/**
 * A loop that was blocked turns again when the report is written. What a thread leaves at its end has that, too; a
 * program that was killed leaves nothing.
 */
export function createPastProblems(): PastProblems {
  const threads = new Map<string, Map<string, Problem>>();
  const placeOf = ({ at: [at], message }: Problem) => (at === undefined ? message : formatPlace(at));
  return {
    see(states) {
      for (const state of states) {
        for (const problem of state.dump.problems.filter(isBlock)) {
          const seen = threads.get(threadOf(state)) ?? new Map<string, Problem>();
          threads.set(threadOf(state), seen);
          // Of one that goes on, the last one has seen it longest.
          seen.set(placeOf(problem), problem);
        }
      }
    },
    addTo: (states) =>
      states.map((state) => {
        const { problems } = state.dump;
        if (problems.some(isBlock)) return state;
        const past = threads.get(threadOf(state))?.values() ?? [];
        return { ...state, dump: { ...state.dump, problems: [...problems, ...past] } };
      }),
  };
}

function isBlock({ verdict }: Problem): boolean {
  return verdict === "loop-blocked";
}

function threadOf({ dump: { process } }: LastState): string {
  return `${process.pid}-${process.threadId}`;
}

/** A process after the one that started it; the threads of one together, its main thread first. */
function inOrder(states: readonly LastState[]): readonly LastState[] {
  const startedAt = ({ dump: { capturedAt, process } }: LastState) => capturedAt - process.upMs;
  const mains = new Map<number, number>();
  for (const state of states) {
    const { pid } = state.dump.process;
    mains.set(pid, Math.min(mains.get(pid) ?? Number.POSITIVE_INFINITY, startedAt(state)));
  }
  const first = ({ dump }: LastState) => mains.get(dump.process.pid) ?? 0;
  return [...states].sort(
    (a, b) =>
      first(a) - first(b) ||
      a.dump.process.pid - b.dump.process.pid ||
      a.dump.process.threadId - b.dump.process.threadId,
  );
}

/** True when something was found that is no guess. */
export function hasSureProblem({ problems }: RunReport): boolean {
  return problems.some(isSure);
}

/** Started and not ended: a job that waits for its turn has not started. */
function isPending(task: Task): boolean {
  return !hasEnded(task) && task.state !== "queued";
}

function problemsOf(dump: Dump, problems: readonly Problem[], amongOthers: boolean): RunReport["problems"] {
  const { taskById } = lookupOf(dump);
  const { pid, threadId } = dump.process;
  return problems.map(({ id, verdict, certainty, message, tasks, at }) => ({
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
    ...(amongOthers ? { process: { pid, threadId } } : {}),
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
