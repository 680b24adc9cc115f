// Pools that answer a request, an object of a class of its own, by settling the promise that the caller has.
import { type Instrumentation, type Probe, type ResourceType, type Undo, undoAll, wrap } from "./probe.ts";
import { createPoolRequests, isObject, type PoolRequests, prototypeOf } from "./wrappers.ts";

export interface RequestPool {
  readonly library: string;
  /** `Pool` objects are resources of this type. */
  readonly type: ResourceType;
  /** The exported class of requests, with a method `resolve` that is given the client. */
  readonly request: string;
  readonly promiseOf: (request: object) => unknown;
  /** Waiting ends after a time. */
  readonly isLimited: (pool: object) => boolean;
}

/** The instrumentation of a class `Pool` with `acquire`, `release` and `destroy`. */
export function requestPool({ library, type, request, promiseOf, isLimited }: RequestPool): Instrumentation {
  /** Of several copies of the library, any may hand over its classes first. */
  let requests: PoolRequests | undefined;
  return {
    library,
    exports: ["Pool", request],
    patch(bindings, probe) {
      requests ??= createPoolRequests(probe);
      const known = requests;
      const undos: Undo[] = [];
      const asked = prototypeOf(bindings.get(request));
      const pool = prototypeOf(bindings.get("Pool"));
      if (asked !== undefined) {
        undos.push(
          wrap(probe, asked, "resolve", (self, [client]) => {
            const promise = promiseOf(self);
            if (isObject(promise)) known.granted(promise, client);
            return undefined;
          }),
        );
      }
      if (pool !== undefined) {
        probe.describe(pool, type);
        undos.push(patchPool(pool, probe, known, isLimited));
      }
      return undoAll(undos);
    },
  };
}

function patchPool(
  prototype: object,
  probe: Probe,
  known: PoolRequests,
  isLimited: RequestPool["isLimited"],
): Undo {
  const givesBack = (name: string) =>
    wrap(probe, prototype, name, (pool, [client]) => {
      known.gaveBack(pool, client);
      return undefined;
    });
  return undoAll([
    wrap(probe, prototype, "acquire", (pool) => {
      const operation = probe.begin(pool, "acquire", { cancellable: isLimited(pool) });
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
