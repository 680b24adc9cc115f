import { type Instrumentation, ownValue, type ResourceType, undoAll, wrap } from "../probe.ts";
import { prototypeOf, wrapAcquire, wrapRelease } from "../wrappers.ts";

const type: ResourceType = { kind: "mutex", name: "@sapphire/async-queue.AsyncQueue", capacity: () => 1 };

/** A lock by another name: `wait` acquires, `shift` releases. */
export const instrumentation: Instrumentation = {
  library: "@sapphire/async-queue",
  exports: ["AsyncQueue"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("AsyncQueue"));
    if (prototype === undefined) return () => {};
    probe.describe(prototype, type);
    const outermost = { busy: false };
    return undoAll([
      wrapAcquire(probe, prototype, "wait", outermost, ([options]) =>
        ownValue(options, "signal") === undefined ? {} : undefined,
      ),
      wrapRelease(probe, prototype, "shift", outermost),
      // What it rejects was not granted, and the head gives way.
      wrap(probe, prototype, "abortAll", (queue) => ({ returned: () => probe.dropped(queue) })),
    ]);
  },
};
