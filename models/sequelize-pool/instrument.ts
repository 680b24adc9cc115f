import { requestPool } from "../pools.ts";
import { positive } from "../wrappers.ts";

/** Sequelize takes its connections from such a pool. It has a timeout always, half a minute if nothing else is said. */
export const instrumentation = requestPool({
  library: "sequelize-pool",
  type: {
    kind: "pool",
    name: "sequelize-pool.Pool",
    capacity: (pool) => positive((pool as { readonly maxSize?: unknown }).maxSize),
  },
  request: "Deferred",
  promiseOf: (request) => (request as { readonly _promise?: unknown })._promise,
  isLimited: () => true,
});
