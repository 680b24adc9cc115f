import { type Instrumentation, ownValue } from "../probe.ts";
import { replaceMapping } from "../work.ts";

/** Works through `p-map`, whose part in it is not looked at. */
export const instrumentation: Instrumentation = {
  library: "p-filter",
  exports: ["default"],
  patch: (bindings, probe) =>
    replaceMapping(bindings, probe, "default", {
      type: { kind: "queue", name: "p-filter" },
      fn: 1,
      capacity: (_, [, , options]) => ownValue(options, "concurrency"),
    }),
};
