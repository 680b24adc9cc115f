import {
  type Callback,
  type Instrumentation,
  ownValue,
  type Probe,
  type ResourceType,
  wrap,
  wrapFunction,
} from "../probe.ts";
import { createHandDown, isObject, replaceExport } from "../wrappers.ts";

const type: ResourceType = { kind: "rwlock", name: "mortice", capacity: () => 1 };

/** From a lock that is asked for to the job that stands for it, which it puts into its queue at once. */
const handDown = createHandDown();

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
    return handDown.begin(
      probe,
      probe.begin(self, "acquire", { shared, cancellable, refusable: cancellable }),
    );
  });
}

function watchJobs(prototype: object, probe: Probe): void {
  wrap(probe, prototype, "add", (_, [job, ...rest]) => {
    const operation = typeof job === "function" ? handDown.take() : undefined;
    if (operation === undefined) return undefined;
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
