import {
  type Callback,
  type Instrumentation,
  type Operation,
  ownValue,
  type Probe,
  type ResourceType,
  wrap,
} from "../probe.ts";
import { createKeys, isObject, prototypeOf } from "../wrappers.ts";

const type: ResourceType = { kind: "mutex", name: "async-lock", capacity: () => 1 };

/**
 * Each key of a lock is a resource of its own. Functions that take a `done` callback are left alone: nothing tells when
 * they have ended. A list of keys comes back here key by key.
 */
export const instrumentation: Instrumentation = {
  library: "async-lock",
  exports: ["AsyncLock"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("AsyncLock"));
    if (prototype === undefined) return () => {};
    const keyOf = createKeys(probe, type);
    return wrap(probe, prototype, "acquire", (lock, args) => {
      const [key, callback, second, third] = args;
      if (Array.isArray(key) || typeof callback !== "function" || callback.length > 0) return undefined;
      const { timeout, domainReentrant } = lock as { timeout?: number; domainReentrant?: boolean };
      // Who has it already would get it again.
      if (domainReentrant === true) return undefined;
      const options = isObject(second) && typeof second !== "function" ? second : third;
      const resource = keyOf(lock, String(key));
      const operation = probe.begin(resource, "scoped", {
        cancellable: Boolean(timeout) || ownValue(options, "timeout") !== undefined,
      });
      const inside = probe.callback(operation, callback as Callback, { endsWithCallback: true });
      if (typeof second === "function") {
        return {
          args: [key, inside, whenDone(probe, operation, second as Callback), ...args.slice(3)],
          threw: () => probe.released(operation),
        };
      }
      return {
        args: [key, inside, ...args.slice(2)],
        returned: (promise) => probe.promised(operation, promise),
        threw: () => probe.released(operation),
      };
    });
  },
};

/** With a callback of its own there is no promise: it is called when the lock is free again, or was refused. */
function whenDone(probe: Probe, operation: Operation, callback: Callback): Callback {
  const { called } = {
    called(this: unknown, ...args: unknown[]): unknown {
      probe.released(operation);
      return Reflect.apply(callback, this, args);
    },
  };
  probe.replaces(called, callback);
  return called;
}
