import { detect } from "@unknot/dump/detectors/detect.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { TaskId } from "@unknot/protocol/task.ts";
import {
  firstRow,
  headNextRow,
  rowEpoch,
  rowSeqHigh,
  rowSeqLow,
  rowState,
  rowWords,
  segmentMask,
  segmentShift,
  stateFree,
} from "../layout.ts";
import type { Tables } from "../tables.ts";
import { mayBeDeadlocked } from "./suspicion.ts";

/** Looks for deadlocks while the program runs. */
export interface DeadlockWatch {
  /** Called every tick: whether tasks did anything since the last one, and whether operations wait. */
  look(active: boolean, waiting: boolean): void;
  /** Something became known that an earlier look may have lacked. */
  lookAgain(): void;
  /** True while a suspicion waits to be confirmed. */
  isBusy(): boolean;
}

export interface DeadlockWatchOptions {
  readonly tables: Tables;
  readonly now: () => number;
  readonly take: () => Dump;
  /** Called once for each proved deadlock. */
  readonly found: (problem: Problem, dump: Dump) => void;
}

/** One in so many milliseconds of the worker may go into looking. */
const share = 20;
/** A suspicion that was not confirmed is looked at so often before it is dropped: rows may have been torn. */
const mostDoubts = 4;

/**
 * A deadlock is announced when two looks, some milliseconds apart, find the same tasks in the same waits: then all of
 * its edges were there at one moment between, so no torn row and no wait that just ended can make one up.
 */
export function createDeadlockWatch({ tables, now, take, found }: DeadlockWatchOptions): DeadlockWatch {
  const announced = new Set<string>();
  let suspects = new Map<string, string>();
  let notBefore = 0;
  let due = false;
  let doubts = 0;

  const look = (): void => {
    const started = now();
    if (suspects.size > 0 || mayBeDeadlocked(tables)) {
      examine();
      if (suspects.size === 0 && ++doubts < mostDoubts) due = true;
    }
    const ended = now();
    notBefore = ended + (ended - started) * (suspects.size > 0 ? 1 : share);
  };

  const examine = (): void => {
    const dump = take();
    const problems = detect(dump);
    const proved = problems.filter((each) => each.verdict === "deadlock" && each.certainty === "proved");
    const next = new Map<string, string>();
    for (const problem of proved) {
      const key = problem.tasks.join();
      if (announced.has(key)) continue;
      const epochs = epochsOf(tables, problem.tasks);
      if (suspects.get(key) === epochs) {
        announced.add(key);
        found(problem, { ...dump, problems });
      } else next.set(key, epochs);
    }
    suspects = next;
  };

  return {
    isBusy: () => suspects.size > 0 || due,
    lookAgain() {
      due = true;
      doubts = 0;
    },
    look(active, waiting) {
      // A ring of awaits has no operation in it; it is looked for less often.
      due ||= active;
      if (active) doubts = 0;
      if (suspects.size === 0 && !due) return;
      if (now() < notBefore) return;
      due = false;
      look();
      if (!waiting) notBefore = Math.max(notBefore, now() + 100);
    },
  };
}

/** How often each of these tasks has begun to wait: the same text later means that none has moved. */
function epochsOf(tables: Tables, tasks: readonly TaskId[]): string {
  const wanted = new Set<number>(tasks);
  const epochs = new Map<number, number>();
  const end = tables.header[headNextRow] as number;
  for (let row = firstRow; row < end && epochs.size < wanted.size; row++) {
    const words = tables.rows[row >>> segmentShift];
    const base = (row & segmentMask) * rowWords;
    if (words === undefined || words[base + rowState] === stateFree) continue;
    const id = (words[base + rowSeqHigh] as number) * 2 ** 32 + ((words[base + rowSeqLow] as number) >>> 0);
    if (wanted.has(id)) epochs.set(id, words[base + rowEpoch] as number);
  }
  return tasks.map((id) => `${id}:${epochs.get(id)}`).join();
}
