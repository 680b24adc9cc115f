// What transformed code calls: a few stores per task and per await. Everything here is on the program's hot path, so
// it allocates nothing, captures no stack and calls nothing it does not have to.
import { types } from "node:util";
import { promiseHooks } from "node:v8";
import type { Guard } from "@unknot/models/probe.ts";
import { nowMs, ticksAt } from "./clock.ts";
import { countHandles } from "./count-handles.ts";
import {
  firstRow,
  flagAwaited,
  flagGenerator,
  flagIterates,
  flagJob,
  flagJoins,
  flagModule,
  flagRaced,
  flagReturns,
  flagStamped,
  headClock,
  headHandlesWanted,
  headMark,
  headOthers,
  headQuiet,
  headSeqHigh,
  headSeqLow,
  headUnwatched,
  quietNo,
  quietYes,
  rowAsker,
  rowAt,
  rowBorn,
  rowCaller,
  rowCreated,
  rowEpoch,
  rowFlags,
  rowHolds,
  rowIdleTimer,
  rowJoinerRow,
  rowJoinerSeq,
  rowNever,
  rowNone,
  rowOperation,
  rowOverflow,
  rowParent,
  rowRange,
  rowResource,
  rowSeqHigh,
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
  stateJoinAll,
  stateJoinAny,
  stateJoinSettled,
  stateOpWaiting,
  stateResting,
  stateReturning,
  stateRunning,
  stateWaiting,
} from "./layout.ts";
import { stampedRow, stampedSeq, writeStamp } from "./stamp.ts";
import { freshRow, type NewSegment, type Tables } from "./tables.ts";

/** How the promises of a combination count. */
export type Need = "all" | "settled" | "any";

/** What transformed code calls; `transform/` writes the calls. */
export interface Hooks {
  /** The shared header: transformed code stores the site of its next call at `headMark`. */
  readonly h: Int32Array;
  /** A callback that a task may have handed to something makes a call. */
  at(site: number): void;
  /**
   * Around the last argument of a call that starts a task in a function that is none, which a timer or listener may have
   * called, and around the call: what the arguments throw leaves no mark behind.
   */
  from(site: number, value?: unknown): unknown;
  started<Value>(value: Value): Value;
  /**
   * An async function begins; returns its row. `life` is an object that nothing but the function's own variables keeps:
   * it is there as long as somebody can let the function go on.
   */
  enter(site: number, life: object): number;
  /** The same for a function whose parameters may create promises before its body begins. */
  enterBlind(site: number, life: object): number;
  enterGenerator(site: number, life: object): number;
  enterModule(site: number): number;
  /** It ends. That its life is given here once more keeps V8 from forgetting the variable while the function waits. */
  leave(row: number, life?: object): void;
  /** Around what is awaited, and around the await. */
  wait<Value>(row: number, site: number, value: Value): Value;
  woke<Value>(row: number, value: Value): Value;
  /** At the head of a catch or finally block, where an await may have failed, and after a `for await` loop. */
  back(row: number): void;
  /** Around what is returned, unless that is surely no promise. */
  give<Value>(row: number, site: number, value: Value): Value;
  /** Around the iterable of a `for await`, and at the end of each turn of its body. */
  iterate<Value>(row: number, site: number, value: Value): Value;
  again(row: number, site: number): void;
  /** Around what an async generator yields, and around the yield. */
  pause<Value>(row: number, site: number, value: Value): Value;
  resume<Value>(row: number, value: Value): Value;
  /** Before and after the release of what an `await using` declared. */
  using(row: number, site: number): Disposable;
  used(row: number): Disposable;
  /** Before the argument of a combination of promises, around it, and around the combination. */
  first(): number;
  keep<Value>(first: number, list: Value): Value;
  join<Value>(need: Need, promise: Value): Value;
  /** The same where `wait` comes at once. */
  joinAwaited<Value>(need: Need, promise: Value): Value;
  /** Around an expression that may create a resource. */
  made<Value>(site: number, value: Value): Value;
  /** Around a timer created in the executor of a promise, and around that promise. */
  timer<Value>(timer: Value): Value;
  sleeps<Value>(promise: Value): Value;
  /** Around a promise whose executor can't settle it. */
  never<Value>(promise: Value): Value;
  /**
   * In the executor of a promise, before a call that is given what settles it: an object and the event that it is asked
   * for, an object that is given a callback, or the function that is called. And around that promise.
   */
  via(value: unknown, event?: string): void;
  waits<Value>(promise: Value): Value;
  /** The value of an object's own field, where reading it runs no code. */
  own(object: unknown, field: string): unknown;
  /**
   * Around what is stored in a place that was read before an await: as it was read, what is stored, as it is now. The
   * sites are those of the assignment and of the read.
   */
  kept<Value>(at: number, read: number, before: unknown, value: Value, now: unknown): Value;
}

/** A task that has ended: the sites of its function and of where it was started, 0 where that is not known. */
export interface EndedTask {
  readonly entry: number;
  readonly created: number;
}

/** The same tables for the parts of the tracer that are not on the hot path. */
export interface Core {
  readonly tables: Tables;
  readonly startMs: number;
  /** Reads and writes a word of a row. */
  get(row: number, word: number): number;
  set(row: number, word: number, value: number): void;
  /** A new row with an id, born now; 0 when the table is full. */
  take(state: number): number;
  /** The same for what no promise stands for; it goes by `forget`. */
  takeUnsettled(state: number): number;
  /** The row is free for others. */
  free(row: number): void;
  /** The row of what was never one of `pending` is free for others: a task whose code is gone, what no promise stands for. */
  forget(row: number): void;
  /** What lives as long as the task's code does, given once; undefined when it was given before. */
  takeLife(row: number): object | undefined;
  /** Keeps no object of the program any more; called between two turns of the program. */
  letGo(): void;
  /** The row whose promise this is; 0 when it is not known or has ended. */
  rowOf(value: unknown): number;
  stamp(promise: object, row: number, inverse?: boolean): void;
  /** This is the promise of a task that has ended. */
  hasEnded(promise: object): boolean;
  /** The task whose promise this is, when it has ended and not many others have since then. */
  endedTask(promise: object): EndedTask | undefined;
  /** The promise made last by `new Promise` or an async function; undefined when the last begun operation made none. */
  lastMade(): object | undefined;
  /** Around the call of an operation: `hasBegun` tells whether the promise that it gave was settled by then. */
  begins(): void;
  hasBegun(promise: unknown): boolean;
  /** The same for a promise that is likely to be awaited next. */
  remember(promise: object, row: number): void;
  /** The task that is running, or, if wanted, whose `for await` asks for its next item; 0 for none. */
  asker(orIterating: boolean): number;
  /** Runs a callback as the given task, which calls it at a site. */
  runAs<Result>(row: number, site: number, action: () => Result): Result;
  now(): number;
  /** From now on the tracer learns which promise belongs to whom; under load only while operations are pending. */
  watchPromises(): void;
  /** A timer settles this promise. */
  sleeps(promise: object, keepsAlive: boolean): void;
  /** Makes a row for a combination of the given rows and unknown others; 0 when nothing in it is known. */
  combine(need: Need, rows: readonly number[], others: number): number;
}

/** What the runtime asks of the part that knows operations. */
export interface OperationEvents {
  /** A promise of an operation is settled; `ofCallback` tells that its callback is over or its hold given back. */
  settled(row: number, ofCallback: boolean): void;
  /** A task that holds something has ended. */
  holderEnded(row: number): void;
  /** A task waits for this operation at a site, and goes on with an answer or with an error. */
  awaited(operation: number, site: number): void;
  answered(operation: number, failed: boolean): void;
  made(site: number, value: object): void;
  /** A task loops over this at a site; the operation that stands for it while the loop asks for more, 0 for none. */
  iterates(row: number, site: number, value: object): number;
  /** The same at a later turn. */
  iteration(row: number, site: number): number;
  /** A task goes on that has waited so for a while; false when it waited for something else. */
  loopWaited(row: number): boolean;
  /** A task with such loops has ended. */
  iterated(row: number): void;
  /** Something is asked for by hand, and this is the promise that is to tell of it. */
  asks(value: object, event: string | undefined): void;
  promised(promise: unknown): void;
}

export interface RuntimeOptions {
  readonly tables: Tables;
  /** Milliseconds since the epoch at tick 0. */
  readonly startMs: number;
  readonly maxTasks: number;
  readonly grew: (segment: NewSegment) => void;
  /** Called once, when promises are looked at for the first time. */
  readonly watches: () => void;
  readonly events: OperationEvents;
  /** A task goes on whose wait has lasted beyond a step of the clock; `watched`: promises are looked at. */
  readonly waited: (row: number, watched: boolean) => void;
  /** What others have stored is about to be overwritten by what does not know of it. */
  readonly overwrites: (at: number, read: number) => void;
  /** Called at most once in a step of the clock, and only while tasks do something. */
  readonly active: () => void;
  /** Runs a part of the tracer that may fail. */
  readonly guard: Guard;
}

function isOperationState(state: number): boolean {
  return state >= stateOpWaiting && state < stateJoinAll;
}

/** Whether a timer keeps the process alive; what is not Node's own (a mock) counts as if it did. */
function keepsAlive(timer: unknown): boolean {
  if (typeof timer !== "object" || timer === null || types.isProxy(timer)) return true;
  const { hasRef } = timer as { hasRef?: unknown };
  return typeof hasRef === "function" ? Reflect.apply(hasRef, timer, []) !== false : true;
}

// As it is before a program puts something else in its place.
const { isArray } = Array;
const { getOwnPropertyDescriptor, is } = Object;

const nothing: object = Object.freeze({});
/** Stands for what can't be read without running code of the program. */
const unread: object = Object.freeze({});
const noop = () => {};

// What watching promises may cost: so many tasks at once, and so many more in each tick of 20 ms; it goes on when fewer
// than so many are started in a tick.
const watchBurst = 5000;
const watchPerTick = 200;
const watchAgainBelow = 100;

// What is remembered of tasks that have ended, by their ids: the last of so many.
const endedTasks = 256;
const endedWords = 3;

export function createRuntime(options: RuntimeOptions): { hooks: Hooks; core: Core } {
  const { tables, startMs, maxTasks, grew, events, waited, watches, overwrites, active, guard } = options;
  const { header, rows } = tables;
  /** The first free row of a list through `rowAt`. */
  let freeRows = 0;
  /** The task that is running; an operation while its callback runs; 0 in code that belongs to no task we know. */
  let current = 0;
  /** The task whose `for await` is about to ask for its next item. */
  let iterating = 0;
  let iteratingMark = 0;
  /** The task that went out of its first segment last and whose promise is not known: the next await is likely to mean it. */
  let lastSuspended = 0;

  // With promise hooks, what a promise belongs to is known for sure. The promise of an async function is made right
  // before its body begins, so `enter` takes the last one that was made. It is kept until the function's first
  // suspension; the caller's await, which mostly follows at once, compares the two. Only when another task is
  // suspended before, the promise gets a stamp.
  let armed = false;
  let stopMakes = noop;
  // That promises are settled matters only while operations, combinations or functions that returned a promise are
  // pending, and costs more: this hook is there only then.
  let pending = 0;
  let stopSettles: (() => void) | undefined;
  /** While an operation begins: the promise that was settled last. */
  let settledNow: object | undefined;
  let begins = false;
  let lastMade: object | undefined;
  let lastPromise: object = nothing;
  let lastRow = 0;
  let lastSeq = 0;
  let own: (object | undefined)[] = [];
  /** By row what only the task's own code keeps, until somebody has taken it to see it go. */
  const lives: (object | undefined)[] = [];
  /** Whether promises are to be watched, and how many more tasks may be started before that is too much. */
  let wanted = false;
  let budget = watchBurst;
  let seqAtWake = 0;
  /** The argument of the combination that is being made. */
  let kept: unknown;
  /** The id before the first that was given while that argument was evaluated. */
  let keptFrom = 0;
  /** The timer that was created last in the executor of a promise. */
  let lastTimer: unknown;
  let seqHigh = 0;
  /** Of tasks that have ended: id, entry, where created. */
  const ended = new Int32Array(endedTasks * endedWords);

  const wake = () => {
    if (header[headQuiet] === quietYes) {
      header[headClock] = ticksAt(nowMs(), startMs);
      Atomics.store(header, headQuiet, quietNo);
      Atomics.notify(header, headQuiet);
    } else header[headQuiet] = quietNo;
    if (header[headHandlesWanted] === 1) guard(countHandles, header);
    begins = false;
    settledNow = undefined;
    if (pending === 0 && stopSettles !== undefined) {
      stopSettles();
      stopSettles = undefined;
    }
    adjustWatch();
    active();
  };

  /** Called every tick in which tasks do something. */
  const adjustWatch = (): void => {
    const started = ((header[headSeqLow] as number) - seqAtWake) | 0;
    seqAtWake = header[headSeqLow] as number;
    budget = Math.min(watchBurst, budget + watchPerTick);
    if (!wanted || armed) return;
    header[headUnwatched] = (header[headUnwatched] as number) + started;
    if (started < watchAgainBelow) watch();
  };

  const watch = (): void => {
    armed = true;
    stopMakes = promiseHooks.onInit((promise, parent) => {
      if (parent === undefined) lastMade = promise;
    }) as () => void;
  };

  /** Too many tasks are started: watching their promises would cost more than they do themselves. */
  const stopWatching = (): void => {
    // Who waits for a lock or a channel needs it all the same.
    budget = watchPerTick;
    if (pending > 0) return;
    armed = false;
    stopMakes();
    stopSettles?.();
    stopSettles = undefined;
    lastMade = undefined;
    lastPromise = nothing;
    own = new Array(own.length);
  };

  const hearSettles = (): void => {
    stopSettles ??= promiseHooks.onSettled((promise) => {
      if (begins) settledNow = promise;
      if (promise === lastPromise) stampLast();
      const stamped = stampedRow(promise);
      if (stamped === 0) return;
      // Mostly it is the promise of a task that has ended.
      const row = Math.abs(stamped);
      if (row >= firstRow && isTenant(row, stampedSeq(promise))) guard(settled, row, stamped < 0);
    }) as () => void;
  };

  /** A free row with the next id; 0 when the table is full. Its state is still `stateFree`. */
  const take = (): number => {
    let row = freeRows;
    if (row !== 0) {
      freeRows = (rows[row >>> segmentShift] as Int32Array)[(row & segmentMask) * rowWords + rowAt] as number;
    } else {
      row = freshRow(tables, maxTasks, grew);
      if (row === 0) return 0;
      while (own.length <= row) {
        lives[own.length] = undefined;
        own[own.length] = undefined;
      }
    }
    const low = ((header[headSeqLow] as number) + 1) | 0;
    header[headSeqLow] = low;
    (rows[row >>> segmentShift] as Int32Array)[(row & segmentMask) * rowWords + rowSeqLow] = low;
    if (low === 0 || seqHigh !== 0) longId(row, low);
    return row;
  };

  /** Ids beyond the first four billion; 0 as a low word means "none". */
  const longId = (row: number, low: number): void => {
    if (low === 0) {
      header[headSeqHigh] = ++seqHigh;
      header[headSeqLow] = 1;
      set(row, rowSeqLow, 1);
    }
    set(row, rowSeqHigh, seqHigh);
  };

  const free = (row: number, segment: Int32Array, base: number): void => {
    segment[base + rowState] = stateFree;
    if (row < firstRow) return;
    segment[base + rowAt] = freeRows;
    freeRows = row;
  };

  const begin = (site: number): number => {
    if (header[headQuiet] !== quietNo) wake();
    const caller = current;
    const row = take() || rowOverflow;
    const segment = rows[row >>> segmentShift] as Int32Array;
    const base = (row & segmentMask) * rowWords;
    const mark = header[headMark] as number;
    segment[base + rowSite] = site;
    segment[base + rowBorn] = header[headClock] as number;
    segment[base + rowParent] = (rows[caller >>> segmentShift] as Int32Array)[
      (caller & segmentMask) * rowWords + rowSeqLow
    ] as number;
    segment[base + rowCreated] = mark;
    segment[base + rowCaller] = caller;
    segment[base + rowState] = stateRunning;
    current = row;
    header[headMark] = 0;
    if (iterating !== 0) requestedBy(row);
    return row;
  };

  const at = (site: number): void => {
    // Called by somebody else later, it would leave a mark that nobody takes away.
    if (current !== 0) header[headMark] = site;
  };

  // Inside of a task its own statement says where.
  const from = (site: number, value?: unknown): unknown => {
    if (current === 0) header[headMark] = site;
    return value;
  };

  const started = <Value>(value: Value): Value => {
    if (current === 0) header[headMark] = 0;
    return value;
  };

  const enter = (site: number, life: object): number => {
    const row = begin(site);
    lives[row] = life;
    if (armed) {
      own[row] = lastMade;
      lastMade = undefined;
      if (--budget < 0) stopWatching();
    }
    return row;
  };

  const enterBlind = (site: number, life?: object): number => {
    const row = begin(site);
    lives[row] = life;
    lastMade = undefined;
    own[row] = undefined;
    return row;
  };

  const enterGenerator = (site: number, life: object): number => {
    const row = enterBlind(site, life);
    set(row, rowFlags, flagGenerator);
    return row;
  };

  const enterModule = (site: number): number => {
    const row = enterBlind(site);
    set(row, rowFlags, flagModule);
    set(row, rowCaller, -1);
    return row;
  };

  /** A `for await` has asked for its next item and this row serves it. */
  const requestedBy = (row: number): void => {
    const consumer = iterating;
    iterating = 0;
    if (get(consumer, rowState) !== stateIterating) return;
    set(consumer, rowWaitRow, -row);
    set(consumer, rowWaitSeq, get(row, rowSeqLow));
  };

  const leave = (row: number): void => {
    const segment = rows[row >>> segmentShift] as Int32Array;
    const base = (row & segmentMask) * rowWords;
    const caller = segment[base + rowCaller] as number;
    if (caller >= 0) {
      current = caller;
      header[headMark] = segment[base + rowCreated] as number;
    } else {
      current = 0;
      header[headMark] = 0;
    }
    lastSuspended = row;
    // An await has failed and nothing in the function has caught that.
    if (segment[base + rowState] !== stateRunning) endWait(row);
    if (((segment[base + rowFlags] as number) | (segment[base + rowHolds] as number)) !== 0) {
      if (leaveSlowly(row, caller)) return;
    }
    if (armed) {
      rememberEnded(segment, base);
      remember(row, segment[base + rowSeqLow] as number);
    }
    free(row, segment, base);
  };

  /** Whether anybody awaited it comes out when its row may be another's. */
  const rememberEnded = (segment: Int32Array, base: number): void => {
    const seqLow = segment[base + rowSeqLow] as number;
    const at = (seqLow & (endedTasks - 1)) * endedWords;
    ended[at] = seqLow;
    ended[at + 1] = segment[base + rowSite] as number;
    ended[at + 2] = segment[base + rowCreated] as number;
  };

  /** The caller's await is likely to come next and to be given the promise of this task; false when that is not known. */
  const remember = (row: number, seqLow: number): boolean => {
    const promise = own[row];
    if (promise === undefined) return false;
    own[row] = undefined;
    rememberPromise(promise, row, seqLow);
    return true;
  };

  const rememberPromise = (promise: object, row: number, seqLow: number): void => {
    if (lastPromise !== nothing) stampLast();
    lastPromise = promise;
    lastRow = row;
    lastSeq = seqLow;
  };

  /** The end of a task that gave back a promise, runs a callback or holds something; true when its row stays. */
  const leaveSlowly = (row: number, caller: number): boolean => {
    // An await has failed. What is returned instead goes on.
    if (get(row, rowFlags) >= flagJoins && get(row, rowState) !== stateRunning) endJoin(row, true);
    const flags = get(row, rowFlags);
    if ((flags & flagReturns) !== 0 && armed && row >= firstRow && staysForReturn(row, caller)) return true;
    endTask(row);
    return false;
  };

  const endTask = (row: number): void => {
    const flags = get(row, rowFlags);
    if (get(row, rowHolds) !== 0) {
      guard(events.holderEnded, row);
      set(row, rowHolds, 0);
    }
    if ((flags & flagIterates) !== 0) guard(events.iterated, row);
    set(row, rowFlags, 0);
    if ((flags & flagJob) !== 0) {
      const operation = get(row, rowJoinerRow);
      if (isTenant(operation, get(row, rowJoinerSeq))) guard(events.settled, operation, true);
    }
  };

  /**
   * A function that returned a pending promise has ended, its task has not. Its row stays when its own promise is
   * known, until that is settled; else whoever waits for it waits for what it returned.
   */
  const staysForReturn = (row: number, caller: number): boolean => {
    const promise = caller >= 0 ? own[row] : undefined;
    if (promise !== undefined) {
      stamp(promise, row);
      own[row] = undefined;
    } else if (lastRow === row && lastPromise !== nothing && isTenant(row, lastSeq)) {
      stampLast();
    } else if ((get(row, rowFlags) & flagStamped) === 0) {
      forward(row);
      return false;
    }
    set(row, rowFlags, (get(row, rowFlags) | flagStamped) & ~(flagReturns | flagJoins));
    set(row, rowState, stateReturning);
    pending++;
    hearSettles();
    return true;
  };

  const forward = (row: number): void => {
    const joiner = get(row, rowJoinerRow);
    if (!isTenant(joiner, get(row, rowJoinerSeq)) || get(joiner, rowState) !== stateWaiting) return;
    if (get(joiner, rowWaitRow) !== row || get(joiner, rowWaitSeq) !== get(row, rowSeqLow)) return;
    const target = get(row, rowWaitRow);
    set(joiner, rowWaitRow, target);
    set(joiner, rowWaitSeq, get(row, rowWaitSeq));
    if (target < firstRow || !isTenant(target, get(row, rowWaitSeq))) return;
    joinedBy(target, joiner);
    set(joiner, rowFlags, get(joiner, rowFlags) | (get(row, rowFlags) & flagJoins));
  };

  const joinedBy = (row: number, joiner: number): void => {
    set(row, rowJoinerRow, joiner);
    set(row, rowJoinerSeq, get(joiner, rowSeqLow));
  };

  const wait = <Value>(row: number, site: number, value: Value): Value => {
    if (header[headQuiet] !== quietNo) wake();
    const segment = rows[row >>> segmentShift] as Int32Array;
    const base = (row & segmentMask) * rowWords;
    segment[base + rowAt] = site;
    segment[base + rowSince] = header[headClock] as number;
    segment[base + rowEpoch] = ((segment[base + rowEpoch] as number) + 1) | 0;
    if (armed) {
      let target = 0;
      if (value === lastPromise) {
        target = lastRow < firstRow || isTenant(lastRow, lastSeq) ? lastRow : 0;
        lastPromise = nothing;
      } else if (typeof value === "object" && value !== null) target = rowOf(value);
      segment[base + rowWaitRow] = target;
      if (target !== 0) {
        waitFor(row, segment, base, target, site);
        claimJoin(row, target);
      } else if (lastSuspended >= firstRow && typeof value === "object" && types.isPromise(value)) {
        segment[base + rowWaitRow] = -lastSuspended;
        segment[base + rowWaitSeq] = get(lastSuspended, rowSeqLow);
      }
    } else {
      // Nothing was seen of the promise: below zero says that the target is inferred.
      segment[base + rowWaitRow] = -lastSuspended;
      if (lastSuspended >= firstRow) segment[base + rowWaitSeq] = get(lastSuspended, rowSeqLow);
    }
    segment[base + rowState] = stateWaiting;
    suspend(row, segment, base);
    return value;
  };

  const waitFor = (row: number, segment: Int32Array, base: number, target: number, site: number): void => {
    const targetSegment = rows[target >>> segmentShift] as Int32Array;
    const targetBase = (target & segmentMask) * rowWords;
    segment[base + rowWaitSeq] = targetSegment[targetBase + rowSeqLow] as number;
    if (target < firstRow) return;
    targetSegment[targetBase + rowJoinerRow] = row;
    targetSegment[targetBase + rowJoinerSeq] = segment[base + rowSeqLow] as number;
    const state = targetSegment[targetBase + rowState] as number;
    if (state < stateOpWaiting || state >= stateJoinAll) return;
    // The end of this wait is the end of what was asked for, also when nobody sees the promise settle.
    segment[base + rowFlags] = (segment[base + rowFlags] as number) | flagJoins;
    guard(events.awaited, target, site);
  };

  /** A combination that one task awaits is over when that one goes on: nobody has to watch its promise. */
  const claimJoin = (row: number, target: number): void => {
    if (target < firstRow || get(target, rowState) < stateJoinAll) return;
    const flags = get(target, rowFlags);
    if ((flags & flagAwaited) !== 0) return;
    set(row, rowFlags, get(row, rowFlags) | flagJoins);
    set(target, rowFlags, flags | flagAwaited);
    pending--;
  };

  /** The task gives way: its caller goes on when this was its first segment, else nobody we know. */
  const suspend = (row: number, segment: Int32Array, base: number): void => {
    const caller = segment[base + rowCaller] as number;
    if (caller < 0) {
      current = 0;
      header[headMark] = 0;
      lastSuspended = 0;
      return;
    }
    current = caller;
    header[headMark] = segment[base + rowCreated] as number;
    segment[base + rowCaller] = -1;
    // Whose promise is known is never guessed at.
    lastSuspended = armed && remember(row, segment[base + rowSeqLow] as number) ? 0 : row;
  };

  const stampLast = (): void => {
    // The stamp of a task that has ended says so.
    writeStamp(lastPromise, lastRow, lastSeq);
    if (lastRow >= firstRow && isTenant(lastRow, lastSeq))
      set(lastRow, rowFlags, get(lastRow, rowFlags) | flagStamped);
    lastPromise = nothing;
  };

  const woke = <Value>(row: number, value: Value): Value => {
    const segment = rows[row >>> segmentShift] as Int32Array;
    const base = (row & segmentMask) * rowWords;
    if (header[headQuiet] !== quietNo) wake();
    if (segment[base + rowSince] !== header[headClock]) endWait(row);
    if ((segment[base + rowFlags] as number) >= flagJoins) endJoin(row, false);
    segment[base + rowState] = stateRunning;
    current = row;
    lastSuspended = 0;
    return value;
  };

  const endWait = (row: number): void => {
    if (header[headQuiet] !== quietNo) wake();
    const state = get(row, rowState);
    if (state === stateWaiting || state === stateIterating || state === stateReturning)
      guard(waited, row, armed);
  };

  /** The wait for a combination or an operation is over. */
  const endJoin = (row: number, failed: boolean): void => {
    set(row, rowFlags, get(row, rowFlags) & ~flagJoins);
    const target = get(row, rowWaitRow);
    if (target < firstRow || !isTenant(target, get(row, rowWaitSeq))) return;
    if (get(target, rowState) < stateJoinAll) {
      if (get(target, rowState) >= stateOpWaiting) guard(events.answered, target, failed);
    } else if ((get(target, rowFlags) & flagAwaited) !== 0) {
      pending++;
      core.free(target);
    }
  };

  const back = (row: number): void => {
    endWait(row);
    if (get(row, rowFlags) >= flagJoins) endJoin(row, true);
    set(row, rowState, stateRunning);
    current = row;
    iterating = 0;
  };

  const give = <Value>(row: number, site: number, value: Value): Value => {
    if (!armed) return value;
    const flags = get(row, rowFlags);
    const target = typeof value === "object" && value !== null ? rowOf(value) : 0;
    if (target === 0 && !(typeof value === "object" && types.isPromise(value))) {
      // A finally block may return something else.
      if (flags !== 0) set(row, rowFlags, flags & ~flagReturns);
      return value;
    }
    set(row, rowAt, site);
    set(row, rowSince, header[headClock] as number);
    set(row, rowEpoch, (get(row, rowEpoch) + 1) | 0);
    set(row, rowWaitRow, target);
    set(row, rowFlags, flags | flagReturns);
    if (target !== 0) {
      waitFor(row, rows[row >>> segmentShift] as Int32Array, (row & segmentMask) * rowWords, target, site);
    }
    return value;
  };

  const iterate = <Value>(row: number, site: number, value: Value): Value => {
    // What found the table full shares a row with others.
    const isOwn = row >= firstRow && typeof value === "object" && value !== null;
    if (isOwn && guard(events.iterates, row, site, value)) {
      set(row, rowFlags, get(row, rowFlags) | flagIterates);
    }
    again(row, site);
    return value;
  };

  const again = (row: number, site: number): void => {
    if (header[headQuiet] !== quietNo) wake();
    const segment = rows[row >>> segmentShift] as Int32Array;
    const base = (row & segmentMask) * rowWords;
    // The body of the loop may have ended by an await that failed.
    if ((segment[base + rowFlags] as number) >= flagJoins) endJoin(row, true);
    segment[base + rowAt] = site;
    segment[base + rowSince] = header[headClock] as number;
    segment[base + rowEpoch] = ((segment[base + rowEpoch] as number) + 1) | 0;
    segment[base + rowWaitRow] = 0;
    segment[base + rowState] = stateIterating;
    const isKnown = ((segment[base + rowFlags] as number) & flagIterates) !== 0 && waitsForMore(row, site);
    suspend(row, segment, base);
    // Of what is known nobody else has to tell what is waited for.
    iterating = isKnown ? 0 : row;
    iteratingMark = header[headMark] as number;
  };

  const waitsForMore = (row: number, site: number): boolean => {
    const operation = guard(events.iteration, row, site) ?? 0;
    if (operation === 0) return false;
    set(row, rowWaitRow, -operation);
    set(row, rowWaitSeq, get(operation, rowSeqLow));
    return true;
  };

  const pause = <Value>(row: number, site: number, value: Value): Value => {
    const segment = rows[row >>> segmentShift] as Int32Array;
    const base = (row & segmentMask) * rowWords;
    segment[base + rowAt] = site;
    segment[base + rowState] = stateResting;
    suspend(row, segment, base);
    return value;
  };

  const resume = <Value>(row: number, value: Value): Value => {
    if (header[headQuiet] !== quietNo) wake();
    const segment = rows[row >>> segmentShift] as Int32Array;
    const base = (row & segmentMask) * rowWords;
    segment[base + rowState] = stateRunning;
    segment[base + rowBorn] = segment[base + rowSince] = header[headClock] as number;
    segment[base + rowCaller] = current;
    segment[base + rowCreated] = header[headMark] as number;
    current = row;
    header[headMark] = 0;
    if (iterating !== 0) requestedBy(row);
    return value;
  };

  const using = (row: number, site: number): Disposable => ({
    [Symbol.dispose]: () => {
      wait(row, site, undefined);
    },
  });

  const used = (row: number): Disposable => ({
    [Symbol.dispose]: () => back(row),
  });

  const first = (): number => header[headSeqLow] as number;

  const keep = <Value>(before: number, list: Value): Value => {
    kept = list;
    if (!armed) keptFrom = before;
    return list;
  };

  const join = <Value>(need: Need, promise: Value): Value => combined(need, promise, false);

  const joinAwaited = <Value>(need: Need, promise: Value): Value => combined(need, promise, true);

  const combined = <Value>(need: Need, promise: Value, isAwaited: boolean): Value => {
    const list = kept;
    kept = undefined;
    if (armed) {
      if (typeof promise === "object" && promise !== null) guard(joinList, need, list, promise, isAwaited);
    } else if (current !== 0 && isArray(list) && list.length > 0) {
      // Who was started while the list was made is likely to be in it; when it was made before, all that the task has
      // started.
      const startedHere = keptFrom !== header[headSeqLow];
      lastSuspended = rowRange;
      set(current, rowOperation, joinState(need));
      set(current, rowResource, header[headSeqLow] as number);
      set(current, rowWaitSeq, startedHere ? keptFrom : get(current, rowSeqLow));
    }
    return promise;
  };

  const joinList = (need: Need, list: unknown, promise: object, isAwaited: boolean): void => {
    if (!isArray(list) || types.isProxy(list) || !types.isPromise(promise)) return;
    let others = 0;
    let join = 0;
    for (let index = 0; index < list.length; index++) {
      const member: unknown = list[index];
      if (typeof member !== "object" || member === null) continue;
      const row = rowOf(member);
      if (row < firstRow) {
        if (row !== 0 || isPendingPerhaps(member)) others++;
        continue;
      }
      join ||= takeJoin(need, isAwaited);
      if (join === 0) return;
      joinedBy(row, join);
      if (need === "any" && !isOperationState(get(row, rowState)))
        set(row, rowFlags, get(row, rowFlags) | flagRaced);
    }
    if (join === 0) return;
    set(join, rowAsker, others);
    rememberPromise(promise, join, get(join, rowSeqLow));
  };

  /** A promise that is stamped with the row of a task that has ended is settled. */
  const isPendingPerhaps = (value: object): boolean => Math.abs(stampedRow(value)) < firstRow;

  const joinState = (need: Need): number =>
    need === "all" ? stateJoinAll : need === "settled" ? stateJoinSettled : stateJoinAny;

  /** When it is awaited at once, that wait ends it, and nobody has to hear of its promise. */
  const takeJoin = (need: Need, isAwaited = false): number => takeOther(joinState(need), isAwaited);

  /** A row of an operation or a combination. */
  const takeOther = (state: number, isAwaited: boolean): number => {
    const row = take();
    if (row === 0) return 0;
    const parent = current;
    set(row, rowSite, header[headMark] as number);
    set(row, rowAt, header[headMark] as number);
    set(row, rowBorn, now());
    set(row, rowSince, header[headClock] as number);
    set(row, rowParent, parent === 0 ? 0 : get(parent, rowSeqLow));
    set(row, rowCreated, header[headMark] as number);
    set(row, rowWaitRow, 0);
    set(row, rowJoinerRow, 0);
    set(row, rowFlags, 0);
    set(row, rowHolds, 0);
    set(row, rowEpoch, (get(row, rowEpoch) + 1) | 0);
    set(row, rowState, state);
    header[headOthers] = ((header[headOthers] as number) + 1) | 0;
    pending++;
    if (!isAwaited) hearSettles();
    return row;
  };

  const combine = (need: Need, members: readonly number[], others: number): number => {
    const row = members.length === 0 ? 0 : takeJoin(need);
    if (row === 0) return 0;
    set(row, rowAsker, others);
    for (const member of members) joinedBy(member, row);
    return row;
  };

  const made = <Value>(site: number, value: Value): Value => {
    if ((typeof value === "object" && value !== null) || typeof value === "function") {
      guard(events.made, site, value);
    }
    return value;
  };

  const timer = <Value>(value: Value): Value => {
    lastTimer = value;
    return value;
  };

  const sleeps = <Value>(promise: Value): Value => {
    if (typeof promise === "object" && promise !== null && types.isPromise(promise))
      sleepOn(promise, takeTimer());
    return promise;
  };

  const never = <Value>(promise: Value): Value => {
    if (typeof promise === "object" && promise !== null && types.isPromise(promise))
      sleepOn(promise, rowNever);
    return promise;
  };

  const via = (value: unknown, event?: string): void => {
    if ((typeof value === "object" && value !== null) || typeof value === "function")
      guard(() => events.asks(value, event));
  };

  const waits = <Value>(promise: Value): Value => {
    guard(() => events.promised(promise));
    return promise;
  };

  const ownField = (object: unknown, field: string): unknown => {
    if (typeof object !== "object" || object === null || types.isProxy(object)) return unread;
    const property = getOwnPropertyDescriptor(object, field);
    return property !== undefined && "value" in property ? property.value : unread;
  };

  const keptValue = <Value>(at: number, read: number, before: unknown, value: Value, now: unknown): Value => {
    if (!is(before, now) && before !== unread && now !== unread) guard(overwrites, at, read);
    return value;
  };

  /** A timer settles this promise, or nothing ever does. */
  const sleepOn = (promise: object, row: number): void => {
    if (row === rowNone) return;
    if (armed) rememberPromise(promise, row, 0);
    else lastSuspended = row;
  };

  /** What stands for the timer that was created last, in the executor of a promise. */
  const takeTimer = (): number => {
    const timer = lastTimer;
    lastTimer = undefined;
    if (timer === undefined) return rowNone;
    try {
      return keepsAlive(timer) ? rowTimer : rowIdleTimer;
    } catch {
      return rowTimer;
    }
  };

  const get = (row: number, word: number): number =>
    (rows[row >>> segmentShift] as Int32Array)[(row & segmentMask) * rowWords + word] as number;

  const set = (row: number, word: number, value: number): void => {
    (rows[row >>> segmentShift] as Int32Array)[(row & segmentMask) * rowWords + word] = value;
  };

  const isTenant = (row: number, seqLow: number): boolean =>
    row !== 0 &&
    row >>> segmentShift < rows.length &&
    get(row, rowSeqLow) === seqLow &&
    get(row, rowState) !== stateFree;

  const rowOf = (value: unknown): number => {
    if (typeof value !== "object" || value === null) return 0;
    if (value === lastPromise) {
      // It is not the await right after the call: others may look for it too.
      stampLast();
    }
    const row = Math.abs(stampedRow(value));
    if (row === 0) return 0;
    return row < firstRow || isTenant(row, stampedSeq(value)) ? row : 0;
  };

  const stamp = (promise: object, row: number, inverse = false): void => {
    writeStamp(promise, inverse ? -row : row, get(row, rowSeqLow));
  };

  const now = (): number => {
    if (header[headQuiet] !== quietNo) wake();
    return header[headClock] as number;
  };

  const settled = (row: number, ofCallback: boolean): void => {
    const state = get(row, rowState);
    if (state === stateReturning) {
      endWait(row);
      endTask(row);
      rememberEnded(rows[row >>> segmentShift] as Int32Array, (row & segmentMask) * rowWords);
      core.free(row);
    } else if (state >= stateJoinAll) {
      if ((get(row, rowFlags) & flagAwaited) === 0) core.free(row);
    } else if (state >= stateOpWaiting) events.settled(row, ofCallback);
  };

  const core: Core = {
    tables,
    startMs,
    get,
    set,
    take: (state) => takeOther(state, false),
    takeUnsettled(state) {
      const row = takeOther(state, true);
      if (row !== 0) pending--;
      return row;
    },
    free(row) {
      pending--;
      set(row, rowFlags, 0);
      set(row, rowHolds, 0);
      free(row, rows[row >>> segmentShift] as Int32Array, (row & segmentMask) * rowWords);
    },
    forget(row) {
      if ((get(row, rowFlags) & flagIterates) !== 0) guard(events.iterated, row);
      set(row, rowFlags, 0);
      set(row, rowHolds, 0);
      own[row] = undefined;
      free(row, rows[row >>> segmentShift] as Int32Array, (row & segmentMask) * rowWords);
    },
    takeLife(row) {
      const life = lives[row];
      lives[row] = undefined;
      return life;
    },
    letGo() {
      if (lastPromise !== nothing) stampLast();
      lastMade = settledNow = kept = lastTimer = undefined;
    },
    rowOf,
    stamp,
    hasEnded: (promise) => !isPendingPerhaps(promise) && rowOf(promise) === 0,
    endedTask(promise) {
      if (promise === lastPromise) stampLast();
      if (stampedRow(promise) < firstRow) return undefined;
      const seqLow = stampedSeq(promise);
      const at = (seqLow & (endedTasks - 1)) * endedWords;
      if (ended[at] !== seqLow) return undefined;
      return { entry: ended[at + 1] as number, created: ended[at + 2] as number };
    },
    lastMade: () => lastMade,
    begins() {
      begins = true;
      lastMade = undefined;
    },
    hasBegun(promise) {
      const settled = promise === settledNow;
      begins = false;
      settledNow = undefined;
      return settled;
    },
    remember(promise, row) {
      rememberPromise(promise, row, get(row, rowSeqLow));
    },
    asker: (orIterating) => {
      if (!orIterating || iterating === 0) return current;
      // Since the loop began to ask, its caller has not come to another statement.
      const isNow = get(iterating, rowState) === stateIterating && header[headMark] === iteratingMark;
      const asker = isNow ? iterating : current;
      iterating = 0;
      return asker;
    },
    runAs(row, site, action) {
      const before = current;
      const mark = header[headMark] as number;
      current = row;
      header[headMark] = site;
      try {
        return action();
      } finally {
        current = before;
        header[headMark] = mark;
      }
    },
    now,
    watchPromises() {
      if (!wanted) watches();
      wanted = true;
      if (!armed) watch();
    },
    sleeps: (promise, keeps) => sleepOn(promise, keeps ? rowTimer : rowIdleTimer),
    combine,
  };

  const hooks: Hooks = {
    h: header,
    at,
    from,
    started,
    enter,
    enterBlind,
    enterGenerator,
    enterModule,
    leave,
    wait,
    woke,
    back,
    give,
    iterate,
    again,
    pause,
    resume,
    using,
    used,
    first,
    keep,
    join,
    joinAwaited,
    made,
    timer,
    sleeps,
    never,
    via,
    waits,
    own: ownField,
    kept: keptValue,
  };
  return { hooks, core };
}
