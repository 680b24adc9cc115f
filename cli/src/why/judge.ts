import type { Dump } from "@unknot/protocol/dump.ts";

/** How a command that was asked "why" stands. */
export type Standing =
  /** It works, or nobody can tell. */
  | { readonly is: "going" }
  /** All tests have run, and the process is still there. */
  | { readonly is: "over"; readonly dumps: readonly Dump[] }
  /** The process was ended by force after its tests, with things open. */
  | { readonly is: "cut"; readonly dumps: readonly Dump[] }
  /** The command failed, and tasks that its tests have started had not ended. */
  | { readonly is: "failed"; readonly dumps: readonly Dump[] }
  /** Nothing has happened for a while, and something may still. */
  | { readonly is: "quiet"; readonly quietMs: number; readonly dumps: readonly Dump[] };

export interface Patience {
  /** A runner that said that it is done may take so long to end its process. */
  readonly overMs: number;
  /** One that says nothing may rest so long between two tests. */
  readonly restingMs: number;
  /** A command in which nothing changes for so long is worth a word. */
  readonly quietMs: number;
}

/** What was seen at one time, and since when it looks like that. */
export interface Look {
  readonly signature: string;
  readonly sinceMs: number;
}

/** What the dumps of all threads say, taken at `nowMs`; `before` is what the look before gave. */
export function judge(
  dumps: readonly Dump[],
  nowMs: number,
  before: Look | undefined,
  patience: Patience,
): { readonly standing: Standing; readonly look: Look } {
  const signature = signatureOf(dumps);
  const look = before?.signature === signature ? before : { signature, sinceMs: nowMs };
  const unchangedMs = nowMs - look.sinceMs;
  const going = { standing: { is: "going" }, look } as const;
  if (dumps.length === 0 || dumps.some((dump) => dump.loop.state === "blocked")) return going;
  const runs = dumps.filter((dump) => dump.testRun !== undefined);
  const isOver = runs.every(({ testRun }) => {
    if (testRun === undefined || testRun.state === "running") return false;
    return testRun.state === "ended"
      ? testRun.sinceMs >= patience.overMs
      : Math.min(testRun.sinceMs, unchangedMs) >= patience.restingMs;
  });
  if (runs.length > 0 && isOver) return { standing: { is: "over", dumps: runs }, look };
  if (unchangedMs < patience.quietMs) return going;
  return { standing: { is: "quiet", quietMs: unchangedMs, dumps }, look };
}

/** The same as long as no task starts, moves or ends, nothing is opened or closed, and no test begins. */
function signatureOf(dumps: readonly Dump[]): string {
  const parts = dumps.map(({ process, tasks, handles, testRun }) => [
    process.pid,
    process.threadId,
    tasks.map((task) => [task.id, task.state, task.at]),
    handles?.map(({ ageMs: _, ...handle }) => handle),
    testRun?.state,
    testRun?.tests,
  ]);
  return JSON.stringify(parts.sort());
}
