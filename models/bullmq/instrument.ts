import {
  type Callback,
  type Instrumentation,
  type Operation,
  ownValue,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
} from "../probe.ts";
import { isObject, positive, prototypeOf } from "../wrappers.ts";

/** Other processes may have workers for the queue, and what waits in it is known to Redis only. */
const type: ResourceType = { kind: "queue", name: "bullmq", remote: true };

/** What this process has of a queue in Redis. */
interface Known {
  /** The object that stands for it in a dump: the first that something is asked of, rather a queue than a worker. */
  stands: WeakRef<object> | undefined;
  queue: WeakRef<object> | undefined;
  readonly workers: Set<WeakRef<object>>;
  /** The jobs that run here, by id. */
  readonly running: Map<unknown, Operation>;
  /** Jobs that somebody waits for here and that run elsewhere, or not yet. */
  readonly awaited: Map<unknown, Operation>;
}

/** By prefix and name. */
const known = new Map<string, Known>();

/** So many queues, and jobs that are waited for, are kept before those are forgotten that nobody has any more. */
const mostKept = 1000;

/** Several files of the package give the same class. */
const watched = new WeakSet<object>();

/** Classes come from files of their own. */
let queuePrototype: object | undefined;

/**
 * A worker runs as many jobs at once as its concurrency says, and a job may wait for another one. Which jobs wait in
 * Redis nobody tells; whoever waits for one is shown in the queue until it runs here or has ended elsewhere.
 */
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
          if (isQueue(self)) knownAs(self).queue = new WeakRef(self);
          return undefined;
        }),
      );
    }
    if (isNew(worker)) undos.push(watchJobs(worker, probe), watchClose(worker, probe));
    if (isNew(job)) undos.push(watchWaits(job, probe));
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
  const begin = (worker: object, job: unknown): Operation => {
    const queue = knownAs(worker);
    const id = ownValue(job, "id");
    const resource = standFor(queue, worker);
    probe.changed(resource, { capacity: slotsOf(queue, worker) });
    const awaited = queue.awaited.get(id) ?? 0;
    queue.awaited.delete(id);
    const operation = probe.isPending(awaited) ? awaited : probe.begin(resource, "submit");
    for (const [other, run] of queue.running) if (!probe.isPending(run)) queue.running.delete(other);
    queue.running.set(id, operation);
    return operation;
  };
  const { wrapper } = {
    wrapper(this: object, ...args: unknown[]): unknown {
      const operation = probe.guard(() => begin(this, args[0])) ?? 0;
      const job = probe.callback(operation, original, { endsWithCallback: true });
      return Reflect.apply(job, this, args);
    },
  };
  probe.replaces(wrapper, original);
  Object.defineProperty(prototype, name, { ...descriptor, value: wrapper });
  return () => Object.defineProperty(prototype, name, descriptor);
}

function watchWaits(prototype: object, probe: Probe): Undo {
  return wrap(probe, prototype, "waitUntilFinished", (job, [, ttl]) => {
    const owner = ownValue(job, "queue");
    if (!isObject(owner)) return undefined;
    const queue = knownAs(owner);
    const id = ownValue(job, "id");
    const running = queue.running.get(id) ?? 0;
    if (probe.isPending(running)) return { returned: (promise) => probe.joined(promise, [running]) };
    const operation = probe.begin(standFor(queue, owner), "submit", { cancellable: Boolean(ttl) });
    for (const [other, wait] of queue.awaited.size < mostKept ? [] : queue.awaited)
      if (!probe.isPending(wait)) queue.awaited.delete(other);
    queue.awaited.set(id, operation);
    return {
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
}

/** It waits for the jobs that run, unless it is told not to. */
function watchClose(prototype: object, probe: Probe): Undo {
  return wrap(probe, prototype, "close", (worker, [force]) => {
    if (force === true) return undefined;
    const operation = probe.begin(standFor(knownAs(worker), worker), "waitIdle");
    return {
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
}

function knownAs(owner: object): Known {
  const key = `${String(ownValue(ownValue(owner, "opts"), "prefix"))}:${String(ownValue(owner, "name"))}`;
  let found = known.get(key);
  if (found === undefined) {
    for (const [other, queue] of known.size < mostKept ? [] : known) if (isGone(queue)) known.delete(other);
    found = {
      stands: undefined,
      queue: undefined,
      workers: new Set(),
      running: new Map(),
      awaited: new Map(),
    };
    known.set(key, found);
  }
  return found;
}

function isGone({ stands, queue, workers }: Known): boolean {
  return [stands, queue, ...workers].every((each) => each?.deref() === undefined);
}

function standFor(queue: Known, asked: object): object {
  const stands = queue.stands?.deref() ?? queue.queue?.deref() ?? asked;
  if (queue.stands?.deref() !== stands) queue.stands = new WeakRef(stands);
  return stands;
}

/** Of all workers of this process that have jobs from the queue. */
function slotsOf({ workers }: Known, worker: object): number {
  let slots = 0;
  let isNew = true;
  for (const each of workers) {
    const one = each.deref();
    if (one === undefined || ownValue(one, "closing") !== undefined) workers.delete(each);
    else slots += positive(concurrencyOf(one)) ?? 0;
    isNew &&= one !== worker;
  }
  if (!isNew) return slots;
  workers.add(new WeakRef(worker));
  return slots + (positive(concurrencyOf(worker)) ?? 0);
}

function concurrencyOf(worker: object): unknown {
  // Version 4 only lets it be set.
  return (
    (worker as { readonly concurrency?: unknown }).concurrency ??
    ownValue(ownValue(worker, "opts"), "concurrency")
  );
}
