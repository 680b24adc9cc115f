import { type Callback, type Instrumentation, type ResourceType, undoAll, wrap } from "../probe.ts";
import {
  createHandDown,
  createPoolRequests,
  isObject,
  positive,
  prototypeOf,
  tellingCallback,
} from "../wrappers.ts";

interface Configured {
  readonly options?: { readonly max?: unknown; readonly connectionTimeoutMillis?: unknown };
}

interface Queued {
  readonly _pendingQueue?: readonly object[];
}

const type: ResourceType = {
  kind: "pool",
  name: "pg-pool",
  capacity: (pool) => positive((pool as Configured).options?.max),
};

/** The pool of `pg`. `query` goes through `connect` with a callback, at once, and gives back by itself. */
export const instrumentation: Instrumentation = {
  library: "pg-pool",
  exports: ["Pool"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("Pool"));
    if (prototype === undefined) return () => {};
    probe.describe(prototype, type);
    // An entry of the pool's queue stands for a request.
    const requests = createPoolRequests(probe);
    /** The entry of the call of `connect` that runs, when it does not wait in the queue. */
    let begun: object | undefined;
    /** From `query` to `connect`. */
    const handDown = createHandDown();
    return undoAll([
      wrap(probe, prototype, "connect", (pool, args) => {
        const [callback] = args;
        const operation = handDown.take() ?? probe.begin(pool, "acquire", optionsOf(pool));
        const threw = () => probe.released(operation);
        if (typeof callback !== "function") {
          begun = undefined;
          return {
            returned(promise) {
              const entry = begun ?? (pool as Queued)._pendingQueue?.at(-1);
              begun = undefined;
              if (entry !== undefined) requests.asked(entry, operation);
              // The grant is told by the entry; what settles without one was refused.
              probe.grantedBy(operation, promise, () => false);
              // A pool that has ended refuses at once.
              probe.promised(operation, promise);
            },
            threw,
          };
        }
        const told = tellingCallback(probe, callback as Callback, operation, requests);
        return { args: [told, ...args.slice(1)], threw };
      }),
      wrap(probe, prototype, "query", (pool, args) => {
        if (args.some((each) => typeof each === "function")) return undefined;
        return handDown.begin(probe, probe.begin(pool, "acquire", { ...optionsOf(pool), borrows: true }));
      }),
      wrap(probe, prototype, "newClient", (_, [entry]) => {
        if (isObject(entry)) begun = entry;
        return undefined;
      }),
      wrap(probe, prototype, "_acquireClient", (_, [client, entry]) => {
        if (isObject(entry)) requests.granted(entry, client);
        return undefined;
      }),
      wrap(probe, prototype, "_release", (pool, [client]) => {
        requests.gaveBack(pool, client);
        return undefined;
      }),
    ]);
  },
};

function optionsOf(pool: object) {
  return { cancellable: positive((pool as Configured).options?.connectionTimeoutMillis) !== undefined };
}
