import { requestPool } from "../pools.ts";
import { positive } from "../wrappers.ts";

interface Configured {
  readonly max?: unknown;
  readonly _config?: { readonly acquireTimeoutMillis?: unknown };
}

/** `use` goes through `acquire`. */
export const instrumentation = requestPool({
  library: "generic-pool",
  type: {
    kind: "pool",
    name: "generic-pool.Pool",
    capacity: (pool) => positive((pool as Configured).max),
  },
  request: "ResourceRequest",
  promiseOf: (request) => (request as { readonly promise?: unknown }).promise,
  isLimited: (pool) => positive((pool as Configured)._config?.acquireTimeoutMillis) !== undefined,
});
