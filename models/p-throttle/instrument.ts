import {
  type Callback,
  type Instrumentation,
  type Operation,
  type Probe,
  type ResourceType,
  wrapFunction,
} from "../probe.ts";
import { isObject, replaceFactory } from "../wrappers.ts";

/** What runs does not keep others from running, so it has no capacity. */
const type: ResourceType = { kind: "queue", name: "p-throttle" };

/** `pThrottle(options)` gives a function that gives throttled functions, which keep their state in properties. */
export const instrumentation: Instrumentation = {
  library: "p-throttle",
  exports: ["default"],
  patch: (bindings, probe) =>
    replaceFactory(bindings, probe, "default", (throttle) =>
      typeof throttle === "function" ? throttleWithReports(throttle as Callback, probe) : throttle,
    ),
};

function throttleWithReports(original: Callback, probe: Probe): Callback {
  const stands = new WeakMap<object, object>();
  let asked: Operation[] = [];
  return wrapFunction(
    probe,
    original,
    (_, args) => {
      const [work] = args;
      if (typeof work !== "function") return undefined;
      const { works } = {
        works(this: unknown, ...given: unknown[]): unknown {
          // They run in the order in which they were asked for, but for those that were aborted.
          asked = asked.filter((operation) => probe.isPending(operation));
          const [next] = asked.splice(0, 1);
          const job =
            next === undefined
              ? (work as Callback)
              : probe.callback(next, work as Callback, { endsWithCallback: true });
          return Reflect.apply(job, this, given);
        },
      };
      probe.replaces(works, work as Callback);
      return {
        args: [works, ...args.slice(1)],
        returned(throttled) {
          if (isObject(throttled))
            stands.set(
              throttled,
              throttledWithReports(throttled as Callback, probe, (one) => asked.push(one)),
            );
        },
      };
    },
    (throttled) => (isObject(throttled) ? (stands.get(throttled) ?? throttled) : throttled),
  );
}

function throttledWithReports(
  original: Callback,
  probe: Probe,
  ask: (operation: Operation) => void,
): Callback {
  const throttled: Callback = new Proxy(original, {
    apply(target, self, args: unknown[]) {
      // Switched off, it calls at once.
      if ((target as { readonly isEnabled?: unknown }).isEnabled === false)
        return Reflect.apply(target, self, args);
      const operation = probe.begin(throttled, "submit");
      ask(operation);
      const promise: unknown = Reflect.apply(target, self, args);
      probe.promised(operation, promise);
      return promise;
    },
  });
  probe.replaces(throttled, original);
  probe.introduce(throttled, type);
  return throttled;
}
