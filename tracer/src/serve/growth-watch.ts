import {
  firstRow,
  flagCollected,
  flagModule,
  headNextRow,
  operations,
  rowAt,
  rowCreated,
  rowFlags,
  rowIdleTimer,
  rowJoinerRow,
  rowJoinerSeq,
  rowNever,
  rowOperation,
  rowSeqLow,
  rowSince,
  rowState,
  rowTimer,
  rowWaitRow,
  rowWaitSeq,
  rowWords,
  segmentMask,
  segmentShift,
  stateIterating,
  stateJoinAll,
  stateJoinAny,
  stateOpWaiting,
  stateReturning,
  stateWaiting,
} from "../layout.ts";
import type { Tables } from "../tables.ts";

/** Ever more tasks that wait at one place; the places are sites. */
export interface GrowingSite {
  readonly at: number;
  readonly created: number;
  readonly counts: readonly number[];
  readonly overMs: number;
}

/** Counts from time to time how many tasks wait at each place. */
export interface GrowthWatch {
  /** Called every tick. */
  look(): void;
  growing(): readonly GrowingSite[];
}

export interface GrowthWatchOptions {
  readonly tables: Tables;
  /** Milliseconds; never goes back. */
  readonly now: () => number;
  /** The clock of the tables for such a time. */
  readonly ticksAt: (ms: number) => number;
  /** Between two counts; a second series counts `slowSteps` times as rarely. */
  readonly everyMs: number;
}

/** So many counts in a row have to rise. */
const counted = 7;
/** A leak of some tasks a minute is seen by counts that are minutes apart. */
const slowSteps = 30;
/** By so many tasks at least, over all counts: a pool that warms up does not reach it. */
const leastGrowth = 60;
/** So many places are counted, those with the most tasks. */
const mostPlaces = 1000;

interface Count {
  readonly atMs: number;
  readonly tasks: ReadonlyMap<number, number>;
}

// A place is a pair of sites in one number: 100,000 tasks make 100,000 keys.
const createdLimit = 2 ** 26;

/**
 * A place grows when each of the last counts found more than the one before, and the later ones no slower. Tasks count
 * once they have waited for a whole step, so that requests that come and go are not seen, however many there are; what a
 * timer or another process ends is left out, and so are the members of a combination, which gets no more of them.
 */
export function createGrowthWatch({ tables, now, ticksAt, everyMs }: GrowthWatchOptions): GrowthWatch {
  const series = [everyMs, everyMs * slowSteps].map((stepMs) => ({
    stepMs,
    next: now() + stepMs,
    counts: [] as Count[],
  }));
  return {
    look() {
      const atMs = now();
      for (const each of series) {
        if (atMs < each.next) continue;
        each.next = atMs + each.stepMs;
        each.counts.push({ atMs, tasks: countPlaces(tables, ticksAt(atMs - each.stepMs)) });
        if (each.counts.length > counted) each.counts.shift();
      }
    },
    growing() {
      const found = new Map<number, GrowingSite>();
      for (const { counts } of series) {
        const [first] = counts;
        const last = counts.at(-1);
        if (first === undefined || last === undefined || counts.length < counted) continue;
        for (const place of last.tasks.keys()) {
          const numbers = counts.map(({ tasks }) => tasks.get(place) ?? 0);
          if (found.has(place) || !isGrowing(numbers)) continue;
          const created = place % createdLimit;
          found.set(place, {
            at: (place - created) / createdLimit,
            created,
            counts: numbers,
            overMs: Math.round(last.atMs - first.atMs),
          });
        }
      }
      return [...found.values()];
    },
  };
}

/** Always up, by enough, and in the second half of the time at least half as much as in the first. */
export function isGrowing(counts: readonly number[]): boolean {
  const first = counts[0] ?? 0;
  const last = counts.at(-1) ?? 0;
  const middle = counts[counts.length >> 1] ?? 0;
  return (
    counts.every((count, index) => index === 0 || count > (counts[index - 1] ?? 0)) &&
    last - first >= leastGrowth &&
    last >= 2 * first &&
    2 * (last - middle) >= middle - first
  );
}

/** By place, the tasks that have waited there since a tick or longer. Reads while the program writes. */
function countPlaces({ header, rows }: Tables, before: number): ReadonlyMap<number, number> {
  const end = header[headNextRow] as number;
  const get = (row: number, word: number): number =>
    rows[row >>> segmentShift]?.[(row & segmentMask) * rowWords + word] ?? 0;
  const places = new Map<number, number>();
  for (let row = firstRow; row < end; row++) {
    const state = get(row, rowState);
    if (state !== stateWaiting && state !== stateIterating && state !== stateReturning) continue;
    if (((get(row, rowSince) - before) | 0) > 0) continue;
    if ((get(row, rowFlags) & (flagModule | flagCollected)) !== 0) continue;
    if (isJoined(row, get) || endsFromOutside(row, get)) continue;
    const place = (get(row, rowAt) >>> 0) * createdLimit + (get(row, rowCreated) & (createdLimit - 1));
    places.set(place, (places.get(place) ?? 0) + 1);
  }
  if (places.size <= mostPlaces) return places;
  return new Map([...places].sort(([, a], [, b]) => b - a).slice(0, mostPlaces));
}

type Get = (row: number, word: number) => number;

/** It is part of a combination of promises. */
function isJoined(row: number, get: Get): boolean {
  const joiner = get(row, rowJoinerRow);
  if (joiner < firstRow || get(joiner, rowSeqLow) !== get(row, rowJoinerSeq)) return false;
  const state = get(joiner, rowState);
  return state >= stateJoinAll && state <= stateJoinAny;
}

const outside: ReadonlySet<string> = new Set(["io", "worker", "listen"]);

/** It waits for a timer, for another process or thread, or for what was made never to come. */
function endsFromOutside(row: number, get: Get): boolean {
  const target = Math.abs(get(row, rowWaitRow));
  if (target === rowTimer || target === rowIdleTimer || target === rowNever) return true;
  return (
    target >= firstRow &&
    get(target, rowSeqLow) === get(row, rowWaitSeq) &&
    get(target, rowState) === stateOpWaiting &&
    outside.has(operations[get(target, rowOperation)] ?? "")
  );
}
