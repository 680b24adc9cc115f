import {
  type Callback,
  type Instrumentation,
  type Operation,
  ownValue,
  type Probe,
  type ResourceType,
  wrap,
  wrapFunction,
} from "../probe.ts";
import { isObject, replaceExport } from "../wrappers.ts";

const type: ResourceType = { kind: "rwlock", name: "mortice", capacity: () => 1 };

/** What a lock was asked for, until it has put the job that stands for it into its queue: at once. */
let begun: Operation | undefined;

/**
 * A lock is had as long as a job runs in a queue of the lock's, one for writers and one for readers, of the same class.
 * The function gives the same lock for the same name. In a worker thread the lock is the main thread's: not seen there.
 */
export const instrumentation: Instrumentation = {
  library: "mortice",
  exports: ["default"],
  patch(bindings, probe) {
    const seen = new WeakSet<object>();
    return replaceExport(bindings, "default", (original) =>
      wrapFunction(probe, original, () => ({
        returned(lock) {
          const queue = ownValue(lock, "queue");
          if (!isObject(lock) || !isObject(queue) || seen.has(lock)) return;
          seen.add(lock);
          probe.introduce(lock, type);
          const prototype: unknown = Object.getPrototypeOf(queue);
          if (isObject(prototype) && !seen.has(prototype)) {
            seen.add(prototype);
            watchJobs(prototype, probe);
          }
          watchAcquire(lock, "readLock", true, probe);
          watchAcquire(lock, "writeLock", false, probe);
        },
      })),
    );
  },
};

function watchAcquire(lock: object, name: string, shared: boolean, probe: Probe): void {
  wrap(probe, lock, name, (self, [options]) => {
    const cancellable = ownValue(options, "signal") !== undefined;
    const operation = probe.begin(self, "acquire", { shared, cancellable, refusable: cancellable });
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
  });
}

function watchJobs(prototype: object, probe: Probe): void {
  wrap(probe, prototype, "add", (_, [job, ...rest]) => {
    const operation = begun;
    if (operation === undefined || typeof job !== "function") return undefined;
    begun = undefined;
    const { held } = {
      held(this: unknown, ...args: unknown[]): unknown {
        probe.granted(operation);
        const over: unknown = Reflect.apply(job as Callback, this, args);
        probe.heldUntil(operation, over);
        return over;
      },
    };
    probe.replaces(held, job as Callback);
    return { args: [held, ...rest] };
  });
}
