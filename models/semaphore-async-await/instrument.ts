import { type Instrumentation, type ResourceType, undoAll } from "../probe.ts";
import { positive, prototypeOf, wrapAcquire, wrapRelease, wrapTryAcquire } from "../wrappers.ts";

const capacity = (semaphore: object) => positive((semaphore as { permits?: unknown }).permits);
const semaphoreType: ResourceType = {
  kind: "semaphore",
  name: "semaphore-async-await.Semaphore",
  capacity,
  free: capacity,
};
const lockType: ResourceType = {
  kind: "mutex",
  name: "semaphore-async-await.Lock",
  capacity: () => 1,
  free: capacity,
  fixed: true,
};

/**
 * A lock is a semaphore of one permit. `execute` goes through `wait` and `release`. What `waitFor` takes is not looked
 * at: its promise does not tell a permit from a timeout.
 */
export const instrumentation: Instrumentation = {
  library: "semaphore-async-await",
  exports: ["Semaphore", "Lock"],
  patch(bindings, probe) {
    const lock = prototypeOf(bindings.get("Lock"));
    if (lock !== undefined) probe.describe(lock, lockType);
    const prototype = prototypeOf(bindings.get("Semaphore"));
    if (prototype === undefined) return () => {};
    probe.describe(prototype, semaphoreType);
    const outermost = { busy: false };
    return undoAll([
      wrapAcquire(probe, prototype, "wait", outermost),
      wrapAcquire(probe, prototype, "acquire", outermost),
      wrapTryAcquire(probe, prototype, "tryAcquire", outermost, (result) => result === true),
      wrapRelease(probe, prototype, "signal", outermost),
      wrapRelease(probe, prototype, "release", outermost),
    ]);
  },
};
