// Queues in a server, of which this process has some workers: which jobs wait there nobody tells. Whoever waits for a job
// is shown in the queue until that job runs here or has ended elsewhere.
import { type Operation, ownValue, type Probe, type Undo, wrap } from "./probe.ts";
import { isObject } from "./wrappers.ts";

interface RemoteQueueKind {
  /** What stands for the queue in the server, of an object that is about it. */
  readonly keyOf: (owner: object) => string;
  /** How many jobs a worker runs at once. */
  readonly slotsOf: (worker: object) => number | undefined;
}

/** What this process has of a queue in a server. */
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

export interface RemoteQueues {
  /** An object that stands for a queue rather than those that work for it. */
  isQueue(queue: object): void;
  /** A job begins to run in a slot of a worker. */
  runs(probe: Probe, worker: object, job: unknown): Operation;
  /** Of a job's class: the member by which somebody waits for it, and where he says for how long. */
  watchWaits(prototype: object, name: string, timeout: number, probe: Probe): Undo;
  /** Of a worker's class: the member that waits for the jobs that run, unless it is told not to. */
  watchClose(prototype: object, name: string, force: number, probe: Probe): Undo;
}

/** So many queues, and jobs that are waited for, are kept before those are forgotten that nobody has any more. */
const mostKept = 1000;

export function createRemoteQueues({ keyOf, slotsOf }: RemoteQueueKind): RemoteQueues {
  const known = new Map<string, Known>();

  const knownAs = (owner: object): Known => {
    const key = keyOf(owner);
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
  };

  /** Of all workers of this process that have jobs from the queue. */
  const slotsOfAll = ({ workers }: Known, worker: object): number => {
    let slots = 0;
    let isNew = true;
    for (const each of workers) {
      const one = each.deref();
      if (one === undefined || ownValue(one, "closing") !== undefined) workers.delete(each);
      else slots += slotsOf(one) ?? 0;
      isNew &&= one !== worker;
    }
    if (!isNew) return slots;
    workers.add(new WeakRef(worker));
    return slots + (slotsOf(worker) ?? 0);
  };

  return {
    isQueue(queue) {
      knownAs(queue).queue = new WeakRef(queue);
    },
    runs(probe, worker, job) {
      const queue = knownAs(worker);
      const id = ownValue(job, "id");
      const resource = standFor(queue, worker);
      probe.changed(resource, { capacity: slotsOfAll(queue, worker) });
      const awaited = queue.awaited.get(id) ?? 0;
      queue.awaited.delete(id);
      const operation = probe.isPending(awaited) ? awaited : probe.begin(resource, "submit");
      for (const [other, run] of queue.running) if (!probe.isPending(run)) queue.running.delete(other);
      queue.running.set(id, operation);
      return operation;
    },
    watchWaits: (prototype, name, timeout, probe) =>
      wrap(probe, prototype, name, (job, args) => {
        const owner = ownValue(job, "queue");
        if (!isObject(owner)) return undefined;
        const queue = knownAs(owner);
        const id = ownValue(job, "id");
        const running = queue.running.get(id) ?? 0;
        if (probe.isPending(running)) return { returned: (promise) => probe.joined(promise, [running]) };
        const operation = probe.begin(standFor(queue, owner), "submit", {
          cancellable: Boolean(args[timeout]),
        });
        for (const [other, wait] of queue.awaited.size < mostKept ? [] : queue.awaited)
          if (!probe.isPending(wait)) queue.awaited.delete(other);
        queue.awaited.set(id, operation);
        return {
          returned: (promise) => probe.promised(operation, promise),
          threw: () => probe.released(operation),
        };
      }),
    watchClose: (prototype, name, force, probe) =>
      wrap(probe, prototype, name, (worker, args) => {
        if (args[force] === true) return undefined;
        const operation = probe.begin(standFor(knownAs(worker), worker), "waitIdle");
        return {
          returned: (promise) => probe.promised(operation, promise),
          threw: () => probe.released(operation),
        };
      }),
  };
}

function isGone({ stands, queue, workers }: Known): boolean {
  return [stands, queue, ...workers].every((each) => each?.deref() === undefined);
}

function standFor(queue: Known, asked: object): object {
  const stands = queue.stands?.deref() ?? queue.queue?.deref() ?? asked;
  if (queue.stands?.deref() !== stands) queue.stands = new WeakRef(stands);
  return stands;
}
