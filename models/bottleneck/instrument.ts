import { fromModel } from "../from-model.ts";
import { positive } from "../wrappers.ts";
import model from "./model.json" with { type: "json" };

interface Stored {
  readonly _store?: { readonly storeOptions?: { readonly maxConcurrent?: unknown } };
}

/** `wrap` goes through `schedule`. Jobs of `submit`, which call back, are not seen. */
export const instrumentation = fromModel("bottleneck", model, {
  types: {
    Bottleneck: {
      name: "bottleneck",
      capacity: (limiter) => positive((limiter as Stored)._store?.storeOptions?.maxConcurrent),
    },
  },
});
