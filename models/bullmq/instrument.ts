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
import { isObject, positive, prototypeOf } from "../wrappers.ts";

/** Other processes may have workers for the queue, and what waits in it is known to Redis only. */
const type: ResourceType = { kind: "queue", name: "bullmq", remote: true };

const queues = createRemoteQueues({
  keyOf: (owner) =>
    `${String(ownValue(ownValue(owner, "opts"), "prefix"))}:${String(ownValue(owner, "name"))}`,
  slotsOf: (worker) => positive(concurrencyOf(worker)),
});

/** Several files of the package give the same class. */
const watched = new WeakSet<object>();

/** Classes come from files of their own. */
let queuePrototype: object | undefined;

/** A worker runs as many jobs at once as its concurrency says, and a job may wait for another one. */
export const instrumentation: Instrumentation = {
  library: "bullmq",
  exports: ["Queue", "QueueBase", "Worker", "Job"],
  patch(bindings, probe) {
    const undos: Undo[] = [];
    const [queue, base, worker, job] = ["Queue", "QueueBase", "Worker", "Job"].map((name) =>
      prototypeOf(bindings.get(name)),
    );
    queuePrototype = queue ?? queuePrototype;
    for (const prototype of [queue, worker]) if (prototype !== undefined) probe.describe(prototype, type);
    if (base !== undefined) {
      // Both constructors call it.
      undos.push(
        wrap(probe, base, "waitUntilReady", (self) => {
          if (isQueue(self)) queues.isQueue(self);
          return undefined;
        }),
      );
    }
    if (isNew(worker)) undos.push(watchJobs(worker, probe), queues.watchClose(worker, "close", 0, probe));
    if (isNew(job)) undos.push(queues.watchWaits(job, "waitUntilFinished", 1, probe));
    return () => {
      for (const each of [worker, job]) if (each !== undefined) watched.delete(each);
      undoAll(undos)();
    };
  },
};

function isQueue(object: object): boolean {
  for (let at: unknown = object; isObject(at); at = Object.getPrototypeOf(at))
    if (at === queuePrototype) return true;
  return false;
}

function isNew(prototype: object | undefined): prototype is object {
  if (prototype === undefined || watched.has(prototype)) return false;
  watched.add(prototype);
  return true;
}

/** The job runs in a slot of its worker, for whoever waits for it here. */
function watchJobs(prototype: object, probe: Probe): Undo {
  const name = "callProcessJob";
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  const original = descriptor?.value as Callback | undefined;
  if (descriptor === undefined || typeof original !== "function") return () => {};
  const { wrapper } = {
    wrapper(this: object, ...args: unknown[]): unknown {
      const operation = probe.guard(() => queues.runs(probe, this, args[0])) ?? 0;
      const job = probe.callback(operation, original, { endsWithCallback: true });
      return Reflect.apply(job, this, args);
    },
  };
  probe.replaces(wrapper, original);
  Object.defineProperty(prototype, name, { ...descriptor, value: wrapper });
  return () => Object.defineProperty(prototype, name, descriptor);
}

function concurrencyOf(worker: object): unknown {
  // Version 4 only lets it be set.
  return (
    (worker as { readonly concurrency?: unknown }).concurrency ??
    ownValue(ownValue(worker, "opts"), "concurrency")
  );
}
