import {
  type Callback,
  type Instrumentation,
  ownValue,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
} from "../probe.ts";

const type: ResourceType = {
  kind: "queue",
  name: "p-queue",
  capacity: concurrencyOf,
};

/** `addAll` goes through `add`. */
export const instrumentation: Instrumentation = {
  library: "p-queue",
  exports: ["PQueue"],
  patch(bindings, probe) {
    const PQueue = bindings.get("PQueue");
    if (typeof PQueue !== "function") return () => {};
    const { prototype } = PQueue as { prototype: object };
    probe.describe(prototype, type);
    return undoAll([
      wrap(probe, prototype, "add", (queue, args) => {
        const [callback, options] = args;
        if (typeof callback !== "function") return undefined;
        const capacity = concurrencyOf(queue);
        if (capacity !== undefined) probe.changed(queue, { capacity });
        const operation = probe.begin(queue, "submit", {
          priority: numberOr(ownValue(options, "priority"), 0),
          cancellable:
            ownValue(options, "signal") !== undefined || ownValue(options, "timeout") !== undefined,
        });
        const job = probe.callback(operation, callback as Callback, { endsWithCallback: true });
        return {
          args: [job, ...args.slice(1)],
          returned: (promise) => probe.promised(operation, promise),
          threw: () => probe.released(operation),
        };
      }),
      // Before 10 the promises of cleared jobs stay pending for ever; those of 10 reject, which ends them here too.
      wrap(probe, prototype, "clear", (queue) => ({ returned: () => probe.dropped(queue) })),
      waitsFor(probe, prototype, "onIdle", "waitIdle"),
      ...["onEmpty", "onSizeLessThan", "onPendingZero", "onError", "onRateLimit", "onRateLimitCleared"].map(
        (name) => waitsFor(probe, prototype, name, "waitEvent"),
      ),
    ]);
  },
};

/** Before 6.2 there is only the private field. */
function concurrencyOf(queue: object): number | undefined {
  const { concurrency, _concurrency } = queue as { concurrency?: number; _concurrency?: number };
  return concurrency ?? _concurrency;
}

function waitsFor(probe: Probe, prototype: object, name: string, verb: "waitIdle" | "waitEvent"): Undo {
  return wrap(probe, prototype, name, (queue) => {
    const operation = probe.begin(queue, verb);
    return {
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}
