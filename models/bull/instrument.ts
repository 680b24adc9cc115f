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
import { createRemoteQueues } from "../remote-queues.ts";
import { prototypeOf } from "../wrappers.ts";

/** Other processes may work for the queue, and what waits in it is known to Redis only. */
const type: ResourceType = { kind: "queue", name: "bull", remote: true };

/** How many jobs each queue runs at once: the sum of what its `process` calls said. */
const slots = new WeakMap<object, number>();

const queues = createRemoteQueues({
  keyOf: (owner) => `${String(ownValue(owner, "keyPrefix"))}:${String(ownValue(owner, "name"))}`,
  slotsOf: (queue) => slots.get(queue),
});

/** A queue works for itself: `process` gives it a function for the jobs of a name. A job may wait for another one. */
export const instrumentation: Instrumentation = {
  library: "bull",
  exports: ["Queue", "Job"],
  patch(bindings, probe) {
    const [queue, job] = ["Queue", "Job"].map((name) => prototypeOf(bindings.get(name)));
    const undos: Undo[] = [];
    if (queue !== undefined && Object.hasOwn(queue, "setHandler")) {
      probe.describe(queue, type);
      undos.push(...watchQueue(queue, probe));
    }
    if (job !== undefined && Object.hasOwn(job, "finished"))
      undos.push(queues.watchWaits(job, "finished", 0, probe));
    return undoAll(undos);
  },
};

function watchQueue(prototype: object, probe: Probe): readonly Undo[] {
  return [
    wrap(probe, prototype, "start", (queue, [concurrency]) => {
      if (typeof concurrency === "number") slots.set(queue, (slots.get(queue) ?? 0) + concurrency);
      return undefined;
    }),
    wrap(probe, prototype, "setHandler", (queue, [name, handler]) =>
      // The library binds it, and nobody sees which function that was.
      typeof handler === "function"
        ? { args: [name, handlerWithReports(queue, handler as Callback, probe)] }
        : undefined,
    ),
    queues.watchClose(prototype, "close", 0, probe),
  ];
}

/** With a second parameter it calls that when it is done, and gives no promise that would count. */
function handlerWithReports(queue: object, original: Callback, probe: Probe): Callback {
  const callsBack = original.length > 1;
  const { handles } = {
    handles(this: unknown, ...args: unknown[]): unknown {
      const operation = probe.guard(() => queues.runs(probe, queue, args[0])) ?? 0;
      const job = probe.callback(operation, original, { endsWithCallback: !callsBack });
      const [given, done, ...rest] = args;
      if (!callsBack || typeof done !== "function") return Reflect.apply(job, this, args);
      const { told } = {
        told(this: unknown, ...outcome: unknown[]): unknown {
          probe.released(operation);
          return Reflect.apply(done, this, outcome);
        },
      };
      probe.replaces(told, done as Callback);
      return Reflect.apply(job, this, [given, told, ...rest]);
    },
  };
  probe.replaces(handles, original);
  return handles;
}
