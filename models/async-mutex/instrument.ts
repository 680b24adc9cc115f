import {
  type Callback,
  type Instrumentation,
  type Operation,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
  wrapFunction,
} from "../probe.ts";
import { refuseDuring, replaceExport } from "../wrappers.ts";

/** What of a Mutex is looked at. */
interface MutexLike {
  readonly _semaphore: object;
}

/** What of a Semaphore is looked at: 0.3 has a fixed number of permits, later versions only the free ones. */
interface SemaphoreLike {
  readonly _maxConcurrency?: number;
  readonly _value: number;
  readonly _queue?: { resolve: (ticket: [number, () => void]) => void }[];
  _currentReleaser?: () => void;
}

/** A hold on its way from the library, which makes the release function, to the operation that gets it. */
interface Hold {
  operation: Operation;
  given: boolean;
}

const mutexType: ResourceType = { kind: "mutex", name: "async-mutex.Mutex", capacity: () => 1 };
const semaphoreType: ResourceType = {
  kind: "semaphore",
  name: "async-mutex.Semaphore",
  capacity: (semaphore) => {
    const { _maxConcurrency, _value } = semaphore as SemaphoreLike;
    return _maxConcurrency ?? _value;
  },
  free: (semaphore) => (semaphore as SemaphoreLike)._value,
};

/**
 * A Mutex is a Semaphore of one permit inside, and both ways lead to `Semaphore.prototype.acquire`: there it is seen
 * whether a permit is granted at once, later, or refused by `cancel`. Release functions are wrapped where they are
 * made, because only they tell whose permit comes back.
 */
export const instrumentation: Instrumentation = {
  library: "async-mutex",
  exports: ["Mutex", "Semaphore", "withTimeout"],
  patch(bindings, probe) {
    const undos: Undo[] = [];
    const Semaphore = bindings.get("Semaphore");
    const Mutex = bindings.get("Mutex");
    if (typeof Semaphore === "function") undos.push(patchSemaphore(Semaphore.prototype, probe));
    if (typeof Mutex === "function") undos.push(patchMutex(Mutex.prototype, probe));
    undos.push(replaceExport(bindings, "withTimeout", (original) => wrapWithTimeout(original, probe)));
    return undoAll(undos);
  },
};

/** The Mutex around a Semaphore. */
const owners = new WeakMap<object, object>();
/** The operation that a method of the outer object has begun, for the `acquire` that it calls at once. */
let begun: Operation | undefined;
/** What was asked for by the `acquire` that ran last, for a wrapper that adds a timeout to it. */
let lastAsked: Operation = 0;
/** The hold whose release function was made last and that has no operation yet. */
let made: Hold | undefined;
/** True while a release function of ours runs. */
let giving = false;

function patchMutex(prototype: object, probe: Probe): Undo {
  probe.describe(prototype, mutexType);
  const own = (mutex: object): undefined => {
    const { _semaphore } = mutex as MutexLike;
    if (!owners.has(_semaphore)) owners.set(_semaphore, mutex);
  };
  return undoAll([
    wrap(probe, prototype, "acquire", (mutex, [priority]) => {
      own(mutex);
      const operation = probe.begin(mutex, "acquire", { priority: numberOr(priority, 0) });
      begun = operation;
      return {
        returned: (promise) => {
          begun = undefined;
          probe.promised(operation, promise);
        },
        threw: () => {
          begun = undefined;
          probe.released(operation);
        },
      };
    }),
    wrap(probe, prototype, "release", (mutex) => {
      // Ignored by the library, but perhaps the other half of a mistake.
      const { _value } = (mutex as MutexLike)._semaphore as SemaphoreLike;
      if (_value > 0) probe.releasedBySomebody(mutex);
      return undefined;
    }),
    wrap(probe, prototype, "runExclusive", own),
    wrap(probe, prototype, "waitForUnlock", own),
  ]);
}

function patchSemaphore(prototype: object, probe: Probe): Undo {
  probe.describe(prototype, semaphoreType);
  const resourceOf = (semaphore: object) => owners.get(semaphore) ?? semaphore;
  const isSemaphore = (semaphore: object) => !owners.has(semaphore);
  return undoAll([
    wrap(probe, prototype, "acquire", (semaphore, [weight, priority]) => {
      const operation =
        begun ??
        probe.begin(resourceOf(semaphore), "acquire", {
          amount: numberOr(weight, 1),
          priority: numberOr(priority, 0),
        });
      const outer = begun !== undefined;
      begun = undefined;
      lastAsked = operation;
      made = undefined;
      return {
        returned(promise) {
          const hold = made;
          made = undefined;
          if (hold !== undefined) {
            hold.operation = operation;
            probe.granted(operation);
          } else {
            probe.grantedBy(operation, promise, () => {
              const isGrant = made !== undefined;
              if (made !== undefined) made.operation = operation;
              made = undefined;
              return isGrant;
            });
          }
          if (!outer) probe.promised(operation, promise);
        },
        threw: () => probe.released(operation),
      };
    }),
    wrap(probe, prototype, "runExclusive", (semaphore, args) => {
      const [callback, weight, priority] = args;
      if (typeof callback !== "function") return undefined;
      const operation = probe.begin(resourceOf(semaphore), "scoped", {
        amount: numberOr(weight, 1),
        priority: numberOr(priority, 0),
      });
      begun = operation;
      const inside = probe.callback(operation, callback as Callback, { endsWithCallback: false });
      return {
        args: [inside, ...args.slice(1)],
        returned: (promise) => {
          begun = undefined;
          probe.promised(operation, promise);
        },
        threw: () => {
          begun = undefined;
          probe.released(operation);
        },
      };
    }),
    wrap(probe, prototype, "waitForUnlock", (semaphore) => {
      const operation = probe.begin(resourceOf(semaphore), "waitIdle");
      return {
        returned: (promise) => probe.promised(operation, promise),
        threw: () => probe.released(operation),
      };
    }),
    wrap(probe, prototype, "release", (semaphore) => {
      // 0.3 refuses for more than one permit, and releases through the function below.
      if (!giving && (semaphore as SemaphoreLike)._maxConcurrency === undefined) {
        probe.releasedBySomebody(resourceOf(semaphore));
      }
      return { returned: () => probe.gaveBack(resourceOf(semaphore)) };
    }),
    wrap(probe, prototype, "setValue", (semaphore, [value]) => {
      if (isSemaphore(semaphore)) probe.changed(semaphore, { capacity: numberOr(value, 0) });
      return undefined;
    }),
    refuseDuring(probe, prototype, "cancel"),
    wrapReleasers(probe, prototype),
    wrapTickets(probe, prototype),
  ]);
}

/** From 0.4 on a method makes the release functions, right before the promise is settled. */
function wrapReleasers(probe: Probe, prototype: object): Undo {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, "_newReleaser");
  const original = descriptor?.value as ((weight: number) => () => void) | undefined;
  if (descriptor === undefined || typeof original !== "function") return () => {};
  const { wrapper } = {
    wrapper(this: object, weight: number): () => void {
      return releaser(probe, Reflect.apply(original, this, [weight]));
    },
  };
  Object.defineProperty(prototype, "_newReleaser", { ...descriptor, value: wrapper });
  return () => Object.defineProperty(prototype, "_newReleaser", descriptor);
}

/** 0.3 makes them inside `_dispatch` and hands them to the first in the queue. */
function wrapTickets(probe: Probe, prototype: object): Undo {
  if (Object.hasOwn(prototype, "_newReleaser")) return () => {};
  return wrap(probe, prototype, "_dispatch", (self) => {
    const semaphore = self as SemaphoreLike;
    const ticket = semaphore._queue?.[0];
    if (ticket === undefined) return undefined;
    const { resolve } = ticket;
    ticket.resolve = (value) => {
      value[1] = releaser(probe, value[1]);
      semaphore._currentReleaser = value[1];
      resolve(value);
    };
    return undefined;
  });
}

function releaser(probe: Probe, original: () => void): () => void {
  const hold: Hold = { operation: 0, given: false };
  made = hold;
  // Without a name, as the original.
  const [release = original] = [
    () => {
      if (!hold.given) {
        hold.given = true;
        probe.released(hold.operation);
      }
      const outer = giving;
      giving = true;
      try {
        return original();
      } finally {
        giving = outer;
      }
    },
  ];
  probe.replaces(release, original);
  return release;
}

/** `withTimeout(mutex, ms)`: the inner `acquire` is asked for at once, its caller waits for another promise. */
function wrapWithTimeout(original: Callback, probe: Probe): Callback {
  return wrapFunction(probe, original, () => ({
    returned(result) {
      if (typeof result !== "object" || result === null) return;
      wrap(probe, result, "acquire", () => {
        lastAsked = 0;
        return {
          returned(promise) {
            probe.cancellable(lastAsked);
            probe.promised(lastAsked, promise);
          },
        };
      });
    },
  }));
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}
