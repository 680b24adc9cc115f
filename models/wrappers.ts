// What the instrumentations of several libraries have in common.
import {
  type Bindings,
  type Callback,
  type Observation,
  type Operation,
  type OperationOptions,
  type Probe,
  type ResourceType,
  type Undo,
  wrap,
  wrapFunction,
} from "./probe.ts";

/** True while a method of the library runs that was called from outside: what it calls itself is part of it. */
export interface Outermost {
  busy: boolean;
}

/** A function of the program that the library calls: what it calls of the library is called from outside. */
export function outside(
  probe: Probe,
  outermost: Outermost,
  called: Callback,
  replaced: Callback = called,
): Callback {
  const { fromOutside } = {
    fromOutside(this: unknown, ...args: unknown[]): unknown {
      const { busy } = outermost;
      outermost.busy = false;
      try {
        return Reflect.apply(called, this, args);
      } finally {
        outermost.busy = busy;
      }
    },
  };
  probe.replaces(fromOutside, replaced);
  return fromOutside;
}

/**
 * A method whose promise is the grant and never a refusal. `options` gives undefined for a call that is not looked at,
 * because nothing would tell whether it was granted (a timeout, a signal): a hold that is missed is better than one that
 * never was.
 */
export function wrapAcquire(
  probe: Probe,
  prototype: object,
  name: string,
  outermost: Outermost,
  options: (args: readonly unknown[]) => OperationOptions | undefined = () => ({}),
): Undo {
  return wrap(probe, prototype, name, (self, args) => {
    const wanted = outermost.busy ? undefined : options(args);
    if (wanted === undefined) return undefined;
    return whileRunning(probe, probe.begin(self, "acquire", wanted), outermost);
  });
}

/** The library runs until the call returns, and what the call gives is the operation's promise. */
export function whileRunning(
  probe: Probe,
  operation: Operation,
  outermost: Outermost,
  returning?: () => void,
): Observation {
  outermost.busy = true;
  return {
    returned(promise) {
      outermost.busy = false;
      returning?.();
      probe.promised(operation, promise);
    },
    threw() {
      outermost.busy = false;
      probe.released(operation);
    },
  };
}

/** A method that takes what is free at once, and tells by its result whether it did. */
export function wrapTryAcquire(
  probe: Probe,
  prototype: object,
  name: string,
  outermost: Outermost,
  isTaken: (result: unknown) => boolean,
): Undo {
  return wrap(probe, prototype, name, (self) => {
    if (outermost.busy) return undefined;
    // Its capacity is what is free before the first is taken.
    probe.changed(self, {});
    return {
      returned(result) {
        if (isTaken(result)) probe.granted(probe.begin(self, "acquire"));
      },
    };
  });
}

/** A method that gives back, without telling whose hold. */
export function wrapRelease(probe: Probe, prototype: object, name: string, outermost: Outermost): Undo {
  return wrap(probe, prototype, name, (self) => {
    if (outermost.busy) return undefined;
    outermost.busy = true;
    const done = () => {
      outermost.busy = false;
    };
    probe.releasedBySomebody(self);
    return {
      returned() {
        done();
        probe.gaveBack(self);
      },
      threw: done,
    };
  });
}

/** Which operation took which client out of a pool. */
interface PoolHolds {
  took(operation: Operation, client: unknown): void;
  gaveBack(pool: object, client: unknown): void;
}

function createPoolHolds(probe: Probe): PoolHolds {
  const operations = new WeakMap<object, Operation>();
  return {
    took(operation, client) {
      if (isObject(client)) operations.set(client, operation);
      probe.granted(operation);
    },
    gaveBack(pool, client) {
      if (!isObject(client)) {
        probe.releasedBySomebody(pool);
        return;
      }
      const operation = operations.get(client);
      operations.delete(client);
      if (operation !== undefined) probe.released(operation);
    },
  };
}

/** Requests to a pool, and the clients that they get: in some libraries before anybody knows of the request. */
export interface PoolRequests extends PoolHolds {
  /** `request` stands for the operation in what `granted` is told. */
  asked(request: object, operation: Operation): void;
  granted(request: object, client: unknown): void;
}

export function createPoolRequests(probe: Probe): PoolRequests {
  const holds = createPoolHolds(probe);
  const operations = new WeakMap<object, Operation>();
  const early = new WeakMap<object, { readonly client: unknown }>();
  return {
    ...holds,
    asked(request, operation) {
      operations.set(request, operation);
      const got = early.get(request);
      if (got !== undefined) holds.took(operation, got.client);
    },
    granted(request, client) {
      const operation = operations.get(request);
      if (operation === undefined) early.set(request, { client });
      else holds.took(operation, client);
    },
  };
}

/** Calls `callback`, which is told an error or a client, and says before it which one it was. */
export function tellingCallback(
  probe: Probe,
  callback: Callback,
  operation: Operation,
  { took }: Pick<PoolHolds, "took">,
): Callback {
  const { told } = {
    told(this: unknown, ...given: unknown[]): unknown {
      probe.guard(() => {
        const [error, client] = given;
        if (error || client === undefined) probe.released(operation);
        else took(operation, client);
      });
      return Reflect.apply(callback, this, given);
    },
  };
  probe.replaces(told, callback);
  return told;
}

/** What an outer function has begun, for the inner one with a callback that it calls at once. */
export interface HandDown {
  /** Watches the call of the outer function: the inner one tells the grant. */
  begin(probe: Probe, operation: Operation): Observation;
  /** In the inner function: what the outer one has begun, once. */
  take(): Operation | undefined;
}

export function createHandDown(): HandDown {
  let begun: Operation | undefined;
  return {
    begin(probe, operation) {
      begun = operation;
      return {
        returned(promise) {
          begun = undefined;
          probe.grantedBy(operation, promise, () => false);
          probe.promised(operation, promise);
        },
        threw() {
          begun = undefined;
          probe.released(operation);
        },
      };
    },
    take() {
      const operation = begun;
      begun = undefined;
      return operation;
    },
  };
}

/** What gives back, made by the library right before it grants: a function or an object that only the holder gets. */
export interface HandOver {
  /** Asks for the resource in a method that is called now; its promise is the grant or a refusal. */
  ask(resource: object, options?: OperationOptions): Observation;
  made(handle: object): void;
  gaveBack(handle: object): void;
}

export function createHandOver(probe: Probe): HandOver {
  const operations = new WeakMap<object, Operation>();
  /** Made last, and nobody has it yet. */
  let fresh: object | undefined;
  const handTo = (operation: Operation): boolean => {
    if (fresh === undefined) return false;
    operations.set(fresh, operation);
    fresh = undefined;
    return true;
  };
  return {
    ask(resource, options) {
      const operation = probe.begin(resource, "acquire", options);
      fresh = undefined;
      return {
        returned(promise) {
          if (handTo(operation)) probe.granted(operation);
          else probe.grantedBy(operation, promise, () => handTo(operation));
          probe.promised(operation, promise);
        },
        threw: () => probe.released(operation),
      };
    },
    made(handle) {
      fresh = handle;
    },
    gaveBack(handle) {
      const operation = operations.get(handle);
      operations.delete(handle);
      if (operation !== undefined) probe.released(operation);
    },
  };
}

/** The resource of each key of an owner, as long as somebody holds it or waits for it. */
export function createKeys(probe: Probe, type: ResourceType): (owner: object, key: string) => object {
  const keysOf = new WeakMap<object, Map<string, WeakRef<object>>>();
  return (owner, key) => {
    let keys = keysOf.get(owner);
    if (keys === undefined) {
      keys = new Map();
      keysOf.set(owner, keys);
    }
    const known = keys.get(key)?.deref();
    if (known !== undefined) return known;
    for (const [each, resource] of keys.size > 1000 ? keys : [])
      if (resource.deref() === undefined) keys.delete(each);
    const resource = { key };
    probe.introduce(resource, type, true);
    keys.set(key, new WeakRef(resource));
    return resource;
  };
}

/** Puts another function in the place of an exported one, where there is one. */
export function replaceExport(
  bindings: Bindings,
  exported: string,
  replacing: (original: Callback) => Callback,
): Undo {
  const original = bindings.get(exported);
  if (typeof original !== "function") return () => {};
  return bindings.replace(exported, replacing(original as Callback))
    ? () => void bindings.replace(exported, original)
    : () => {};
}

/** Puts `stand` in the place of what an exported function gives. */
export function replaceFactory(
  bindings: Bindings,
  probe: Probe,
  exported: string,
  stand: (made: object, args: readonly unknown[]) => object,
): Undo {
  const stands = new WeakMap<object, object>();
  return replaceExport(bindings, exported, (original) =>
    wrapFunction(
      probe,
      original,
      (_, args) => ({
        returned(made) {
          if (isObject(made)) stands.set(made, stand(made, args));
        },
      }),
      (made) => (isObject(made) ? (stands.get(made) ?? made) : made),
    ),
  );
}

/** What is settled while a member such as `cancel` runs is refused, not granted. */
export function refuseDuring(probe: Probe, target: object, key: string | symbol): Undo {
  const descriptor = Object.getOwnPropertyDescriptor(target, key);
  const original = descriptor?.value as Callback | undefined;
  if (descriptor === undefined || typeof original !== "function") return () => {};
  const { wrapper } = {
    wrapper(this: object, ...args: unknown[]): unknown {
      return probe.refusing(() => Reflect.apply(original, this, args));
    },
  };
  probe.replaces(wrapper, original);
  Object.defineProperty(target, key, { ...descriptor, value: wrapper });
  return () => Object.defineProperty(target, key, descriptor);
}

export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** The prototype of a class that a file gives; undefined when it gives none of this name. */
export function prototypeOf(value: unknown): object | undefined {
  if (typeof value !== "function") return undefined;
  const { prototype } = value as { prototype?: unknown };
  return isObject(prototype) ? prototype : undefined;
}

export function positive(value: unknown): number | undefined {
  return typeof value === "number" && value > 0 && Number.isFinite(value) ? value : undefined;
}
