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
  name: "tarn.Pool",
  capacity: (pool) => positive((pool as { max?: unknown }).max),
};

/** What `acquire` gives; its promise is rejected by a timeout. */
interface Pending {
  readonly promise?: unknown;
}

/** What was asked for by a request, and the client that it got when that came first. */
const asked = new WeakMap<object, { operation?: Operation; client?: { readonly value: unknown } }>();

/** Knex takes its connections from such a pool. The class of requests is in a file of its own. */
export const instrumentation: Instrumentation = {
  library: "tarn",
  exports: ["Pool", "PendingOperation"],
  patch(bindings, probe) {
    const undos: Undo[] = [];
    const pool = prototypeOf(bindings.get("Pool"));
    const request = prototypeOf(bindings.get("PendingOperation"));
    // Of several copies of the library, any may hand over its classes first.
    holds ??= createPoolHolds(probe);
    if (request !== undefined) undos.push(patchRequest(request, probe));
    if (pool !== undefined) undos.push(patchPool(pool, probe, holds));
    return undoAll(undos);
  },
};

let holds: PoolHolds | undefined;

function patchRequest(prototype: object, probe: Probe): Undo {
  return wrap(probe, prototype, "resolve", (request, [client]) => {
    const found = asked.get(request);
    if (found?.operation !== undefined) holds?.took(found.operation, client);
    else asked.set(request, { client: { value: client } });
    return undefined;
  });
}

function patchPool(prototype: object, probe: Probe, holds: PoolHolds): Undo {
  probe.describe(prototype, type);
  return undoAll([
    wrap(probe, prototype, "acquire", (pool) => {
      // It has a timeout always, half a minute if nothing else is said.
      const operation = probe.begin(pool, "acquire", { cancellable: true });
      return {
        returned(pending) {
          if (!isObject(pending)) return;
          const got = asked.get(pending)?.client;
          asked.set(pending, { operation });
          if (got !== undefined) holds.took(operation, got.value);
          // The grant was told before; what settles without one is a timeout.
          const { promise } = pending as Pending;
          probe.grantedBy(operation, promise, () => false);
          probe.promised(operation, promise);
        },
        threw: () => probe.released(operation),
      };
    }),
    wrap(probe, prototype, "release", (pool, [client]) => {
      holds.gaveBack(pool, client);
      return undefined;
    }),
  ]);
}
