import type { LoopState } from "@unknot/protocol/dump.ts";

/** Whether the event loop of the traced thread turns, told by a count that grows while it does. */
export interface LoopWatch {
  /** Reads the count; the more often, the better it is known since when the loop stands. */
  sample(): void;
  /** The state now: waits for the next turn, and not longer than a loop needs that turns. */
  look(): Promise<LoopState>;
  /** For how long the loop stood when it was last sampled; 0 for one that turns. Milliseconds. */
  standsFor(): number;
}

export interface LoopWatchOptions {
  /** Milliseconds; never goes back. */
  readonly now: () => number;
  /** How often the loop has turned so far: grows by one in each `turnMs`, however often it really turns. */
  readonly turns: () => number;
  readonly turnMs: number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** A loop that is late by so much is blocked. */
const patienceMs = 100;
const lookAgainMs = 5;
/** A look ends, however little of the processor it gets. */
const mostLooks = 100;

export function createLoopWatch({ now, turns, turnMs, sleep }: LoopWatchOptions): LoopWatch {
  let seen = turns();
  let sampledAt = now();
  let turnedAt = sampledAt;
  let turningSince = sampledAt;
  let watchedSince = sampledAt;
  const sample = () => {
    const at = now();
    const count = turns();
    // Turns come a little late, one by one: 150 ms in 20 s are usual. And who could not look was not given the processor,
    // as the loop may not have been. So a stand is told only of a loop that has been watched for that long.
    if (at - sampledAt > patienceMs) watchedSince = at;
    if (count !== seen) {
      // After a long time without samples the count alone tells how much of it the loop has turned.
      const turned = (count - seen) * turnMs;
      if (at - turnedAt >= turned + patienceMs) turningSince = at - turned;
      turnedAt = Math.min(at, sampledAt + turned);
      seen = count;
    }
    sampledAt = at;
  };
  const isLate = () => now() - turnedAt >= turnMs + patienceMs;
  const stands = () => isLate() && now() - watchedSince >= turnMs + patienceMs;
  return {
    sample,
    standsFor: () => (stands() ? now() - turnedAt : 0),
    async look() {
      sample();
      const before = seen;
      for (let looks = 0; seen === before && !stands() && looks < mostLooks; looks++) {
        await sleep(lookAgainMs);
        sample();
      }
      return seen === before && isLate()
        ? { state: "blocked", sinceMs: now() - turnedAt }
        : { state: "turning", sinceMs: now() - turningSince };
    },
  };
}
