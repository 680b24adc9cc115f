import path from "node:path";
import {
  type Bindings,
  type Callback,
  type Instrumentation,
  type Observe,
  type Operation,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrapFunction,
} from "../probe.ts";
import { createHandDown, createKeys, replaceExport } from "../wrappers.ts";

const type: ResourceType = { kind: "mutex", name: "proper-lockfile", capacity: () => 1 };

/** From `lock` of the package's main file to the function with a callback. */
const handDown = createHandDown();

/** The locks of all copies of the package: they are those of the file system. */
const owner = {};
const holds = new Map<string, Operation>();
let resourceOf: ((owner: object, key: string) => object) | undefined;

/**
 * A lock on a file, which other processes may hold as well. The package's main file turns functions that take a
 * callback into promises; only those see the function that releases. Without `retries` it does not wait but refuses.
 */
export const instrumentation: Instrumentation = {
  library: "proper-lockfile",
  exports: ["default", "lock", "unlock", "getLocks"],
  patch(bindings, probe) {
    resourceOf ??= createKeys(probe, type);
    return bindings.get("getLocks") === undefined
      ? patchPromises(bindings, probe)
      : patchCallbacks(bindings, probe);
  },
};

function ask(probe: Probe, file: unknown): Operation {
  return probe.begin(resourceOf?.(owner, keyOf(file)), "acquire", { cancellable: true });
}

function patchPromises(bindings: Bindings, probe: Probe): Undo {
  const lock = bindings.get("lock");
  if (typeof lock !== "function") return () => {};
  const wrapped = wrapFunction(probe, lock as Callback, (_, [file]) =>
    handDown.begin(probe, ask(probe, file)),
  );
  // The function is what the package exports, too.
  const names = bindings.get("default") === lock ? ["default", "lock"] : ["lock"];
  return undoAll(names.map((name) => replaceExport(bindings, name, () => wrapped)));
}

function patchCallbacks(bindings: Bindings, probe: Probe): Undo {
  const locking: Observe = (_, args) => {
    const [file, options, callback] = args;
    if (typeof callback !== "function") return undefined;
    const operation = handDown.take() ?? ask(probe, file);
    const { told } = {
      told(this: unknown, error: unknown, release: unknown): unknown {
        if (typeof release !== "function") {
          probe.released(operation);
          return Reflect.apply(callback, this, [error, release]);
        }
        probe.granted(operation);
        holds.set(keyOf(file), operation);
        return Reflect.apply(callback, this, [
          error,
          releaser(probe, keyOf(file), operation, release as Callback),
        ]);
      },
    };
    return { args: [file, options, told], threw: () => probe.released(operation) };
  };
  const unlocking: Observe = (_, args) => {
    const [file, options, callback] = args;
    const operation = holds.get(keyOf(file));
    if (typeof callback !== "function" || operation === undefined) return undefined;
    const { told } = {
      told(this: unknown, ...given: unknown[]): unknown {
        if (!given[0]) giveBack(probe, keyOf(file), operation);
        return Reflect.apply(callback, this, given);
      },
    };
    return { args: [file, options, told] };
  };
  return undoAll([
    replaceExport(bindings, "lock", (lock) => wrapFunction(probe, lock, locking)),
    replaceExport(bindings, "unlock", (unlock) => wrapFunction(probe, unlock, unlocking)),
  ]);
}

function releaser(probe: Probe, key: string, operation: Operation, original: Callback): Callback {
  return wrapFunction(probe, original, () => {
    giveBack(probe, key, operation);
    return undefined;
  });
}

function giveBack(probe: Probe, key: string, operation: Operation): void {
  probe.released(operation);
  if (holds.get(key) === operation) holds.delete(key);
}

function keyOf(file: unknown): string {
  return typeof file === "string" ? path.resolve(file) : "";
}
