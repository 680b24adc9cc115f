// How long tasks have waited and held, in sum by place. Only what has lasted beyond a step of the clock comes here, which
// is what makes it cheap, and a sample.
import { type TaskState, taskStates } from "@unknot/protocol/task.ts";
import {
  carry,
  delayParts,
  entryContended,
  entryCount,
  entryCreated,
  entryDelay,
  entryDepth,
  entryFrames,
  entryKind,
  entryLongest,
  entryState,
  entryTaken,
  entryTotal,
  entryType,
  entryWords,
  firstEntry,
  headEntries,
  headLost,
  keyWords,
  kindHold,
  kindWait,
  mostEntries,
  mostFrames,
} from "./contention-layout.ts";
import {
  firstRow,
  headClock,
  rowAsker,
  rowAt,
  rowCreated,
  rowIdleTimer,
  rowJoinerRow,
  rowJoinerSeq,
  rowParent,
  rowRange,
  rowSeqLow,
  rowSince,
  rowSite,
  rowState,
  rowTimer,
  rowWaitRow,
  rowWaitSeq,
  rowWords,
  segmentMask,
  segmentShift,
  stateFree,
  stateIterating,
  stateOpWaiting,
  stateReturning,
  stateWaiting,
} from "./layout.ts";
import type { SiteRegistry } from "./site-registry.ts";
import type { Tables } from "./tables.ts";
import { isCallOf } from "./transform/sites.ts";

/** When more waits than this end in one step of the clock, one of so many stands for all of them. */
const mostInStep = 32;
const oneOf = 16;

/** What an operation is about: index of the resource's type and site of its creation. */
export interface Contended {
  readonly type: number;
  readonly created: number;
}

/** Takes down waits and holds of the traced thread that have ended. Times are in ticks. */
export interface ContentionRecorder {
  /** A task goes on; `watched`: it is known who awaits it. */
  waited(row: number, watched: boolean): void;
  /** An operation was granted or given up after a while. */
  waitedFor(operation: number, state: TaskState, resource: Contended | undefined): void;
  /**
   * An operation gives back what it held. `mark` is the site of the call that does, made by the task `by`; 0 for both:
   * it ended where it began.
   */
  held(
    operation: number,
    resource: Contended,
    release: { readonly mark: number; readonly by: number; readonly delay: number },
  ): void;
}

export function createContention(tables: Tables, sites: Pick<SiteRegistry, "entryOf">): ContentionRecorder {
  const { header, rows, contention: words } = tables;
  const key = new Int32Array(keyWords);
  /** Numbers of entries from 1, by their hash; twice as many as entries, so that a free one is always near. */
  const places = new Int32Array(mostEntries * 2);

  const get = (row: number, word: number): number =>
    rows[row >>> segmentShift]?.[(row & segmentMask) * rowWords + word] ?? 0;
  const isTenant = (row: number, seqLow: number): boolean =>
    row >= firstRow && get(row, rowSeqLow) === seqLow && get(row, rowState) !== stateFree;
  const ticksOf = (row: number): number => ((header[headClock] as number) - get(row, rowSince)) | 0;

  const about = (kind: number, state: TaskState | undefined, resource: Contended | undefined): void => {
    key.fill(0);
    key[entryKind] = kind;
    key[entryState] = state === undefined ? 0 : taskStates.indexOf(state);
    key[entryType] = resource === undefined ? 0 : resource.type + 1;
    key[entryCreated] = resource?.created ?? 0;
  };

  const push = (site: number): void => {
    const depth = key[entryDepth] as number;
    if (site === 0 || depth === mostFrames) return;
    key[entryFrames + depth] = site;
    key[entryDepth] = depth + 1;
  };

  /** Pushes where a row was awaited, and where that was; gives the last row. */
  const pushAwaiting = (row: number): number => {
    let last = row;
    // A ring of joins ends with the room for frames, and combinations inside others are few.
    for (let step = 0; step < mostFrames * 4; step++) {
      const joiner = get(last, rowJoinerRow);
      if (!isTenant(joiner, get(last, rowJoinerSeq))) break;
      const state = get(joiner, rowState);
      if (state === stateWaiting || state === stateReturning || state === stateIterating) {
        const target = Math.abs(get(joiner, rowWaitRow));
        if (target !== last || get(joiner, rowWaitSeq) !== get(last, rowSeqLow)) break;
        push(get(joiner, rowAt));
      } else if (state < stateOpWaiting) break;
      last = joiner;
    }
    return last;
  };

  /** Where an operation is awaited, else where it was asked for. */
  const pushOperation = (operation: number): void => {
    const joiner = get(operation, rowJoinerRow);
    const known = isTenant(joiner, get(operation, rowJoinerSeq));
    // Where many are awaited together says less than where each was asked for.
    if (!known || get(joiner, rowState) >= stateOpWaiting) push(get(operation, rowSite));
    const asker = get(operation, rowAsker);
    if (known) pushAwaiting(operation);
    else if (isTenant(asker, get(operation, rowParent))) pushAwaiting(asker);
  };

  /** The entry of `key`; 0 when the table is full. */
  const entry = (): number => {
    let hash = 0;
    for (let word = 0; word < keyWords; word++) hash = (Math.imul(hash, 31) + (key[word] as number)) | 0;
    hash ^= hash >>> 15;
    for (let at = hash & (places.length - 1); ; at = (at + 1) & (places.length - 1)) {
      const number = places[at] as number;
      if (number === 0) return append(at);
      const base = firstEntry + (number - 1) * entryWords;
      let word = 0;
      while (word < keyWords && words[base + word] === key[word]) word++;
      if (word === keyWords) return base;
    }
  };

  const append = (at: number): number => {
    const entries = words[headEntries] as number;
    if (entries === mostEntries) {
      words[headLost] = ((words[headLost] as number) + 1) | 0;
      return 0;
    }
    places[at] = entries + 1;
    const base = firstEntry + entries * entryWords;
    words.set(key, base);
    words[headEntries] = entries + 1;
    return base;
  };

  const addTo = (word: number, amount: number): void => {
    const sum = (words[word] as number) + amount;
    words[word] = sum % carry;
    words[word + 1] = (words[word + 1] as number) + Math.floor(sum / carry);
  };

  const count = (ticks: number, weight = 1): number => {
    const base = entry();
    if (base === 0) return 0;
    words[base + entryCount] = ((words[base + entryCount] as number) + weight) | 0;
    addTo(base + entryTotal, ticks * weight);
    words[base + entryLongest] = Math.max(words[base + entryLongest] as number, ticks);
    return base;
  };

  /** Without a look at the promise: the task that was suspended last has the name that the await calls by. */
  const callsTarget = (row: number, target: number): boolean => {
    const callee = sites.entryOf(get(row, rowAt))?.callee;
    const name = isTenant(target, get(row, rowWaitSeq))
      ? sites.entryOf(get(target, rowSite))?.function
      : // It has ended, as who is awaited has when its caller goes on.
        callee;
    return callee !== undefined && name !== undefined && isCallOf(callee, name);
  };

  let step = 0;
  let inStep = 0;
  /** What a wait that ends now counts for; 0 for those that others stand for. */
  const weightNow = (): number => {
    const clock = header[headClock] as number;
    if (clock !== step) {
      step = clock;
      inStep = 0;
    }
    if (++inStep <= mostInStep) return 1;
    return inStep % oneOf === 0 ? oneOf : 0;
  };

  return {
    waited(row, watched) {
      const weight = weightNow();
      if (weight === 0) return;
      const ticks = ticksOf(row);
      const target = get(row, rowWaitRow);
      if (ticks <= 0 || target >= firstRow) return;
      const timer =
        target === rowTimer || target === rowIdleTimer || -target === rowTimer || -target === rowIdleTimer;
      if (!timer && target < 0) {
        // Whoever waits for a task is in that one's stack; operations and combinations are counted on their own.
        if (-target === rowRange || get(row, rowState) === stateIterating || callsTarget(row, -target))
          return;
      }
      about(
        kindWait,
        timer ? "sleep" : get(row, rowState) === stateIterating ? "iterator.next" : "await",
        undefined,
      );
      push(get(row, rowAt));
      // Who called it mostly awaits it.
      if (pushAwaiting(row) === row && !watched) push(get(row, rowCreated));
      count(ticks, weight);
    },
    waitedFor(operation, state, resource) {
      const ticks = ticksOf(operation);
      if (ticks <= 0) return;
      about(kindWait, state, resource);
      pushOperation(operation);
      count(ticks);
    },
    held(operation, resource, { mark, by, delay }) {
      const ticks = ticksOf(operation);
      if (ticks <= 0) return;
      about(kindHold, undefined, resource);
      key[entryTaken] = get(operation, rowSite);
      if (mark === 0) pushOperation(operation);
      else {
        push(mark);
        if (by !== 0) pushAwaiting(by);
      }
      const base = count(ticks);
      if (base === 0 || delay <= 0) return;
      words[base + entryContended] = ((words[base + entryContended] as number) + 1) | 0;
      addTo(base + entryDelay, Math.round(delay * delayParts));
    },
  };
}

/** What the table says of waits or holds at one place; times in ticks, places as numbers of sites. */
export interface ContentionEntry {
  readonly kind: "wait" | "hold";
  readonly state: TaskState;
  /** Index of the resource's type. */
  readonly type?: number;
  readonly created: number;
  readonly taken: number;
  readonly stack: readonly number[];
  readonly count: number;
  readonly total: number;
  readonly longest: number;
  readonly contended: number;
  readonly delay: number;
}

/** Reads the table, also while it is written: an entry may be some microseconds behind the one before it. */
export function readContention(words: Int32Array): {
  readonly entries: ContentionEntry[];
  readonly lost: number;
} {
  const entries: ContentionEntry[] = [];
  for (let number = 0; number < (words[headEntries] as number); number++) {
    const base = firstEntry + number * entryWords;
    const word = (index: number): number => words[base + index] as number;
    const sum = (index: number): number => word(index + 1) * carry + word(index);
    entries.push({
      kind: word(entryKind) === kindHold ? "hold" : "wait",
      state: taskStates[word(entryState)] ?? "await",
      ...(word(entryType) === 0 ? {} : { type: word(entryType) - 1 }),
      created: word(entryCreated),
      taken: word(entryTaken),
      stack: [...words.subarray(base + entryFrames, base + entryFrames + word(entryDepth))],
      count: word(entryCount) >>> 0,
      total: sum(entryTotal),
      longest: word(entryLongest),
      contended: word(entryContended) >>> 0,
      delay: sum(entryDelay) / delayParts,
    });
  }
  return { entries, lost: (words[headLost] as number) >>> 0 };
}
