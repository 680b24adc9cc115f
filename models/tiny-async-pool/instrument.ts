import type { Instrumentation } from "../probe.ts";
import { replaceMapping } from "../work.ts";

/** Each call is a limiter of its own. What version 2 gives works only while somebody iterates over it. */
export const instrumentation: Instrumentation = {
  library: "tiny-async-pool",
  exports: ["default"],
  patch: (bindings, probe) =>
    replaceMapping(bindings, probe, "default", {
      type: { kind: "queue", name: "tiny-async-pool" },
      fn: 2,
      capacity: (_, [concurrency]) => concurrency,
    }),
};
