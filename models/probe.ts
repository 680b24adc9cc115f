// What an instrumentation reports to, and the one way in which it wraps.
import { types } from "node:util";
import type { ResourceKind } from "@unknot/protocol/resource.ts";

declare const ofOperations: unique symbol;
/** One operation under way; 0 when it is not traced. It is a number, and no other may be taken for one. */
export type Operation = 0 | { readonly [ofOperations]: true };

/** The verbs of operations that can block, in the words of the models. */
export type BlockingVerb =
  | "acquire"
  | "scoped"
  | "submit"
  | "waitIdle"
  | "waitEvent"
  | "send"
  | "receive"
  | "select"
  | "io"
  | "worker"
  | "listen";

/** A class or factory whose objects are resources. */
export interface ResourceType {
  readonly kind: ResourceKind;
  /** As a dump shows it: `async-mutex.Mutex`. */
  readonly name: string;
  /**
   * Holders at once, or items a channel buffers, of an object that was just made; undefined or Infinity: unbounded or
   * unknown.
   */
  readonly capacity?: (object: object) => number | undefined;
  /** Permits that are free now, where giving back too often makes them more. */
  readonly free?: (object: object) => number | undefined;
  /** `capacity` tells the same while the object is in use. */
  readonly fixed?: true;
  /** Other processes take and give back as well, which is not seen here. */
  readonly remote?: true;
}

export interface OperationOptions {
  /** Permits asked for; 1 if not given. */
  readonly amount?: number | undefined;
  /** Higher is served first; 0 if not given. */
  readonly priority?: number | undefined;
  /** It can end by itself: a timeout or an abort signal is set. */
  readonly cancellable?: boolean | undefined;
  /** Its promise may be rejected: it is granted only when the task that awaits it goes on. */
  readonly refusable?: boolean | undefined;
  /** The library gives back by itself before the promise settles: between the grant and that, something else runs. */
  readonly borrows?: boolean | undefined;
  /** Who asked for this one asks, from the same place: the library does so in its name. */
  readonly of?: Operation | undefined;
  /** Of a reader-writer lock: others may hold it at the same time. */
  readonly shared?: boolean | undefined;
}

/**
 * Takes reports about operations on resources. No method throws, and none touches the handlers of a promise: that one
 * is settled is learned from a promise hook.
 */
export interface Probe {
  /** Says that objects with this prototype are resources, so that they can be named where they are created. */
  describe(prototype: object, type: ResourceType): void;
  /**
   * Says that one object (a function that limits, for example) is a resource. One that the instrumentation has made
   * itself is kept (`isOurs`) while operations on it are pending: the program does not hold it.
   */
  introduce(object: object, type: ResourceType, isOurs?: true): void;
  /** An operation is asked for by the running task; without a resource it waits for nothing that has a name. */
  begin(resource: object | undefined, verb: BlockingVerb, options?: OperationOptions): Operation;
  /** False when it has ended, or never was traced. */
  isPending(operation: Operation): boolean;
  /** The promise that the caller of the operation gets. When it settles first, the operation is over. */
  promised(operation: Operation, promise: unknown): void;
  /** The same for a promise of the library's own making: that it settles is told by `released` alone. */
  promisedBy(operation: Operation, thenable: object): void;
  /**
   * The promise whose settling is the grant; `granted` is called then. It returns false when it sees that nothing was
   * granted: the caller's promise was settled by a timeout.
   */
  grantedBy(operation: Operation, promise: unknown, granted: () => boolean): void;
  granted(operation: Operation): void;
  /** What this operation holds is given back when the promise settles that the library has made last. */
  heldUntilMade(operation: Operation): void;
  /** The same for a promise that the instrumentation has seen. */
  heldUntil(operation: Operation, promise: unknown): void;
  /** The operation turned out to be one that can end by itself. */
  cancellable(operation: Operation): void;
  /**
   * The callback to hand to the library in place of `callback`: calling it is the grant, and what it returns is
   * waited for. `endsWithCallback`: the library gives back by itself when that has settled.
   */
  callback(
    operation: Operation,
    callback: Callback,
    options: { readonly endsWithCallback: boolean },
  ): Callback;
  /** The hold of this operation is given back. */
  released(operation: Operation): void;
  /** A hold of this resource is given back, and nothing tells whose. */
  releasedBySomebody(resource: object): void;
  /** A hold of this resource was given back, and whoever waited for that has got it. */
  gaveBack(resource: object): void;
  /** While `action` runs, what is settled is not granted but refused. */
  refusing<Result>(action: () => Result): Result;
  /** What waits for this resource was taken out of its queue and will not be answered. */
  dropped(resource: object): void;
  /** The state of a resource has changed. */
  changed(
    resource: object,
    state: { readonly capacity?: number; readonly length?: number; readonly closed?: boolean },
  ): void;
  /** Waiting for all of these operations: the promise that stands for them. */
  joined(promise: unknown, operations: readonly Operation[]): void;
  /** A timer settles this promise; `keepsAlive` is false when the process may end before. */
  sleeps(promise: unknown, keepsAlive: boolean): void;
  readonly guard: Guard;
  /** Says that `wrapper` stands in the place of `original`: its text is the original's. */
  replaces(wrapper: Callback, original: Callback): void;
}

// biome-ignore lint/suspicious/noExplicitAny: any function at all, as a library or a program passes it
export type Callback = (this: any, ...args: any[]) => any;

/** What a file of a library gives to others. */
export interface Bindings {
  /** The value exported under a name; of a default export also by the name of the function or class itself. */
  get(name: string): unknown;
  /** Puts another value in its place, for every importer; false when the file's form does not allow it. */
  replace(name: string, value: unknown): boolean;
}

/** Wraps one library. */
export interface Instrumentation {
  /** The package's name. */
  readonly library: string;
  /** Packages that give its exports as their own: what a program gets from them is known by its name, too. */
  readonly alsoFrom?: readonly string[];
  /** Exports of interest; a file that gives none of them is left alone. */
  readonly exports: readonly string[];
  /** Called for each file of the package that gives one of them; returns its undo. */
  readonly patch: (bindings: Bindings, probe: Probe) => Undo;
}

export type Undo = () => void;

/**
 * Runs a part of the tracer or of an instrumentation; what it throws is counted and goes no further. What is called often
 * is given with its arguments: a closure for each call would cost more than the call.
 */
export type Guard = <Args extends readonly unknown[], Result>(
  part: (...args: Args) => Result,
  ...args: Args
) => Result | undefined;

/** What wrapping itself needs of a probe. */
export type Wrapping = Pick<Probe, "guard" | "replaces">;

/** What an observer wants of one call. Every part is optional and may throw: the caller never notices. */
export interface Observation {
  /** Arguments to call with, in place of the given ones. */
  readonly args?: readonly unknown[];
  readonly returned?: (result: unknown) => void;
  readonly threw?: () => void;
}

/** Sees a call before it happens. */
export type Observe = (self: object, args: readonly unknown[]) => Observation | undefined;

/**
 * Wraps a method so that `observe` sees each call before it happens. The call keeps its `this`, its result object,
 * its errors and its timing, and the wrapper looks like the original. Returns the undo.
 */
export function wrap(probe: Wrapping, target: object, name: string | symbol, observe: Observe): Undo {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  if (descriptor === undefined || typeof descriptor.value !== "function") return () => {};
  if (descriptor.configurable === false && descriptor.writable === false) return () => {};
  const wrapper = wrapFunction(probe, descriptor.value, observe);
  Object.defineProperty(target, name, { ...descriptor, value: wrapper });
  return () => {
    if (Object.getOwnPropertyDescriptor(target, name)?.value === wrapper) {
      Object.defineProperty(target, name, descriptor);
    }
  };
}

// As it is before a program puts another in its place: who wraps must not fail where the program itself would not.
const { apply } = Reflect;

/** The same for a function that is nobody's property; `finish` may put another object in place of its result. */
export function wrapFunction(
  probe: Wrapping,
  original: Callback,
  observe: Observe,
  finish: (result: unknown) => unknown = (result) => result,
): Callback {
  // A method cannot be called with `new` and has no `prototype`, as the methods and arrow functions it replaces.
  const { wrapper } = {
    wrapper(this: object, ...args: unknown[]): unknown {
      const seen = probe.guard(observe, this, args);
      let result: unknown;
      try {
        result = apply(original, this, seen?.args ?? args);
      } catch (error) {
        if (seen?.threw !== undefined) probe.guard(seen.threw);
        throw error;
      }
      if (seen?.returned !== undefined) probe.guard(seen.returned, result);
      return finish(result);
    },
  };
  probe.replaces(wrapper, original);
  return wrapper;
}

/** Undoes in the opposite order. */
export function undoAll(undos: readonly Undo[]): Undo {
  return () => {
    for (const undo of [...undos].reverse()) undo();
  };
}

/** The value of an object's own plain property; undefined for getters and proxies, so that looking changes nothing. */
export function ownValue(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null || types.isProxy(object)) return undefined;
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}
