import { type Callback, type Instrumentation, type ResourceType, wrap } from "../probe.ts";
import { isObject, positive, prototypeOf } from "../wrappers.ts";

const type: ResourceType = {
  kind: "queue",
  name: "workerpool",
  capacity: (pool) => positive((pool as { readonly maxWorkers?: unknown }).maxWorkers),
};

/**
 * Every call goes through `exec`, those of a proxy too. It gives a promise of the library's own making, which calls its
 * handlers in turn and knows of no unhandled rejections: one more handler is not noticed.
 */
export const instrumentation: Instrumentation = {
  library: "workerpool",
  exports: ["Pool"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("Pool"));
    if (prototype === undefined) return () => {};
    probe.describe(prototype, type);
    const outermost = { busy: false };
    return wrap(probe, prototype, "exec", (pool) => {
      if (outermost.busy) return undefined;
      outermost.busy = true;
      const operation = probe.begin(pool, "worker");
      return {
        returned(promise) {
          outermost.busy = false;
          const then = isObject(promise) ? (promise as { readonly then?: unknown }).then : undefined;
          if (!isObject(promise) || typeof then !== "function") return probe.released(operation);
          probe.promisedBy(operation, promise);
          const over = () => probe.released(operation);
          Reflect.apply(then as Callback, promise, [over, over]);
        },
        threw() {
          outermost.busy = false;
          probe.released(operation);
        },
      };
    });
  },
};
