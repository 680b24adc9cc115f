import { types } from "node:util";
import type {
  BlockingVerb,
  Callback,
  Operation,
  OperationOptions,
  Probe,
  ResourceType,
} from "@unknot/models/probe.ts";
import {
  firstRow,
  flagAnyone,
  flagCancellable,
  flagEndsWithJob,
  flagJob,
  flagOwn,
  flagScoped,
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
  stateWaiting,
  operations as verbs,
} from "./layout.ts";
import type { Core, OperationEvents } from "./runtime.ts";
import { freshResource, type NewSegment } from "./tables.ts";

/** What the transform knows of an await, as far as operations need it; bits of `SiteFlags`. */
export interface SiteKnowledge {
  /** The awaited value is a release function that never leaves the function. */
  readonly ownsHandle: (site: number) => boolean;
  /** The function gives back by a method of the resource. */
  readonly releasesHere: (site: number) => boolean;
}

export interface OperationsOptions {
  readonly core: Core;
  readonly sites: SiteKnowledge;
  readonly grew: (segment: NewSegment) => void;
  /** A class of resources was announced: its number is the index among all. */
  readonly announced: (type: ResourceType, index: number) => void;
  readonly guard: <Result>(part: () => Result) => Result | undefined;
  /** Where an operation is called from, when the program itself does not say it. */
  readonly callSite?: (() => number) | undefined;
  /** Remembers that one function stands for another. */
  readonly replaces: (wrapper: Callback, original: Callback) => void;
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
}

/** The probe that writes operations and resources into the shared tables. */
export function createOperations(options: OperationsOptions): { probe: Probe; events: OperationEvents } {
  const { core, sites, grew, announced, guard, replaces, callSite } = options;
  const { get, set, tables } = core;
  const { header } = tables;
  const known = new WeakMap<object, Known>();
  const byPrototype = new WeakMap<object, { readonly type: ResourceType; readonly index: number }>();
  const typeIndexes = new Map<ResourceType, number>();
  const resourceOf = new Map<number, Known>();
  const whenGranted = new Map<number, () => boolean>();
  let lastId = 0;
  let freeSlots = 0;
  let refusing = 0;

  const typeIndex = (type: ResourceType): number => {
    let index = typeIndexes.get(type);
    if (index === undefined) {
      index = typeIndexes.size;
      typeIndexes.set(type, index);
      announced(type, index);
    }
    return index;
  };

  const capacityOf = (type: ResourceType, object: object): number => {
    const capacity = guard(() => type.capacity?.(object));
    return typeof capacity === "number" && Number.isFinite(capacity) ? Math.trunc(capacity) : -1;
  };

  const create = (object: object, type: ResourceType, created: number): Known => {
    const resource: Known = {
      id: ++lastId,
      type: typeIndex(type),
      capacity: capacityOf(type, object),
      created,
      length: -1,
      closed: false,
      slot: 0,
      operations: new Set(),
    };
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

  const find = (object: object): Known | undefined => {
    const resource = known.get(object);
    if (resource !== undefined) return resource;
    const type = typeOf(object);
    return type === undefined ? undefined : create(object, type, 0);
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
    if (resource.slot === 0) return;
    word(resource.slot, resourceCreated, resource.created);
    word(resource.slot, resourceCapacity, resource.capacity);
    word(resource.slot, resourceLength, resource.length);
    word(resource.slot, resourceClosed, resource.closed ? 1 : 0);
    word(resource.slot, resourceOperations, resource.operations.size);
  };

  const withdraw = (resource: Known): void => {
    const { slot } = resource;
    if (slot === 0) return;
    resource.slot = 0;
    word(slot, resourceIdLow, 0);
    word(slot, resourceNext, freeSlots);
    freeSlots = slot;
  };

  const begin = (
    object: object | undefined,
    verb: BlockingVerb,
    { amount = 1, priority = 0, cancellable = false }: OperationOptions,
  ): number => {
    core.watchPromises();
    const resource = object === undefined ? undefined : find(object);
    // Whose `for await` asks for its next item can only be told from what happened last: good enough for channels.
    const asker = core.asker(verb === "receive" || verb === "select");
    const operation = core.take(stateOpWaiting);
    if (operation === 0) return 0;
    set(operation, rowOperation, verbs.indexOf(verb));
    set(operation, rowAmount, amount);
    set(operation, rowPriority, Math.trunc(priority) | 0);
    set(operation, rowFlags, cancellable ? flagCancellable : 0);
    set(operation, rowJobRow, 0);
    if (callSite !== undefined) setPlace(operation, callSite());
    set(operation, rowAsker, asker);
    set(operation, rowParent, asker === 0 ? 0 : get(asker, rowSeqLow));
    set(operation, rowResource, 0);
    if (resource !== undefined) {
      resource.operations.add(operation);
      resourceOf.set(operation, resource);
      set(operation, rowResource, publish(resource));
      update(resource);
    }
    header[headWaiting] = (header[headWaiting] as number) + 1;
    if (asker !== 0 && get(asker, rowState) === stateIterating) {
      set(asker, rowWaitRow, -operation);
      set(asker, rowWaitSeq, get(operation, rowSeqLow));
    }
    core.begins();
    return operation;
  };

  const setPlace = (operation: number, site: number): void => {
    set(operation, rowSite, site);
    set(operation, rowAt, site);
    set(operation, rowCreated, site);
  };

  // Rows are used again, and a library may speak of an operation long after it has ended.
  const handleOf = (operation: number): Operation =>
    operation === 0 ? 0 : (get(operation, rowSeqLow) >>> 0) * rowLimit + operation;

  /** The row of an operation; 0 when it has ended. */
  const rowOf = (handle: Operation): number => {
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

  const stopWaiting = (operation: number): void => {
    if (get(operation, rowState) === stateOpWaiting)
      header[headWaiting] = (header[headWaiting] as number) - 1;
  };

  /** What a callback holds goes with the callback; only what a task has to give back itself is counted. */
  const countHold = (operation: number, by: 1 | -1): void => {
    const asker = (get(operation, rowFlags) & flagScoped) === 0 ? askerOf(operation) : 0;
    if (asker !== 0) set(asker, rowHolds, Math.max(0, get(asker, rowHolds) + by));
  };

  const grant = (operation: number): void => {
    if (operation < firstRow || get(operation, rowState) !== stateOpWaiting) return;
    stopWaiting(operation);
    set(operation, rowSince, core.now());
    set(operation, rowState, stateOpHolding);
    countHold(operation, 1);
    whenGranted.delete(operation);
  };

  const end = (operation: number): void => {
    if (!isPending(operation)) return;
    if (get(operation, rowState) === stateOpHolding) countHold(operation, -1);
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

  /** Runs the callback of an operation in its name and learns what it gave back. */
  const run = (handle: Operation, callback: Callback, self: unknown, args: unknown[]): unknown => {
    const operation = rowOf(handle);
    if (operation === 0) return Reflect.apply(callback, self, args);
    guard(() => grant(operation));
    let result: unknown;
    let threw = true;
    try {
      // What the callback starts was started by who asked, where it asked.
      result = core.runAs(askerOf(operation), get(operation, rowSite), () =>
        Reflect.apply(callback, self, args),
      );
      threw = false;
    } finally {
      guard(() => ran(rowOf(handle), result, threw));
    }
    return result;
  };

  const ran = (operation: number, result: unknown, threw: boolean): void => {
    if (!isPending(operation)) return;
    const job = threw ? 0 : core.rowOf(result);
    if (job >= firstRow) {
      set(operation, rowJobRow, job);
      set(operation, rowJobSeq, get(job, rowSeqLow));
      set(job, rowJoinerRow, operation);
      set(job, rowJoinerSeq, get(operation, rowSeqLow));
      set(job, rowFlags, get(job, rowFlags) | flagJob);
    } else if (!threw && types.isPromise(result)) core.stamp(result, operation, true);
    else if ((get(operation, rowFlags) & flagEndsWithJob) !== 0) end(operation);
  };

  const settled = (operation: number, ofCallback: boolean): void => {
    const state = get(operation, rowState);
    if (ofCallback) {
      if ((get(operation, rowFlags) & flagEndsWithJob) !== 0) end(operation);
      return;
    }
    if (state === stateOpHolding) {
      // A limiter's promise is settled with its job, or before it when a timeout gives the slot to another.
      if ((get(operation, rowFlags) & flagEndsWithJob) !== 0) end(operation);
      return;
    }
    const granted = whenGranted.get(operation);
    const isGrant = granted === undefined ? verbs[get(operation, rowOperation)] === "acquire" : granted();
    if (isGrant && refusing === 0 && state === stateOpWaiting) grant(operation);
    else end(operation);
  };

  const probe: Probe = {
    describe: (prototype, type) =>
      guard(() => void byPrototype.set(prototype, { type, index: typeIndex(type) })),
    introduce: (object, type) => guard(() => void (known.has(object) || create(object, type, 0))),
    begin: (resource, verb, operation = {}) => guard(() => handleOf(begin(resource, verb, operation))) ?? 0,
    promised: (handle, promise) =>
      guard(() => {
        const isSettled = core.hasBegun(promise);
        const operation = rowOf(handle);
        if (operation === 0 || !types.isPromise(promise)) return;
        core.remember(promise, operation);
        if (isSettled) settled(operation, false);
      }),
    grantedBy: (handle, promise, granted) =>
      guard(() => {
        const operation = rowOf(handle);
        if (operation === 0 || !types.isPromise(promise)) return;
        whenGranted.set(operation, granted);
        core.stamp(promise, operation);
      }),
    granted: (handle) => guard(() => grant(rowOf(handle))),
    cancellable: (handle) =>
      guard(() => {
        const operation = rowOf(handle);
        if (operation !== 0) set(operation, rowFlags, get(operation, rowFlags) | flagCancellable);
      }),
    callback(handle, callback, { endsWithCallback }) {
      const operation = rowOf(handle);
      if (operation === 0 || typeof callback !== "function") return callback;
      guard(() =>
        set(
          operation,
          rowFlags,
          get(operation, rowFlags) | flagScoped | (endsWithCallback ? flagEndsWithJob : 0),
        ),
      );
      // Without a name, as most callbacks are.
      const [job = callback] = [
        function (this: unknown, ...args: unknown[]): unknown {
          return run(handle, callback, this, args);
        },
      ];
      guard(() => replaces(job, callback));
      return job;
    },
    released: (handle) => guard(() => end(rowOf(handle))),
    releasedBySomebody: (object) => guard(() => releaseOne(object)),
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
    changed: (object, state) =>
      guard(() => {
        const resource = find(object);
        if (resource === undefined) return;
        if (state.capacity !== undefined) {
          resource.capacity = Number.isFinite(state.capacity) ? Math.trunc(state.capacity) : -1;
        }
        if (state.length !== undefined) resource.length = state.length;
        if (state.closed !== undefined) resource.closed = state.closed;
        update(resource);
      }),
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
    const holds = [...(known.get(object)?.operations ?? [])].filter(
      (operation) => get(operation, rowState) === stateOpHolding,
    );
    const asker = core.asker(false);
    const own = holds.find((operation) => asker !== 0 && askerOf(operation) === asker);
    const ended = own ?? holds[0];
    if (ended !== undefined) end(ended);
  };

  const events: OperationEvents = {
    settled,
    holderEnded(row) {
      const seqLow = get(row, rowSeqLow);
      const joiner = get(row, rowJoinerRow);
      const heir =
        joiner >= firstRow &&
        get(joiner, rowSeqLow) === get(row, rowJoinerSeq) &&
        get(joiner, rowState) === stateWaiting &&
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
        if (heir !== 0) set(heir, rowHolds, get(heir, rowHolds) + 1);
      }
    },
    jobEnded: end,
    awaited(operation, site) {
      if (!isPending(operation)) return;
      const flags = get(operation, rowFlags);
      if (sites.ownsHandle(site)) set(operation, rowFlags, flags | flagOwn);
      else if (sites.releasesHere(site)) set(operation, rowFlags, flags | flagOwn | flagAnyone);
    },
    answered(operation, failed) {
      // Who gave up waits no longer, whatever the library still has in its queue.
      if (failed && get(operation, rowState) === stateOpWaiting) end(operation);
      else settled(operation, false);
    },
    made(site, value) {
      const resource = known.get(value) ?? find(value);
      if (resource === undefined || resource.created !== 0) return;
      resource.created = site;
      update(resource);
    },
  };

  return { probe, events };
}
