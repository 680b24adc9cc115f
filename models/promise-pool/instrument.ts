import { type Instrumentation, wrap } from "../probe.ts";
import { watchMapping } from "../work.ts";
import { prototypeOf } from "../wrappers.ts";

const concurrencyOf = (pool: object) => (pool as { readonly concurrency?: unknown }).concurrency;

/** `for` and `withConcurrency` only describe; `process` begins. */
export const instrumentation: Instrumentation = {
  library: "@supercharge/promise-pool",
  exports: ["PromisePool"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("PromisePool"));
    if (prototype === undefined) return () => {};
    const watch = watchMapping(probe, {
      type: { kind: "queue", name: "@supercharge/promise-pool" },
      fn: 0,
      capacity: concurrencyOf,
      isMethod: true,
    });
    return wrap(probe, prototype, "process", watch);
  },
};
