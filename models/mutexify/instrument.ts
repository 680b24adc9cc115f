import type { Callback, Instrumentation, Operation, Probe, ResourceType } from "../probe.ts";
import { replaceFactory } from "../wrappers.ts";

const type: ResourceType = { kind: "mutex", name: "mutexify", capacity: () => 1 };

/** What the promise form has begun, for the lock inside it that it calls at once. */
let begun: Operation | undefined;

/**
 * A lock is a function that calls back with the one function that releases; the promise form hands `resolve` to it.
 * Each comes out of a file of its own. The function keeps its state in a property, so a proxy stands for it.
 */
export const instrumentation: Instrumentation = {
  library: "mutexify",
  exports: ["mutexify", "mutexifyPromise"],
  patch: (bindings, probe) => {
    const undo = replaceFactory(bindings, probe, "mutexify", (lock) =>
      lockWithReports(lock as Callback, probe),
    );
    const undoPromises = replaceFactory(bindings, probe, "mutexifyPromise", (lock) =>
      promiseLockWithReports(lock as Callback, probe),
    );
    return () => {
      undoPromises();
      undo();
    };
  },
};

function lockWithReports(original: Callback, probe: Probe): Callback {
  /** Whose callback was called last: the one function that releases is for whoever has the lock. */
  let holder: Operation = 0;
  let releases: Callback | undefined;
  const releaseOf = (release: Callback): Callback => {
    if (releases !== undefined) return releases;
    releases = {
      release(this: unknown, ...args: unknown[]): unknown {
        probe.released(holder);
        return Reflect.apply(release, this, args);
      },
    }.release;
    probe.replaces(releases, release);
    return releases;
  };
  const lock: Callback = new Proxy(original, {
    apply(target, self, args: unknown[]) {
      const [callback] = args;
      if (typeof callback !== "function") return Reflect.apply(target, self, args);
      const operation = begun ?? probe.begin(lock, "acquire");
      begun = undefined;
      const { entered } = {
        entered(this: unknown, release: Callback): unknown {
          holder = operation;
          probe.granted(operation);
          return Reflect.apply(callback, this, [releaseOf(release)]);
        },
      };
      probe.replaces(entered, callback as Callback);
      return Reflect.apply(target, self, [entered, ...args.slice(1)]);
    },
  });
  probe.replaces(lock, original);
  probe.introduce(lock, type);
  return lock;
}

function promiseLockWithReports(original: Callback, probe: Probe): Callback {
  const lock: Callback = new Proxy(original, {
    apply(target, self, args: unknown[]) {
      const operation = probe.begin(lock, "acquire");
      begun = operation;
      const promise: unknown = Reflect.apply(target, self, args);
      begun = undefined;
      probe.promised(operation, promise);
      return promise;
    },
  });
  probe.replaces(lock, original);
  probe.introduce(lock, type);
  return lock;
}
