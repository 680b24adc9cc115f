import { type Instrumentation, ownValue, type ResourceType, undoAll } from "../probe.ts";
import { prototypeOf, wrapAcquire, wrapRelease, wrapTryAcquire } from "../wrappers.ts";

const type: ResourceType = { kind: "mutex", name: "await-lock.AwaitLock", capacity: () => 1 };

/** Whoever acquired it, any code may release it. */
export const instrumentation: Instrumentation = {
  library: "await-lock",
  exports: ["AwaitLock"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("AwaitLock"));
    if (prototype === undefined) return () => {};
    probe.describe(prototype, type);
    const outermost = { busy: false };
    return undoAll([
      wrapAcquire(probe, prototype, "acquireAsync", outermost, ([options]) =>
        ownValue(options, "timeout") === undefined ? {} : undefined,
      ),
      wrapTryAcquire(probe, prototype, "tryAcquire", outermost, (result) => result === true),
      wrapRelease(probe, prototype, "release", outermost),
    ]);
  },
};
