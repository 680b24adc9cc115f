import { types } from "node:util";
import type {
  BlockingVerb,
  Callback,
  Guard,
  Operation,
  OperationOptions,
  Probe,
  ResourceType,
} from "@unknot/models/probe.ts";
import type { OverRelease } from "@unknot/protocol/over-release.ts";
import type { ResourceKind } from "@unknot/protocol/resource.ts";
import type { ContentionRecorder } from "./contention.ts";
import {
  firstRow,
  flagAnyone,
  flagBorrows,
  flagCallbackOver,
  flagCancellable,
  flagEndsWithJob,
  flagGiven,
  flagJob,
  flagOwn,
  flagRefusable,
  flagScoped,
  flagShared,
  flagUntilMade,
  headMark,
  headWaiting,
  resourceCapacity,
  resourceClosed,
  resourceCreated,
  resourceIdHigh,
  resourceIdLow,
  resourceLength,
  resourceMask,
  resourceNext,
  resourceOperations,
  resourceShift,
  resourceType,
  resourceWords,
  rowAmount,
  rowAsker,
  rowAt,
  rowCreated,
  rowFlags,
  rowHolds,
  rowJobRow,
  rowJobSeq,
  rowJoinerRow,
  rowJoinerSeq,
  rowLimit,
  rowOperation,
  rowParent,
  rowPriority,
  rowResource,
  rowSeqLow,
  rowSince,
  rowSite,
  rowState,
  rowWaitRow,
  rowWaitSeq,
  stateIterating,
  stateOpDropped,
  stateOpHolding,
  stateOpWaiting,
  stateReturning,
  stateWaiting,
  operations as verbs,
} from "./layout.ts";
import { isUnordered, stateOf } from "./operation-state.ts";
import type { Core, OperationEvents } from "./runtime.ts";
import { freshResource, type NewSegment } from "./tables.ts";

/** What the transform knows of an await, as far as operations need it; bits of `SiteFlags`. */
export interface SiteKnowledge {
  /** The awaited value is a release function that never leaves the function. */
  readonly ownsHandle: (site: number) => boolean;
  /** The function gives back by a method of the resource. */
  readonly releasesHere: (site: number) => boolean;
  /** The function returns what a call gave it here, and nobody else gets it. */
  readonly givesHandle: (site: number) => boolean;
}

export interface OperationsOptions {
  readonly core: Core;
  readonly sites: SiteKnowledge;
  readonly contention: ContentionRecorder;
  readonly grew: (segment: NewSegment) => void;
  /** A class of resources was announced: its number is the index among all. */
  readonly announced: (type: ResourceType, index: number) => void;
  readonly overReleased: (what: OverReleased) => void;
  readonly guard: Guard;
  /** Where an operation is called from, when the program itself does not say it. */
  readonly callSite?: (() => number) | undefined;
  /** What is waited for by asking this by hand; undefined when that is not known. */
  readonly askedBy?: ((value: object, event: string | undefined) => Asked | undefined) | undefined;
  /** What a loop over this waits for; undefined when that is not known, or told by what it loops over. */
  readonly iteratedBy?: ((value: object) => Asked | undefined) | undefined;
  /** Where a package calls a callback that nobody of the program has asked for. */
  readonly packageSite?: (() => number) | undefined;
  /** Remembers that one function stands for another. */
  readonly replaces: (wrapper: Callback, original: Callback) => void;
}

/** What is waited for, and how. */
export interface Asked {
  readonly resource: object;
  readonly verb: BlockingVerb;
}

/** Something was given back once too often; places are sites, 0 where they are not known. */
export interface OverReleased {
  readonly type: number;
  readonly created: number;
  readonly outcome: OverRelease["outcome"];
  readonly at: number;
  readonly taken: number;
  readonly capacity?: number;
  readonly free?: number;
}

/** So many of the tasks that gave something back last are remembered, and as many whose hold was ended by others. */
const mostGivers = 64;

/** A hold that was ended by somebody who had given back his own before. */
interface Freed {
  readonly at: number;
  readonly taken: number;
}

/** One resource of the program, as long as the program has it. */
interface Known {
  readonly id: number;
  readonly type: number;
  capacity: number;
  created: number;
  length: number;
  closed: boolean;
  /** Its slot in the shared table while operations wait or hold; 0 otherwise. */
  slot: number;
  readonly operations: Set<number>;
  /** Operations that queue for it and that hold it. */
  queued: number;
  holds: number;
  /** Ticks that others have waited for each hold that was there all the time, up to the tick that follows. */
  delay: number;
  delayUntil: number;
  /** As much may be free as there was at the start, or was found to be too much before; 0 when that is not known. */
  most: number;
  /** The tasks that have given back what they held and have not taken it again, by the low words of their ids. */
  givers: Set<number> | undefined;
  /** By the low words of the ids of those who held: holds that were perhaps ended by mistake. */
  freed: Map<number, Freed> | undefined;
  /** Where what nobody held was given back last. */
  surplusAt: number;
  /** Of what an instrumentation has made itself: the object, while operations are pending. */
  kept?: object | undefined;
  readonly isOurs: boolean;
}

// As it is before a program or a test puts another in its place.
const { queueMicrotask } = globalThis;

/** The probe that writes operations and resources into the shared tables. */
export function createOperations(options: OperationsOptions): { probe: Probe; events: OperationEvents } {
  const {
    core,
    sites,
    contention,
    grew,
    announced,
    overReleased,
    guard,
    replaces,
    callSite,
    packageSite,
    askedBy,
    iteratedBy,
  } = options;
  const { get, set, tables } = core;
  const { header } = tables;
  const known = new WeakMap<object, Known>();
  const byPrototype = new WeakMap<object, { readonly type: ResourceType; readonly index: number }>();
  const typeIndexes = new Map<ResourceType, number>();
  const allTypes: ResourceType[] = [];
  const resourceOf = new Map<number, Known>();
  const loopResources = new Map<number, Known>();
  const whenGranted = new Map<number, () => boolean>();
  /** The delay of its resource when an operation was granted, if there was any by then. */
  const delayBefore = new Map<number, number>();
  /** By type of resource. */
  const jobSites = new Map<number, number>();
  let lastId = 0;
  let freeSlots = 0;
  let refusing = 0;
  /** By row of a task, its loops over streams: their sites with the operations that stand for them. */
  const loops = new Map<number, Map<number, number>>();
  /** What the executor of a promise has asked for, until that promise is there. */
  let pendingAsk: Operation = 0;

  const kindOf = (resource: Known): ResourceKind | undefined => allTypes[resource.type]?.kind;

  const typeIndex = (type: ResourceType): number => {
    let index = typeIndexes.get(type);
    if (index === undefined) {
      index = typeIndexes.size;
      typeIndexes.set(type, index);
      allTypes.push(type);
      announced(type, index);
    }
    return index;
  };

  const capacityOf = (type: ResourceType, object: object): number => {
    const capacity = guard(() => type.capacity?.(object));
    return typeof capacity === "number" && Number.isFinite(capacity) ? Math.trunc(capacity) : -1;
  };

  const create = (
    object: object,
    type: ResourceType,
    { isNew = false, isOurs = false }: { readonly isNew?: boolean; readonly isOurs?: boolean } = {},
  ): Known => {
    const resource: Known = {
      id: ++lastId,
      type: typeIndex(type),
      capacity: capacityOf(type, object),
      created: 0,
      length: -1,
      closed: false,
      slot: 0,
      operations: new Set(),
      queued: 0,
      holds: 0,
      delay: 0,
      delayUntil: 0,
      most: 0,
      givers: undefined,
      freed: undefined,
      surplusAt: 0,
      isOurs,
    };
    if (type.fixed || isNew) resource.most = Math.max(0, resource.capacity);
    known.set(object, resource);
    return resource;
  };

  /** The type of an object by its class or one of the classes above. */
  const typeOf = (object: object): ResourceType | undefined => {
    if (types.isProxy(object)) return undefined;
    let prototype: object | null = Object.getPrototypeOf(object);
    for (let depth = 0; prototype !== null && depth < 8; depth++) {
      const found = byPrototype.get(prototype);
      if (found !== undefined) return found.type;
      prototype = types.isProxy(prototype) ? null : Object.getPrototypeOf(prototype);
    }
    return undefined;
  };

  const find = (object: object, isNew = false): Known | undefined => {
    const resource = known.get(object);
    if (resource !== undefined) return resource;
    const type = typeOf(object);
    return type === undefined ? undefined : create(object, type, { isNew });
  };

  const word = (slot: number, index: number, value: number): void => {
    const segment = tables.resources[slot >>> resourceShift];
    if (segment !== undefined) segment[(slot & resourceMask) * resourceWords + index] = value;
  };

  const publish = (resource: Known): number => {
    if (resource.slot !== 0) return resource.slot;
    let slot = freeSlots;
    if (slot !== 0) {
      freeSlots = (tables.resources[slot >>> resourceShift] as Int32Array)[
        (slot & resourceMask) * resourceWords + resourceNext
      ] as number;
    } else slot = freshResource(tables, grew);
    if (slot === 0) return 0;
    resource.slot = slot;
    word(slot, resourceType, resource.type);
    word(slot, resourceIdHigh, Math.floor(resource.id / 2 ** 32));
    update(resource);
    word(slot, resourceIdLow, resource.id | 0);
    return slot;
  };

  const update = (resource: Known): void => {
    const { slot } = resource;
    const segment = slot === 0 ? undefined : tables.resources[slot >>> resourceShift];
    if (segment === undefined) return;
    const base = (slot & resourceMask) * resourceWords;
    segment[base + resourceCreated] = resource.created;
    segment[base + resourceCapacity] = resource.capacity;
    segment[base + resourceLength] = resource.length;
    segment[base + resourceClosed] = resource.closed ? 1 : 0;
    segment[base + resourceOperations] = resource.operations.size;
  };

  const withdraw = (resource: Known): void => {
    const { slot } = resource;
    if (slot === 0) return;
    resource.slot = 0;
    resource.kept = undefined;
    word(slot, resourceIdLow, 0);
    word(slot, resourceNext, freeSlots);
    freeSlots = slot;
  };

  const begin = (
    object: object | undefined,
    verb: BlockingVerb,
    {
      amount = 1,
      priority = 0,
      cancellable = false,
      refusable = false,
      shared = false,
      borrows = false,
      of = 0,
    }: OperationOptions,
  ): Operation => {
    core.watchPromises();
    const resource = object === undefined ? undefined : find(object);
    // Whose `for await` asks for its next item can only be told from what happened last: good enough for channels.
    const asker = core.asker(verb === "receive" || verb === "select");
    const operation = core.take(stateOpWaiting);
    if (operation === 0) return 0;
    set(operation, rowOperation, verbs.indexOf(verb));
    set(operation, rowAmount, amount);
    set(operation, rowPriority, Math.trunc(priority) | 0);
    set(
      operation,
      rowFlags,
      (cancellable ? flagCancellable : 0) |
        (refusable ? flagRefusable : 0) |
        (shared ? flagShared : 0) |
        (borrows ? flagBorrows : 0),
    );
    set(operation, rowJobRow, 0);
    const whole = rowOf(of);
    if (whole === 0) {
      if (callSite !== undefined) setPlace(operation, callSite());
      set(operation, rowAsker, asker);
      set(operation, rowParent, asker === 0 ? 0 : get(asker, rowSeqLow));
    } else
      for (const each of [rowAsker, rowParent, rowSite, rowAt, rowCreated])
        set(operation, each, get(whole, each));
    set(operation, rowResource, 0);
    if (resource !== undefined) {
      if (resource.isOurs) resource.kept = object;
      resource.operations.add(operation);
      resourceOf.set(operation, resource);
      set(operation, rowResource, publish(resource));
      update(resource);
      if (queues(operation)) {
        accrue(resource);
        resource.queued++;
      }
    }
    header[headWaiting] = (header[headWaiting] as number) + 1;
    if (asker !== 0 && get(asker, rowState) === stateIterating) {
      set(asker, rowWaitRow, -operation);
      set(asker, rowWaitSeq, get(operation, rowSeqLow));
    }
    core.begins();
    return handleOf(operation);
  };

  const setPlace = (operation: number, site: number): void => {
    set(operation, rowSite, site);
    set(operation, rowAt, site);
    set(operation, rowCreated, site);
  };

  // Rows are used again, and a library may speak of an operation long after it has ended.
  const handleOf = (operation: number): Operation => {
    const handle: unknown = operation === 0 ? 0 : (get(operation, rowSeqLow) >>> 0) * rowLimit + operation;
    return handle as Operation;
  };

  /** The row of an operation; 0 when it has ended. */
  const rowOf = (operation: Operation): number => {
    const handle = operation as unknown as number;
    const row = handle % rowLimit;
    return isPending(row) && get(row, rowSeqLow) === (((handle - row) / rowLimit) | 0) ? row : 0;
  };

  const isPending = (operation: number): boolean => {
    if (operation < firstRow) return false;
    const state = get(operation, rowState);
    return state === stateOpWaiting || state === stateOpHolding || state === stateOpDropped;
  };

  /** The task that asked, when it has not ended. */
  const askerOf = (operation: number): number => {
    const asker = get(operation, rowAsker);
    const parent = get(operation, rowParent);
    return asker >= firstRow && parent !== 0 && get(asker, rowSeqLow) === parent ? asker : 0;
  };

  /** A task waits for this operation and nothing else. */
  const isAwaited = (operation: number): boolean => {
    const joiner = get(operation, rowJoinerRow);
    return (
      joiner >= firstRow &&
      get(joiner, rowSeqLow) === get(operation, rowJoinerSeq) &&
      get(joiner, rowState) === stateWaiting &&
      get(joiner, rowWaitRow) === operation &&
      get(joiner, rowWaitSeq) === get(operation, rowSeqLow)
    );
  };

  const stopWaiting = (operation: number): void => {
    if (get(operation, rowState) !== stateOpWaiting) return;
    header[headWaiting] = (header[headWaiting] as number) - 1;
    const resource = resourceOf.get(operation);
    if (core.now() !== get(operation, rowSince)) {
      const verb = verbs[get(operation, rowOperation)] ?? "acquire";
      const isShared = (get(operation, rowFlags) & flagShared) !== 0;
      const state = stateOf(verb, resource && kindOf(resource), isShared);
      guard(contention.waitedFor, operation, state, resource);
    }
    if (resource === undefined || !queues(operation)) return;
    accrue(resource);
    resource.queued--;
  };

  const queues = (operation: number): boolean =>
    !isUnordered(verbs[get(operation, rowOperation)] ?? "acquire");

  /** Up to now those who queue have waited for those who hold. */
  const accrue = (resource: Known): void => {
    const now = core.now();
    if (resource.queued > 0 && resource.holds > 0) {
      resource.delay += (resource.queued * ((now - resource.delayUntil) | 0)) / resource.holds;
    }
    resource.delayUntil = now;
  };

  const startHold = (operation: number): void => {
    const resource = resourceOf.get(operation);
    if (resource === undefined) return;
    accrue(resource);
    resource.holds++;
    if (resource.delay > 0) delayBefore.set(operation, resource.delay);
    hasTaken(resource, get(operation, rowParent));
  };

  /** What a task gives back from now on is its own. */
  const hasTaken = (resource: Known, id: number): void => {
    resource.givers?.delete(id);
    resource.freed?.delete(id);
  };

  const rememberGiver = (operation: number, resource: Known): void => {
    if ((get(operation, rowFlags) & flagScoped) !== 0) return;
    const asker = core.asker(false);
    if (asker === 0 || askerOf(operation) !== asker) return;
    resource.givers ??= new Set();
    resource.givers.add(get(asker, rowSeqLow));
    forgetOldest(resource.givers);
  };

  const endHold = (operation: number): void => {
    const resource = resourceOf.get(operation);
    if (resource === undefined) return;
    accrue(resource);
    resource.holds--;
    const delay = resource.delay - (delayBefore.get(operation) ?? 0);
    delayBefore.delete(operation);
    rememberGiver(operation, resource);
    if (core.now() === get(operation, rowSince)) return;
    const by = core.asker(false);
    const given = (get(operation, rowFlags) & flagScoped) === 0 && by !== 0;
    const mark = given ? (header[headMark] as number) : 0;
    guard(contention.held, operation, resource, { mark, by: given ? by : 0, delay });
  };

  /** What a callback holds goes with the callback; only what a task has to give back itself is counted. */
  const countHold = (operation: number, by: 1 | -1): void => {
    const asker = (get(operation, rowFlags) & flagScoped) === 0 ? askerOf(operation) : 0;
    if (asker !== 0) set(asker, rowHolds, Math.max(0, get(asker, rowHolds) + by));
  };

  const grant = (operation: number): void => {
    if (operation < firstRow || get(operation, rowState) !== stateOpWaiting) return;
    stopWaiting(operation);
    startHold(operation);
    set(operation, rowSince, core.now());
    set(operation, rowState, stateOpHolding);
    countHold(operation, 1);
    whenGranted.delete(operation);
  };

  const end = (operation: number): void => {
    if (!isPending(operation)) return;
    if (get(operation, rowState) === stateOpHolding) {
      countHold(operation, -1);
      endHold(operation);
    }
    stopWaiting(operation);
    whenGranted.delete(operation);
    const resource = resourceOf.get(operation);
    resourceOf.delete(operation);
    core.free(operation);
    if (resource === undefined) return;
    resource.operations.delete(operation);
    if (resource.operations.size === 0) withdraw(resource);
    else update(resource);
  };

  const runs = (operation: number) => {
    if (get(operation, rowSite) === 0) setPlace(operation, placeOfJobs(operation));
    grant(operation);
  };

  /** Runs the callback of an operation in its name and learns what it gave back. */
  const run = (handle: Operation, callback: Callback, self: unknown, args: unknown[]): unknown => {
    const operation = rowOf(handle);
    if (operation === 0) return Reflect.apply(callback, self, args);
    guard(runs, operation);
    let result: unknown;
    let threw = true;
    core.begins();
    try {
      // What the callback starts was started by who asked, where it asked.
      result = core.runAs(askerOf(operation), get(operation, rowSite), () =>
        Reflect.apply(callback, self, args),
      );
      threw = false;
    } finally {
      guard(ran, rowOf(handle), result, threw || core.hasBegun(result));
    }
    return result;
  };

  /** The same for all jobs of a library: it has one place where it calls them. */
  const placeOfJobs = (operation: number): number => {
    const type = resourceOf.get(operation)?.type ?? -1;
    let site = jobSites.get(type) ?? 0;
    if (site === 0) {
      site = packageSite?.() ?? 0;
      jobSites.set(type, site);
    }
    return site;
  };

  const ran = (operation: number, result: unknown, isOver: boolean): void => {
    if (!isPending(operation)) return;
    const job = isOver ? 0 : core.rowOf(result);
    if (job >= firstRow) {
      set(operation, rowJobRow, job);
      set(operation, rowJobSeq, get(job, rowSeqLow));
      set(job, rowJoinerRow, operation);
      set(job, rowJoinerSeq, get(operation, rowSeqLow));
      set(job, rowFlags, get(job, rowFlags) | flagJob);
    } else if (!isOver && types.isPromise(result) && !core.hasEnded(result))
      core.stamp(result, operation, true);
    else if ((get(operation, rowFlags) & flagEndsWithJob) !== 0) end(operation);
  };

  const settled = (operation: number, ofCallback: boolean): void => {
    if (!isPending(operation)) return;
    const state = get(operation, rowState);
    if (ofCallback) {
      const flags = get(operation, rowFlags);
      if ((flags & (flagEndsWithJob | flagUntilMade)) !== 0) end(operation);
      else set(operation, rowFlags, flags | flagCallbackOver);
      return;
    }
    if (state === stateOpHolding) {
      // A limiter's promise is settled with its job, or before it when a timeout gives the slot to another.
      if ((get(operation, rowFlags) & (flagEndsWithJob | flagBorrows)) !== 0) end(operation);
      return;
    }
    const granted = whenGranted.get(operation);
    if (granted === undefined && (get(operation, rowFlags) & flagRefusable) !== 0) {
      // Nothing tells here whether it is fulfilled; the task that awaits it will.
      if (!isAwaited(operation)) end(operation);
      return;
    }
    const isGrant = granted === undefined ? verbs[get(operation, rowOperation)] === "acquire" : granted();
    if (isGrant && refusing === 0 && state === stateOpWaiting) grant(operation);
    else end(operation);
  };

  const promised = (handle: Operation, promise: unknown): void => {
    const isSettled = core.hasBegun(promise);
    const operation = rowOf(handle);
    if (operation === 0 || !types.isPromise(promise)) return;
    core.remember(promise, operation);
    if (!isSettled) return;
    const isDecided = whenGranted.has(operation) || (get(operation, rowFlags) & flagRefusable) === 0;
    if (isDecided) settled(operation, false);
    // Whoever awaits it does so when this call is over.
    else queueMicrotask(() => guard(settled, rowOf(handle), false));
  };

  const grantedBy = (handle: Operation, promise: unknown, granted: () => boolean): void => {
    const operation = rowOf(handle);
    if (operation === 0 || !types.isPromise(promise)) return;
    whenGranted.set(operation, granted);
    core.stamp(promise, operation);
  };

  const heldUntil = (handle: Operation, promise: unknown): void => {
    const operation = rowOf(handle);
    if (operation === 0 || !types.isPromise(promise)) return;
    set(operation, rowFlags, get(operation, rowFlags) | flagUntilMade);
    core.stamp(promise, operation, true);
  };

  const changed: Probe["changed"] = (object, state) => {
    const resource = find(object);
    if (resource === undefined) return;
    if (state.capacity !== undefined) {
      resource.capacity = Number.isFinite(state.capacity) ? Math.trunc(state.capacity) : -1;
      // What was taken before comes back as well.
      resource.most = 0;
    }
    if (state.length !== undefined) resource.length = state.length;
    if (state.closed !== undefined) resource.closed = state.closed;
    update(resource);
  };

  const probe: Probe = {
    describe: (prototype, type) =>
      guard(() => void byPrototype.set(prototype, { type, index: typeIndex(type) })),
    introduce: (object, type, isOurs) =>
      guard(() => void (known.has(object) || create(object, type, { isOurs: isOurs === true }))),
    begin: (resource, verb, operation = {}) => guard(begin, resource, verb, operation) ?? 0,
    isPending: (handle) => rowOf(handle) !== 0,
    promised: (handle, promise) => guard(promised, handle, promise),
    promisedBy: (handle, thenable) =>
      guard(() => {
        const operation = rowOf(handle);
        if (operation !== 0) core.remember(thenable, operation);
      }),
    grantedBy: (handle, promise, granted) => guard(grantedBy, handle, promise, granted),
    granted: (handle) => guard(grant, rowOf(handle)),
    heldUntilMade: (handle) => guard(heldUntil, handle, core.lastMade()),
    heldUntil: (handle, promise) => guard(heldUntil, handle, promise),
    cancellable: (handle) =>
      guard(() => {
        const operation = rowOf(handle);
        if (operation !== 0) set(operation, rowFlags, get(operation, rowFlags) | flagCancellable);
      }),
    callback(handle, callback, { endsWithCallback }) {
      const operation = rowOf(handle);
      if (operation === 0 || typeof callback !== "function") return callback;
      set(
        operation,
        rowFlags,
        get(operation, rowFlags) | flagScoped | (endsWithCallback ? flagEndsWithJob : 0),
      );
      // Without a name, as most callbacks are.
      const [job = callback] = [
        function (this: unknown, ...args: unknown[]): unknown {
          return run(handle, callback, this, args);
        },
      ];
      guard(replaces, job, callback);
      return job;
    },
    released: (handle) => guard(end, rowOf(handle)),
    releasedBySomebody: (object) => guard(releaseOne, object),
    gaveBack: (object) => guard(checkFree, object),
    refusing(action) {
      refusing++;
      try {
        return action();
      } finally {
        refusing--;
      }
    },
    dropped: (object) =>
      guard(() => {
        for (const operation of known.get(object)?.operations ?? []) {
          if (get(operation, rowState) !== stateOpWaiting) continue;
          stopWaiting(operation);
          set(operation, rowState, stateOpDropped);
        }
      }),
    changed: (object, state) => guard(changed, object, state),
    joined: (promise, members) =>
      guard(() => {
        if (!types.isPromise(promise)) return;
        const row = core.combine("all", members.map(rowOf).filter(isPending), 0);
        if (row !== 0) core.stamp(promise, row);
      }),
    sleeps: (promise, keepsAlive) =>
      guard(() => {
        if (types.isPromise(promise)) core.sleeps(promise, keepsAlive);
      }),
    guard,
    replaces,
  };

  /** Somebody's hold ends: that of the running task if it has one, else the oldest. */
  const releaseOne = (object: object): void => {
    const resource = known.get(object);
    if (resource === undefined) return;
    const holds = [...resource.operations].filter((operation) => get(operation, rowState) === stateOpHolding);
    const asker = core.asker(false);
    const own = holds.find((operation) => asker !== 0 && askerOf(operation) === asker);
    // What a callback was given is given back when that is over, and by nobody else.
    const over = holds.find((operation) => (get(operation, rowFlags) & flagCallbackOver) !== 0);
    const ended = own ?? over ?? holds[0];
    if (own === undefined && over === undefined && asker !== 0) checkGiver(resource, asker, ended);
    if (ended !== undefined) end(ended);
  };

  /**
   * A task that holds nothing gives back, and so ends the hold of another one. That is fine where the other has handed
   * it on. It was a mistake when that one gives back as well: two have given back what was taken once.
   */
  const checkGiver = (resource: Known, asker: number, ended: number | undefined): void => {
    const id = get(asker, rowSeqLow);
    const known = resource.freed?.get(id);
    resource.freed?.delete(id);
    resource.surplusAt = known?.at ?? (header[headMark] as number);
    if (known !== undefined && kindOf(resource) === "mutex") {
      const { type, created } = resource;
      overReleased({ type, created, outcome: "freed", ...known });
    }
    const holder = ended === undefined ? 0 : askerOf(ended);
    if (ended === undefined || holder === 0) return;
    // Who gives back twice, or whose own hold was ended so, ends that of the next.
    if (known === undefined && !resource.givers?.has(id)) return;
    resource.freed ??= new Map();
    resource.freed.set(get(holder, rowSeqLow), {
      at: known?.at ?? (header[headMark] as number),
      taken: get(ended, rowSite),
    });
    forgetOldest(resource.freed);
  };

  /** More is free than there was at the start, so that somebody has given back what nobody had taken. */
  const checkFree = (object: object): void => {
    const resource = known.get(object);
    if (resource === undefined || resource.most === 0) return;
    const free = allTypes[resource.type]?.free?.(object);
    if (free === undefined || free <= resource.most) return;
    resource.most = free;
    const { type, created, capacity, surplusAt } = resource;
    const at = surplusAt || (header[headMark] as number);
    resource.surplusAt = 0;
    overReleased({ type, created, outcome: "grown", at, taken: 0, capacity, free });
  };

  /** What a loop waits for, each time that it asks for more: it takes no turn, and how long is told by the task. */
  const beginLoop = (row: number, site: number, { resource: object, verb }: Asked): number => {
    const resource = find(object);
    if (resource === undefined) return 0;
    const operation = core.takeUnsettled(stateOpWaiting);
    if (operation === 0) return 0;
    set(operation, rowOperation, verbs.indexOf(verb));
    set(operation, rowAmount, 1);
    set(operation, rowPriority, 0);
    set(operation, rowFlags, 0);
    set(operation, rowJobRow, 0);
    set(operation, rowAsker, row);
    set(operation, rowParent, get(row, rowSeqLow));
    setPlace(operation, site);
    if (resource.isOurs) resource.kept = object;
    resource.operations.add(operation);
    set(operation, rowResource, publish(resource));
    update(resource);
    loopResources.set(operation, resource);
    return operation;
  };

  const endLoop = (operation: number): void => {
    const resource = loopResources.get(operation);
    loopResources.delete(operation);
    core.forget(operation);
    if (resource === undefined) return;
    resource.operations.delete(operation);
    if (resource.operations.size === 0) withdraw(resource);
    else update(resource);
  };

  /** Who can give back what a task gets at this site. */
  const takesAt = (operation: number, site: number): void => {
    const flags = get(operation, rowFlags);
    if (sites.ownsHandle(site)) set(operation, rowFlags, flags | flagOwn);
    else if (sites.givesHandle(site)) set(operation, rowFlags, flags | flagGiven);
    else if (sites.releasesHere(site)) set(operation, rowFlags, flags | flagOwn | flagAnyone);
  };

  const events: OperationEvents = {
    settled,
    holderEnded(row) {
      const seqLow = get(row, rowSeqLow);
      const joiner = get(row, rowJoinerRow);
      const heir =
        joiner >= firstRow &&
        get(joiner, rowSeqLow) === get(row, rowJoinerSeq) &&
        (get(joiner, rowState) === stateWaiting || get(joiner, rowState) === stateReturning) &&
        get(joiner, rowWaitRow) === row &&
        get(joiner, rowWaitSeq) === seqLow
          ? joiner
          : 0;
      for (const operation of resourceOf.keys()) {
        if (get(operation, rowState) !== stateOpHolding) continue;
        if (get(operation, rowAsker) !== row || get(operation, rowParent) !== seqLow) continue;
        const flags = get(operation, rowFlags);
        // Who alone could give it back has ended: it will not come back.
        if ((flags & (flagOwn | flagScoped)) !== 0) continue;
        // A function that takes a lock and ends hands it to whoever waits for it, else to somebody unknown.
        set(operation, rowAsker, heir);
        set(operation, rowParent, heir === 0 ? 0 : get(heir, rowSeqLow));
        set(operation, rowFlags, flags & ~flagGiven);
        if (heir === 0) continue;
        if ((flags & flagGiven) !== 0) takesAt(operation, get(heir, rowAt));
        set(heir, rowHolds, get(heir, rowHolds) + 1);
        const resource = resourceOf.get(operation);
        if (resource !== undefined) hasTaken(resource, get(heir, rowSeqLow));
      }
    },
    awaited(operation, site) {
      if (isPending(operation)) takesAt(operation, site);
    },
    answered(operation, failed) {
      // Who gave up waits no longer, whatever the library still has in its queue.
      const isRefusable = (get(operation, rowFlags) & flagRefusable) !== 0;
      if (get(operation, rowState) !== stateOpWaiting) settled(operation, false);
      else if (failed) end(operation);
      else if (isRefusable && verbs[get(operation, rowOperation)] === "acquire") grant(operation);
      else settled(operation, false);
    },
    made(site, value) {
      const resource = find(value, true);
      if (resource === undefined || resource.created !== 0) return;
      resource.created = site;
      update(resource);
    },
    iterates(row, site, value) {
      const asked = iteratedBy?.(value);
      const ofTask = loops.get(row);
      const before = ofTask?.get(site) ?? 0;
      if (before !== 0) endLoop(before);
      ofTask?.delete(site);
      if (asked === undefined) return 0;
      const operation = beginLoop(row, site, asked);
      if (operation === 0) return 0;
      if (ofTask === undefined) loops.set(row, new Map([[site, operation]]));
      else ofTask.set(site, operation);
      return operation;
    },
    iteration: (row, site) => loops.get(row)?.get(site) ?? 0,
    loopWaited(row) {
      const operation = get(row, rowState) === stateIterating ? -get(row, rowWaitRow) : 0;
      const resource = loopResources.get(operation);
      if (resource === undefined) return false;
      const verb = verbs[get(operation, rowOperation)] ?? "listen";
      set(operation, rowSince, get(row, rowSince));
      contention.waitedFor(operation, stateOf(verb, kindOf(resource), false), resource);
      return true;
    },
    iterated(row) {
      for (const operation of loops.get(row)?.values() ?? []) endLoop(operation);
      loops.delete(row);
    },
    asks(value, event) {
      // Another promise was begun inside this one: which of them waits for what is not known.
      if (pendingAsk !== 0) probe.released(pendingAsk);
      pendingAsk = 0;
      const asked = askedBy?.(value, event);
      if (asked !== undefined) pendingAsk = begin(asked.resource, asked.verb, {});
    },
    promised(promise) {
      const handle = pendingAsk;
      pendingAsk = 0;
      if (handle === 0) return;
      if (types.isPromise(promise)) probe.promised(handle, promise);
      else probe.released(handle);
    },
  };

  return { probe, events };
}

function forgetOldest(tasks: Set<number> | Map<number, unknown>): void {
  if (tasks.size <= mostGivers) return;
  for (const oldest of tasks.keys()) {
    tasks.delete(oldest);
    return;
  }
}
