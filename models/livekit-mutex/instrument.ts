import { fromModel } from "../from-model.ts";
import model from "./model.json" with { type: "json" };

/** A `Mutex` makes a promise per hold, which its release function settles; a `MultiMutex` hands out a bound method. */
export const instrumentation = fromModel("@livekit/mutex", model, {
  types: {
    Mutex: { heldUntilMade: true },
    MultiMutex: {
      capacity: (mutex) => (mutex as { readonly _limit?: unknown })._limit,
      releases: ["_unlock"],
    },
  },
});
