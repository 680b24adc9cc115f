import type { LoopState } from "@unknot/protocol/dump.ts";

/** Learns from pings whether the event loop of the traced thread turns. Needs none of the program's timers. */
export interface LoopWatch {
  /** Asks for a sign, unless one is awaited. */
  ping(): void;
  turned(ping: number): void;
  /** The state now; asks and waits a moment when nothing is known. */
  look(): Promise<LoopState>;
}

/** A loop that gives no sign for so long is blocked. */
const patienceMs = 100;

export function createLoopWatch(now: () => number, send: (ping: number) => void): LoopWatch {
  let lastPing = 0;
  let askedAt: number | undefined;
  let turnedAt = now();
  let turningSince = turnedAt;
  let heard = () => {};
  const ping = () => {
    if (askedAt !== undefined) return;
    askedAt = now();
    send(++lastPing);
  };
  return {
    ping,
    turned(number) {
      if (number !== lastPing || askedAt === undefined) return;
      const at = now();
      if (at - askedAt >= patienceMs) turningSince = at;
      askedAt = undefined;
      turnedAt = at;
      heard();
    },
    async look() {
      ping();
      const since = askedAt ?? now();
      const left = patienceMs - (now() - since);
      if (left > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          heard = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return askedAt === undefined
        ? { state: "turning", sinceMs: now() - turningSince }
        : { state: "blocked", sinceMs: now() - turnedAt };
    },
  };
}
