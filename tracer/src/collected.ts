import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  firstRow,
  flagCollected,
  flagModule,
  headClock,
  headNextRow,
  rowFlags,
  rowLimit,
  rowSeqLow,
  rowSince,
  rowState,
  stateIterating,
  stateResting,
  stateWaiting,
  tickMs,
} from "./layout.ts";
import type { Core } from "./runtime.ts";

/** Finds tasks that can never go on: those whose suspended code has been collected. */
export interface CollectionWatch {
  /** Looks at a part of the tasks; called while the program does something. */
  look(): void;
  /** Looks at all tasks that wait, collects garbage (the program stops for it), and calls back when all is known. */
  prove(done: () => void): void;
}

// As they are before a program or a test puts others in their place.
const { setImmediate } = globalThis;

/** Who has waited for so long is worth a registration. */
const longMs = 1000;
/** So much of a look is paid for at once, some microseconds; and so many registrations there are at most. */
const rowsPerLook = 2048;
const watchedPerLook = 64;
const mostWatched = 10_000;

/**
 * A function that waits is kept by whoever can let it go on, and by nobody else; its `life` is kept by the function
 * alone. So when the life of a task that waits has been collected, the task can never go on. The other way round nothing
 * is proved: what somebody keeps may still never go on.
 *
 * The life of a task is registered when it has waited for a while, and without keeping anything of the program.
 */
export function watchCollection(
  { get, set, tables, takeLife, letGo, forget, now }: Core,
  guard: (part: () => void) => void,
): CollectionWatch {
  const { header } = tables;
  let watched = 0;
  let cursor = firstRow;

  const gone = (held: number): void => {
    watched--;
    const row = held % rowLimit;
    if (get(row, rowSeqLow) !== (((held - row) / rowLimit) | 0)) return;
    const state = get(row, rowState);
    if (state === stateWaiting || state === stateIterating) {
      set(row, rowFlags, get(row, rowFlags) | flagCollected);
    } else if (state === stateResting) {
      // An async generator that nobody asks any more.
      forget(row);
    }
  };
  const registry = new FinalizationRegistry<number>((held) => guard(() => gone(held)));

  const isSuspended = (row: number): boolean => {
    const state = get(row, rowState);
    if (state !== stateWaiting && state !== stateIterating && state !== stateResting) return false;
    return (get(row, rowFlags) & flagModule) === 0;
  };

  const watch = (row: number): boolean => {
    const life = takeLife(row);
    if (life === undefined) return false;
    watched++;
    registry.register(life, (get(row, rowSeqLow) >>> 0) * rowLimit + row);
    return true;
  };

  return {
    look() {
      const clock = header[headClock] as number;
      const end = header[headNextRow] as number;
      let left = watchedPerLook;
      for (let looked = 0; looked < rowsPerLook && left > 0 && watched < mostWatched; looked++) {
        if (cursor >= end) {
          cursor = firstRow;
          return;
        }
        const row = cursor++;
        if (!isSuspended(row) || ((clock - get(row, rowSince)) | 0) * tickMs < longMs) continue;
        if (watch(row)) left--;
      }
    },
    prove(done) {
      now();
      letGo();
      const end = header[headNextRow] as number;
      for (let row = firstRow; row < end && watched < mostWatched; row++) if (isSuspended(row)) watch(row);
      const collectGarbage = garbageCollector();
      let rounds = 0;
      // What a registry is told comes in a turn of its own; what that lets go of needs another collection.
      const again = (): void => {
        guard(collectGarbage);
        setImmediate(() => setImmediate(++rounds < collections ? again : done));
      };
      again();
    },
  };
}

const collections = 3;

/** Collects all garbage at once: without an option of Node, and with nothing left behind that the program could see. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  try {
    return runInNewContext("gc") as () => void;
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
