import {
  type Callback,
  type Instrumentation,
  type Operation,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
} from "../probe.ts";
import { createPoolRequests, type PoolRequests, positive, prototypeOf } from "../wrappers.ts";

interface CorePool {
  readonly config?: { readonly connectionLimit?: unknown };
}

interface PromisePool {
  readonly pool?: CorePool;
}

const limitOf = (pool: CorePool | undefined) => positive(pool?.config?.connectionLimit);
const coreType: ResourceType = {
  kind: "pool",
  name: "mysql2.Pool",
  capacity: (pool) => limitOf(pool as CorePool),
};
const promiseType: ResourceType = { ...coreType, capacity: (pool) => limitOf((pool as PromisePool).pool) };

/** The pools of promises around those that call back: one resource, by whichever is used first. */
const owners = new WeakMap<object, object>();
/** Callbacks of ours: a pool that has lost a connection asks for another one for who waits. */
const asked = new WeakSet<object>();
/** What a pool of promises has begun, for the pool inside it that it calls at once. */
let begun: Operation | undefined;
/** Of several copies of the library, any may hand over its classes first. */
let requests: PoolRequests | undefined;

/** Everything goes through `getConnection` of the inner pool, with a callback. */
export const instrumentation: Instrumentation = {
  library: "mysql2",
  exports: ["BasePool", "Pool", "PromisePool"],
  patch(bindings, probe) {
    requests ??= createPoolRequests(probe);
    const known = requests;
    const undos: Undo[] = [];
    for (const name of ["BasePool", "Pool"]) {
      const prototype = prototypeOf(bindings.get(name));
      if (prototype !== undefined && Object.hasOwn(prototype, "getConnection"))
        undos.push(patchCore(prototype, probe, known));
    }
    const promises = prototypeOf(bindings.get("PromisePool"));
    if (promises !== undefined) undos.push(patchPromises(promises, probe));
    return undoAll(undos);
  },
};

function patchCore(prototype: object, probe: Probe, known: PoolRequests): Undo {
  probe.describe(prototype, coreType);
  const givesBack = (name: string) =>
    wrap(probe, prototype, name, (pool, [connection]) => {
      known.gaveBack(owners.get(pool) ?? pool, connection);
      return undefined;
    });
  return undoAll([
    wrap(probe, prototype, "getConnection", (pool, args) => {
      const [callback] = args;
      if (typeof callback !== "function" || asked.has(callback)) return undefined;
      if (!owners.has(pool)) owners.set(pool, pool);
      const operation = begun ?? probe.begin(owners.get(pool) ?? pool, "acquire");
      begun = undefined;
      const { told } = {
        told(this: unknown, ...given: unknown[]): unknown {
          probe.guard(() => {
            const [error, connection] = given;
            if (error || connection === undefined) probe.released(operation);
            else known.took(operation, connection);
          });
          return Reflect.apply(callback as Callback, this, given);
        },
      };
      probe.replaces(told, callback as Callback);
      asked.add(told);
      return { args: [told, ...args.slice(1)], threw: () => probe.released(operation) };
    }),
    givesBack("releaseConnection"),
    givesBack("_removeConnection"),
  ]);
}

function patchPromises(prototype: object, probe: Probe): Undo {
  probe.describe(prototype, promiseType);
  const asks = (name: string, borrows: boolean) =>
    wrap(probe, prototype, name, (self) => {
      const { pool } = self as PromisePool;
      if (pool === undefined) return undefined;
      if (!owners.has(pool)) owners.set(pool, self);
      const operation = probe.begin(owners.get(pool) ?? self, "acquire", { borrows });
      begun = operation;
      return {
        returned(promise) {
          begun = undefined;
          // The grant is told by the callback.
          probe.grantedBy(operation, promise, () => false);
          probe.promised(operation, promise);
        },
        threw() {
          begun = undefined;
          probe.released(operation);
        },
      };
    });
  return undoAll([asks("getConnection", false), asks("query", true), asks("execute", true)]);
}
