import {
  type Callback,
  type Instrumentation,
  type Operation,
  type ResourceType,
  undoAll,
  wrap,
} from "../probe.ts";
import { createPoolRequests, isObject, positive, prototypeOf } from "../wrappers.ts";

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
    /** What `query` has begun, for the `connect` that it calls. */
    let query: Operation | undefined;
    return undoAll([
      wrap(probe, prototype, "connect", (pool, args) => {
        const [callback] = args;
        const operation = query ?? probe.begin(pool, "acquire", optionsOf(pool));
        query = undefined;
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
        const { called } = {
          called(this: unknown, ...given: unknown[]): unknown {
            probe.guard(() => {
              const [error, client] = given;
              if (error || client === undefined) probe.released(operation);
              else requests.took(operation, client);
            });
            return Reflect.apply(callback as Callback, this, given);
          },
        };
        probe.replaces(called, callback as Callback);
        return { args: [called, ...args.slice(1)], threw };
      }),
      wrap(probe, prototype, "query", (pool, args) => {
        if (args.some((each) => typeof each === "function")) return undefined;
        const operation = probe.begin(pool, "acquire", { ...optionsOf(pool), borrows: true });
        query = operation;
        const over = () => {
          query = undefined;
        };
        return {
          returned(promise) {
            over();
            // The grant is told by the callback of `connect`.
            probe.grantedBy(operation, promise, () => false);
            probe.promised(operation, promise);
          },
          threw() {
            over();
            probe.released(operation);
          },
        };
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
