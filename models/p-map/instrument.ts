import { type Instrumentation, ownValue, undoAll } from "../probe.ts";
import { replaceMapping } from "../work.ts";

/** Each call is a limiter of its own. What `pMapIterable` gives works only while somebody iterates over it. */
export const instrumentation: Instrumentation = {
  library: "p-map",
  exports: ["default", "pMapSettled"],
  patch: (bindings, probe) =>
    undoAll(
      ["default", "pMapSettled"].map((name) =>
        replaceMapping(bindings, probe, name, {
          type: { kind: "queue", name: "p-map" },
          fn: 1,
          capacity: (_, [, , options]) => ownValue(options, "concurrency"),
        }),
      ),
    ),
};
