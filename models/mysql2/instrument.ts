import {
  type Callback,
  type Instrumentation,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
} from "../probe.ts";
import {
  createHandDown,
  createPoolRequests,
  type PoolRequests,
  positive,
  prototypeOf,
  tellingCallback,
} from "../wrappers.ts";

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
/** From a pool of promises to the pool inside it. */
const handDown = createHandDown();
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
      const operation = handDown.take() ?? probe.begin(owners.get(pool) ?? pool, "acquire");
      const told = tellingCallback(probe, callback as Callback, operation, known);
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
      return handDown.begin(probe, probe.begin(owners.get(pool) ?? self, "acquire", { borrows }));
    });
  return undoAll([asks("getConnection", false), asks("query", true), asks("execute", true)]);
}
