import { type Instrumentation, ownValue, type ResourceType, undoAll } from "../probe.ts";
import { positive, prototypeOf, wrapAcquire, wrapRelease, wrapTryAcquire } from "../wrappers.ts";

const type: ResourceType = {
  kind: "semaphore",
  name: "async-sema.Sema",
  capacity: (sema) => positive((sema as { nrTokens?: unknown }).nrTokens),
  free: (sema) => positive(ownValue(ownValue(sema, "free"), "_length")),
  fixed: true,
};

/** `drain` goes through `acquire`, `v` is an older name of it. */
export const instrumentation: Instrumentation = {
  library: "async-sema",
  exports: ["Sema"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("Sema"));
    if (prototype === undefined) return () => {};
    probe.describe(prototype, type);
    const outermost = { busy: false };
    return undoAll([
      wrapAcquire(probe, prototype, "acquire", outermost),
      wrapTryAcquire(probe, prototype, "tryAcquire", outermost, (token) => token !== undefined),
      wrapRelease(probe, prototype, "release", outermost),
    ]);
  },
};
