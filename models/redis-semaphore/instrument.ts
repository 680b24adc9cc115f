import {
  type Instrumentation,
  type Operation,
  ownValue,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
} from "../probe.ts";
import { createKeys, isObject, type Outermost, positive, prototypeOf } from "../wrappers.ts";

const names = [
  "Mutex",
  "Semaphore",
  "MultiSemaphore",
  "RedlockMutex",
  "RedlockSemaphore",
  "RedlockMultiSemaphore",
] as const;

/** One for all copies of the library, and for each file that hands it over. */
const outermost: Outermost = { busy: false };
const holds = new WeakMap<object, Operation>();
let mutexes: ReturnType<typeof createKeys> | undefined;
let semaphores: ReturnType<typeof createKeys> | undefined;

/**
 * Locks that other processes may hold as well. An object is one holder; those with the same key are for the same lock.
 * They have `acquire` and `release` from one class.
 */
export const instrumentation: Instrumentation = {
  library: "redis-semaphore",
  exports: names,
  patch(bindings, probe) {
    mutexes ??= createKeys(probe, typeOf("mutex", 1));
    semaphores ??= createKeys(probe, typeOf("semaphore"));
    const resourceOf = { mutex: mutexes, semaphore: semaphores };
    const patched = new Set<object>();
    const undos: Undo[] = [];
    const watch = (prototype: object, name: string): Undo =>
      wrap(probe, prototype, name, (lock) => {
        if (outermost.busy) return undefined;
        outermost.busy = true;
        const limit = positive(ownValue(lock, "_limit"));
        const resource = resourceOf[limit === undefined ? "mutex" : "semaphore"](
          serverOf(lock),
          String(ownValue(lock, "_key")),
        );
        if (limit !== undefined) probe.changed(resource, { capacity: limit });
        // It gives up after a time.
        const operation = probe.begin(resource, "acquire", {
          cancellable: true,
          amount: positive(ownValue(lock, "_permits")),
        });
        return {
          returned(promise) {
            outermost.busy = false;
            probe.grantedBy(operation, promise, () => {
              const isTaken = ownValue(lock, "_acquired") === true;
              if (isTaken) holds.set(lock, operation);
              return isTaken;
            });
            probe.promised(operation, promise);
          },
          threw() {
            outermost.busy = false;
            probe.released(operation);
          },
        };
      });
    for (const name of names) {
      const prototype = prototypeOf(bindings.get(name));
      for (let at = prototype; at !== undefined && at !== Object.prototype; at = parentOf(at)) {
        if (patched.has(at)) continue;
        patched.add(at);
        undos.push(
          watch(at, "acquire"),
          watch(at, "tryAcquire"),
          wrap(probe, at, "release", (lock) => {
            const operation = holds.get(lock);
            holds.delete(lock);
            if (operation !== undefined) probe.released(operation);
            return undefined;
          }),
        );
      }
    }
    return undoAll(undos);
  },
};

function typeOf(kind: "mutex" | "semaphore", capacity?: number): ResourceType {
  return {
    kind,
    name: `redis-semaphore ${kind}`,
    remote: true,
    ...(capacity === undefined ? {} : { capacity: () => capacity }),
  };
}

/** The locks are keys there, whichever object asks for them. */
function serverOf(lock: object): object {
  const clients = ownValue(lock, "_clients");
  const [first] = Array.isArray(clients) ? clients : [ownValue(lock, "_client")];
  return isObject(first) ? first : lock;
}

function parentOf(prototype: object): object | undefined {
  return Object.getPrototypeOf(prototype) ?? undefined;
}
