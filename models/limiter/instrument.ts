import { type Instrumentation, type ResourceType, wrap } from "../probe.ts";
import { prototypeOf } from "../wrappers.ts";

/** What has taken its tokens does not keep others from theirs, so it has no capacity: time brings new ones. */
const type: ResourceType = { kind: "queue", name: "limiter.RateLimiter" };

/** A `TokenBucket` is left alone: up to version 3 it comes back later by calling itself, as anybody else would. */
export const instrumentation: Instrumentation = {
  library: "limiter",
  exports: ["RateLimiter"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("RateLimiter"));
    if (prototype === undefined) return () => {};
    probe.describe(prototype, type);
    return wrap(probe, prototype, "removeTokens", (limiter) => {
      const operation = probe.begin(limiter, "submit");
      return {
        returned: (promise) => probe.promised(operation, promise),
        threw: () => probe.released(operation),
      };
    });
  },
};
