// What the instrumentations of several libraries have in common.
import { type Operation, type OperationOptions, type Probe, type Undo, wrap } from "./probe.ts";

/** True while a method of the library runs that was called from outside: what it calls itself is part of it. */
export interface Outermost {
  busy: boolean;
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
    const operation = probe.begin(self, "acquire", wanted);
    outermost.busy = true;
    return {
      returned(promise) {
        outermost.busy = false;
        probe.promised(operation, promise);
      },
      threw() {
        outermost.busy = false;
        probe.released(operation);
      },
    };
  });
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
