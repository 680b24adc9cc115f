import { type Instrumentation, type ResourceType, undoAll, wrap } from "../probe.ts";
import { prototypeOf } from "../wrappers.ts";

const type: ResourceType = { kind: "waitgroup", name: "@jpwilliams/waitgroup.WaitGroup" };

/** `done` goes through `add`. How many are still to come is the length of the group. */
export const instrumentation: Instrumentation = {
  library: "@jpwilliams/waitgroup",
  exports: ["WaitGroup"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("WaitGroup"));
    if (prototype === undefined) return () => {};
    probe.describe(prototype, type);
    const tellLength = (group: object) => {
      const { current } = group as { current?: unknown };
      if (typeof current === "number") probe.changed(group, { length: current });
    };
    return undoAll([
      wrap(probe, prototype, "add", (group) => ({ returned: () => tellLength(group) })),
      wrap(probe, prototype, "wait", (group) => {
        const operation = probe.begin(group, "waitIdle");
        tellLength(group);
        return {
          returned: (promise) => probe.promised(operation, promise),
          threw: () => probe.released(operation),
        };
      }),
    ]);
  },
};
