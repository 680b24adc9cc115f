import { type Instrumentation, type Probe, type ResourceType, type Undo, undoAll, wrap } from "../probe.ts";
import { createPoolRequests, isObject, type PoolRequests, positive, prototypeOf } from "../wrappers.ts";

const type: ResourceType = {
  kind: "pool",
  name: "generic-pool.Pool",
  capacity: (pool) => positive((pool as { max?: unknown }).max),
};

interface Configured {
  readonly _config?: { readonly acquireTimeoutMillis?: unknown };
}

/** Of several copies of the library, any may hand over its classes first. */
let requests: PoolRequests | undefined;

/** `use` goes through `acquire`. The class of requests is in a file of its own; its promise stands for a request. */
export const instrumentation: Instrumentation = {
  library: "generic-pool",
  exports: ["Pool", "ResourceRequest"],
  patch(bindings, probe) {
    requests ??= createPoolRequests(probe);
    const known = requests;
    const undos: Undo[] = [];
    const request = prototypeOf(bindings.get("ResourceRequest"));
    const pool = prototypeOf(bindings.get("Pool"));
    if (request !== undefined) {
      undos.push(
        wrap(probe, request, "resolve", (self, [client]) => {
          const { promise } = self as { promise?: unknown };
          if (isObject(promise)) known.granted(promise, client);
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
  const givesBack = (name: string) =>
    wrap(probe, prototype, name, (pool, [client]) => {
      known.gaveBack(pool, client);
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
          known.asked(promise, operation);
          // The grant is told by the request; what settles without one was refused, by a pool that drains at once.
          probe.grantedBy(operation, promise, () => false);
          probe.promised(operation, promise);
        },
        threw: () => probe.released(operation),
      };
    }),
    givesBack("release"),
    givesBack("destroy"),
  ]);
}
