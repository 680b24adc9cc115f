import {
  type Instrumentation,
  type Operation,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
} from "../probe.ts";
import { createPoolHolds, isObject, type PoolHolds, positive, prototypeOf } from "../wrappers.ts";

const type: ResourceType = {
  kind: "pool",
  name: "generic-pool.Pool",
  capacity: (pool) => positive((pool as { max?: unknown }).max),
};

interface Configured {
  readonly _config?: { readonly acquireTimeoutMillis?: unknown };
}

/** What was asked for by the promise that it gave, and the client that it got when that came first. */
const asked = new WeakMap<object, { operation?: Operation; client?: { readonly value: unknown } }>();

/** `use` goes through `acquire`. The class of requests is in a file of its own. */
export const instrumentation: Instrumentation = {
  library: "generic-pool",
  exports: ["Pool", "ResourceRequest"],
  patch(bindings, probe) {
    const undos: Undo[] = [];
    // Of several copies of the library, any may hand over its classes first.
    holds ??= createPoolHolds(probe);
    const request = prototypeOf(bindings.get("ResourceRequest"));
    const pool = prototypeOf(bindings.get("Pool"));
    if (request !== undefined) undos.push(patchRequest(request, probe));
    if (pool !== undefined) undos.push(patchPool(pool, probe, holds));
    return undoAll(undos);
  },
};

let holds: PoolHolds | undefined;

function patchRequest(prototype: object, probe: Probe): Undo {
  return wrap(probe, prototype, "resolve", (request, [client]) => {
    const { promise } = request as { promise?: unknown };
    if (!isObject(promise)) return undefined;
    const found = asked.get(promise);
    if (found?.operation !== undefined) holds?.took(found.operation, client);
    else asked.set(promise, { client: { value: client } });
    return undefined;
  });
}

function patchPool(prototype: object, probe: Probe, holds: PoolHolds): Undo {
  probe.describe(prototype, type);
  const givesBack = (name: string) =>
    wrap(probe, prototype, name, (pool, [client]) => {
      holds.gaveBack(pool, client);
      return undefined;
    });
  return undoAll([
    wrap(probe, prototype, "acquire", (pool) => {
      const { _config } = pool as Configured;
      const operation = probe.begin(pool, "acquire", {
        cancellable: positive(_config?.acquireTimeoutMillis) !== undefined,
      });
      return {
        returned(promise) {
          if (!isObject(promise)) return;
          const got = asked.get(promise)?.client;
          asked.set(promise, { operation });
          if (got !== undefined) holds.took(operation, got.value);
          // The grant is told by the request; what settles without one was refused.
          probe.grantedBy(operation, promise, () => false);
          // A pool that drains refuses at once.
          probe.promised(operation, promise);
        },
        threw: () => probe.released(operation),
      };
    }),
    givesBack("release"),
    givesBack("destroy"),
  ]);
}
