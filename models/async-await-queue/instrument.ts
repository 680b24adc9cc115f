import { fromModel } from "../from-model.ts";
import model from "./model.json" with { type: "json" };

/** `run` goes through `wait`, and through `end` when its job is over. */
export const instrumentation = fromModel("async-await-queue", model, {
  types: {
    Queue: {
      capacity: (queue) => (queue as { readonly maxConcurrent?: unknown }).maxConcurrent,
      releasesAfterCallback: true,
    },
  },
});
