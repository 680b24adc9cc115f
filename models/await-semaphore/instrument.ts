import { fromModel, type Patching } from "../from-model.ts";
import { type Undo, wrap } from "../probe.ts";
import { positive, prototypeOf } from "../wrappers.ts";
import model from "./model.json" with { type: "json" };

interface Counting {
  readonly count?: unknown;
}

/** A release function adds to the count and calls `sched`, as `use` does when its callback has ended. */
export const instrumentation = fromModel("await-semaphore", model, {
  types: {
    Semaphore: {
      capacity: (semaphore) => positive((semaphore as Counting).count),
      releasesAfterCallback: true,
    },
    Mutex: { capacity: () => 1, releasesAfterCallback: true },
  },
  others: ({ bindings, probe }: Patching): readonly Undo[] => {
    const prototype = prototypeOf(bindings.get("Semaphore"));
    if (prototype === undefined) return [];
    const counts = new WeakMap<object, number>();
    const countOf = (semaphore: object) => {
      const { count } = semaphore as Counting;
      return typeof count === "number" ? count : 0;
    };
    return [
      // Nobody has taken anything before the first was asked for.
      wrap(probe, prototype, "acquire", (semaphore) => {
        if (!counts.has(semaphore)) counts.set(semaphore, countOf(semaphore));
        return undefined;
      }),
      wrap(probe, prototype, "sched", (semaphore) => {
        for (let more = countOf(semaphore) - (counts.get(semaphore) ?? 0); more > 0; more--)
          probe.releasedBySomebody(semaphore);
        return { returned: () => counts.set(semaphore, countOf(semaphore)) };
      }),
    ];
  },
});
