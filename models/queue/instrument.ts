import { fromModel } from "../from-model.ts";
import { positive } from "../wrappers.ts";
import model from "./model.json" with { type: "json" };

/**
 * The jobs in a queue are the program's own functions, which it may look for there and find in events. None is replaced,
 * so which of them run is not seen.
 */
export const instrumentation = fromModel("queue", model, {
  types: {
    Queue: {
      name: "queue",
      capacity: (queue) => positive((queue as { readonly concurrency?: unknown }).concurrency),
      length: (queue) => (queue as { readonly length?: unknown }).length,
      except: ["push", "unshift"],
    },
  },
});
