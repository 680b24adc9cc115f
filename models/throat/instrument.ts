import {
  type Callback,
  type Instrumentation,
  type Operation,
  type Probe,
  type ResourceType,
  wrapFunction,
} from "../probe.ts";
import { replaceExport } from "../wrappers.ts";

const type: ResourceType = { kind: "queue", name: "throat" };

/**
 * `throat(size)` gives a function whose calls bring the job; `throat(size, job)`, in any order, one whose calls are the
 * jobs. Those run in the order in which they were asked for.
 */
export const instrumentation: Instrumentation = {
  library: "throat",
  exports: ["default"],
  patch: (bindings, probe) =>
    replaceExport(bindings, "default", (original) => throatWithReports(original, probe)),
};

function throatWithReports(original: Callback, probe: Probe): Callback {
  const stands = new WeakMap<object, Callback>();
  return wrapFunction(
    probe,
    original,
    (_, args) => {
      const size = args.find((each) => typeof each === "number");
      const at = args.findIndex((each) => typeof each === "function");
      if (size === undefined) return undefined;
      const asked: Operation[] = [];
      const stand = (made: unknown, limiterFor: (made: Callback) => Callback) => {
        if (typeof made !== "function") return;
        const limiter = limiterFor(made as Callback);
        probe.introduce(limiter, type);
        probe.changed(limiter, { capacity: size });
        stands.set(made, limiter);
      };
      if (at < 0) return { returned: (made) => stand(made, (each) => limiterOfJobs(each, probe)) };
      const job = args[at] as Callback;
      const { works } = {
        works(this: unknown, ...given: unknown[]): unknown {
          let next = asked.shift();
          while (next !== undefined && !probe.isPending(next)) next = asked.shift();
          const called = next === undefined ? job : probe.callback(next, job, { endsWithCallback: true });
          return Reflect.apply(called, this, given);
        },
      };
      probe.replaces(works, job);
      return {
        args: args.map((each, index) => (index === at ? works : each)),
        returned: (made) =>
          stand(made, (each) => limiterOfCalls(each, probe, (operation) => asked.push(operation))),
      };
    },
    (made) => (typeof made === "function" ? (stands.get(made) ?? made) : made),
  );
}

function limiterOfJobs(original: Callback, probe: Probe): Callback {
  const limiter = wrapFunction(probe, original, (_, [job, ...args]) => {
    if (typeof job !== "function") return undefined;
    const operation = probe.begin(limiter, "submit");
    return {
      args: [probe.callback(operation, job as Callback, { endsWithCallback: true }), ...args],
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
  return limiter;
}

function limiterOfCalls(original: Callback, probe: Probe, ask: (operation: Operation) => void): Callback {
  const limiter = wrapFunction(probe, original, () => {
    const operation = probe.begin(limiter, "submit");
    ask(operation);
    return {
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
  return limiter;
}
