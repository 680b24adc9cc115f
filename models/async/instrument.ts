import {
  type Callback,
  type Instrumentation,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrapFunction,
} from "../probe.ts";
import { watchMapping, wrapWorkerQueue } from "../work.ts";
import { isObject, replaceExport } from "../wrappers.ts";

const queueType: ResourceType = { kind: "queue", name: "async.queue" };
const all = ["each", "forEach", "eachOf", "forEachOf", "map"];
const limited = ["eachLimit", "forEachLimit", "eachOfLimit", "forEachOfLimit", "mapLimit"];
const serial = ["eachSeries", "forEachSeries", "eachOfSeries", "forEachOfSeries"];
const names = ["queue", ...all, ...limited, ...serial];

/**
 * Everything is exported by name and, once more, as a property of the default export. Workers and callbacks that are
 * no async functions call back, and nothing tells when they have ended.
 */
export const instrumentation: Instrumentation = {
  library: "async",
  exports: ["default", ...names],
  patch(bindings, probe) {
    const wrappers = new Map<unknown, Callback>();
    const wrapperOf = (name: string, original: Callback): Callback => {
      const known = wrappers.get(original);
      if (known !== undefined) return known;
      const wrapped =
        name === "queue" ? queueWithReports(probe, original) : mappingWithReports(probe, name, original);
      wrappers.set(original, wrapped);
      return wrapped;
    };
    const undos: Undo[] = [];
    const every = bindings.get("default");
    for (const name of names) {
      undos.push(replaceExport(bindings, name, (original) => wrapperOf(name, original)));
      const descriptor = isObject(every) ? Object.getOwnPropertyDescriptor(every, name) : undefined;
      if (!isObject(every) || typeof descriptor?.value !== "function") continue;
      Object.defineProperty(every, name, {
        ...descriptor,
        value: wrapperOf(name, descriptor.value as Callback),
      });
      undos.push(() => Object.defineProperty(every, name, descriptor));
    }
    return undoAll(undos);
  },
};

function queueWithReports(probe: Probe, original: Callback): Callback {
  return wrapWorkerQueue(probe, original, {
    type: queueType,
    worker: () => 0,
    // As the library itself tells them apart.
    isAwaited: (worker) =>
      (worker as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === "AsyncFunction",
    push: ["push", "unshift", "pushAsync", "unshiftAsync"],
    takesLists: true,
    // `drain` cannot be replaced.
    waitIdle: [],
    clear: ["kill"],
    capacity: (queue) => (queue as { readonly concurrency?: unknown }).concurrency,
  });
}

function mappingWithReports(probe: Probe, name: string, original: Callback): Callback {
  const isLimited = limited.includes(name);
  return wrapFunction(
    probe,
    original,
    watchMapping(probe, {
      type: { kind: "queue", name: `async.${name}` },
      fn: isLimited ? 2 : 1,
      callback: isLimited ? 3 : 2,
      capacity: (_, args) => (isLimited ? args[1] : serial.includes(name) ? 1 : undefined),
    }),
  );
}
