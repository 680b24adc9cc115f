import { type Instrumentation, type Probe, type ResourceType, type Undo, undoAll, wrap } from "../probe.ts";
import { createPoolRequests, isObject, type PoolRequests, positive, prototypeOf } from "../wrappers.ts";

const type: ResourceType = {
  kind: "pool",
  name: "tarn.Pool",
  capacity: (pool) => positive((pool as { max?: unknown }).max),
};

/** Of several copies of the library, any may hand over its classes first. */
let requests: PoolRequests | undefined;

/** Knex takes its connections from such a pool. The class of requests is in a file of its own. */
export const instrumentation: Instrumentation = {
  library: "tarn",
  exports: ["Pool", "PendingOperation"],
  patch(bindings, probe) {
    requests ??= createPoolRequests(probe);
    const known = requests;
    const undos: Undo[] = [];
    const request = prototypeOf(bindings.get("PendingOperation"));
    const pool = prototypeOf(bindings.get("Pool"));
    if (request !== undefined) {
      undos.push(
        wrap(probe, request, "resolve", (self, [client]) => {
          known.granted(self, client);
          return undefined;
        }),
      );
    }
    if (pool !== undefined) undos.push(patchPool(pool, probe, known));
    return undoAll(undos);
  },
};

function patchPool(prototype: object, probe: Probe, known: PoolRequests): Undo {
  probe.describe(prototype, type);
  return undoAll([
    wrap(probe, prototype, "acquire", (pool) => {
      // It has a timeout always, half a minute if nothing else is said.
      const operation = probe.begin(pool, "acquire", { cancellable: true });
      return {
        returned(request) {
          if (!isObject(request)) return;
          known.asked(request, operation);
          // The grant is told by the request; what settles without one is a timeout.
          const { promise } = request as { promise?: unknown };
          probe.grantedBy(operation, promise, () => false);
          probe.promised(operation, promise);
        },
        threw: () => probe.released(operation),
      };
    }),
    wrap(probe, prototype, "release", (pool, [client]) => {
      known.gaveBack(pool, client);
      return undefined;
    }),
  ]);
}
