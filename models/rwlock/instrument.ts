import {
  type Callback,
  type Instrumentation,
  type Observation,
  ownValue,
  type Probe,
  type ResourceType,
  wrap,
} from "../probe.ts";
import { createKeys, isObject, prototypeOf, replaceExport } from "../wrappers.ts";

const type: ResourceType = { kind: "rwlock", name: "rwlock", capacity: () => 1 };

/**
 * Whoever gets in is called with the function that lets him out. Every lock has methods of its own, which its
 * constructor makes, and for each key there is a lock of its own.
 */
export const instrumentation: Instrumentation = {
  library: "rwlock",
  exports: ["default"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("default"));
    const made = prototype && Object.getOwnPropertyDescriptor(prototype, "constructor");
    const resourceOf = createKeys(probe, type);
    const undo = replaceExport(bindings, "default", (original) => {
      const stand: Callback = new Proxy(original, {
        construct(target, args: unknown[], newTarget) {
          const lock: unknown = Reflect.construct(target, args, newTarget);
          probe.guard(() => isObject(lock) && watchLock(lock, probe, (key) => resourceOf(lock, key)));
          return lock as object;
        },
      });
      probe.replaces(stand, original);
      if (prototype && made) Object.defineProperty(prototype, "constructor", { ...made, value: stand });
      return stand;
    });
    return () => {
      undo();
      if (prototype && made) Object.defineProperty(prototype, "constructor", made);
    };
  },
};

function watchLock(lock: object, probe: Probe, ofKey: (key: string) => object): void {
  probe.introduce(lock, type);
  for (const [name, shared] of [
    ["readLock", true],
    ["writeLock", false],
  ] as const) {
    // Those of `async` call the functions that the constructor made, which are replaced only for others.
    for (const of of [lock, ownValue(lock, "async")])
      if (isObject(of)) wrap(probe, of, name, (_, args) => watchEntry(lock, probe, ofKey, shared, args));
  }
}

function watchEntry(
  lock: object,
  probe: Probe,
  ofKey: (key: string) => object,
  shared: boolean,
  args: readonly unknown[],
): Observation | undefined {
  const at = typeof args[0] === "function" ? 0 : 1;
  const entered = args[at];
  if (typeof entered !== "function") return undefined;
  const options = args[at + 1];
  const isLimited = ownValue(options, "timeout") !== undefined;
  const operation = probe.begin(at === 0 ? lock : ofKey(String(args[0])), "scoped", {
    shared,
    cancellable: isLimited,
  });
  const job = probe.callback(operation, entered as Callback, { endsWithCallback: false });
  const { enters } = {
    enters(this: unknown, ...given: unknown[]): unknown {
      const release = given.at(-1);
      if (typeof release !== "function") return Reflect.apply(job, this, given);
      const { released } = {
        released(this: unknown, ...rest: unknown[]): unknown {
          probe.released(operation);
          return Reflect.apply(release, this, rest);
        },
      };
      probe.replaces(released, release as Callback);
      return Reflect.apply(job, this, [...given.slice(0, -1), released]);
    },
  };
  probe.replaces(enters, entered as Callback);
  const late = ownValue(options, "timeoutCallback");
  const gaveUp = function (this: unknown, ...given: unknown[]): unknown {
    probe.released(operation);
    return typeof late === "function" ? Reflect.apply(late, this, given) : undefined;
  };
  const limited = isLimited ? { ...(options as object), timeoutCallback: gaveUp } : options;
  const index = (each: unknown, position: number) =>
    position === at ? enters : position === at + 1 ? limited : each;
  return { args: args.map(index), threw: () => probe.released(operation) };
}
