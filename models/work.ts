// Work that a library does by calling a function of the program again and again: for each item, or for each value that
// is pushed.
import {
  type Bindings,
  type Callback,
  type Instrumentation,
  type Operation,
  ownValue,
  type Probe,
  type ResourceType,
  type Undo,
  wrap,
  wrapFunction,
} from "./probe.ts";
import { isObject, type Outermost, outside, positive, prototypeOf, replaceExport } from "./wrappers.ts";

/** One for all libraries: some work through others. */
const mapping: Outermost = { busy: false };

/** A call that works through items with a callback, and whose promise is settled when all are done. */
export interface Mapping {
  readonly type: ResourceType;
  /** Index of the callback. */
  readonly fn: number;
  /** How many at once. */
  readonly capacity: (self: object, args: readonly unknown[]) => unknown;
  /** The object that the work is a method of stands for it; else each call is a resource of its own. */
  readonly isMethod?: boolean;
  /** A function at this index or behind it is called at the end, and there is no promise. */
  readonly callback?: number;
}

/** What the caller waits for is a queue whose slots are held by the callbacks that run. */
export function watchMapping(probe: Probe, { type, fn, capacity, isMethod = false, callback }: Mapping) {
  return (self: object, args: readonly unknown[]) => {
    const mapper = args[fn];
    const hasCallback =
      callback !== undefined && args.slice(callback).some((each) => typeof each === "function");
    if (mapping.busy || typeof mapper !== "function" || hasCallback) return undefined;
    const resource = isMethod ? self : {};
    probe.introduce(resource, type, isMethod ? undefined : true);
    const slots = positive(capacity(self, args));
    if (slots !== undefined) probe.changed(resource, { capacity: slots });
    const whole = probe.begin(resource, "waitIdle");
    const { mapped } = {
      mapped(this: unknown, ...given: unknown[]): unknown {
        const one = probe.begin(resource, "submit", { of: whole });
        return Reflect.apply(
          probe.callback(one, mapper as Callback, { endsWithCallback: true }),
          this,
          given,
        );
      },
    };
    mapping.busy = true;
    const over = () => {
      mapping.busy = false;
    };
    return {
      args: args.map((each, index) =>
        index === fn ? outside(probe, mapping, mapped, mapper as Callback) : each,
      ),
      returned(promise: unknown) {
        over();
        probe.promised(whole, promise);
      },
      threw() {
        over();
        probe.released(whole);
      },
    };
  };
}

/** The same for an exported function. */
export function replaceMapping(bindings: Bindings, probe: Probe, exported: string, how: Mapping): Undo {
  return replaceExport(bindings, exported, (original) =>
    wrapFunction(probe, original, watchMapping(probe, how)),
  );
}

/** A queue that is made with the function that does the work, and is given values. */
export interface WorkerQueue {
  readonly type: ResourceType;
  /** Index of the worker. */
  readonly worker: (args: readonly unknown[]) => number;
  /** Whether a worker gives a promise; else it is handed a function to call when it is done. */
  readonly isAwaited: (worker: Callback) => boolean;
  /** Members that take a value, or a list of values. */
  readonly push: readonly string[];
  readonly takesLists?: boolean;
  readonly waitIdle: readonly string[];
  readonly clear: readonly string[];
  readonly capacity: (queue: object) => unknown;
}

interface Pushed {
  readonly value: unknown;
  readonly operation: Operation;
}

/** Wraps a function that makes such queues. */
export function wrapWorkerQueue(probe: Probe, original: Callback, how: WorkerQueue): Callback {
  return wrapFunction(probe, original, (_, args) => {
    const at = how.worker(args);
    const worker = args[at];
    if (typeof worker !== "function") return undefined;
    /** What waits for the worker, oldest first. */
    let pushed: Pushed[] = [];
    const take = (value: unknown): Operation | undefined => {
      const index = pushed.findIndex((each) => Object.is(each.value, value));
      return index < 0 ? undefined : pushed.splice(index, 1)[0]?.operation;
    };
    return {
      args: args.map((each, index) =>
        index === at ? workerWithReports(probe, worker as Callback, take, how) : each,
      ),
      returned(queue) {
        if (!isObject(queue)) return;
        probe.introduce(queue, how.type);
        const ask = (value: unknown): Operation => {
          const capacity = positive(how.capacity(queue));
          if (capacity !== undefined) probe.changed(queue, { capacity });
          const operation = probe.begin(queue, "submit");
          pushed.push({ value, operation });
          return operation;
        };
        for (const name of how.push) watchPush(probe, queue, name, ask, how.takesLists === true);
        for (const name of how.waitIdle) watchIdle(probe, queue, name);
        for (const name of how.clear) {
          wrap(probe, queue, name, () => ({
            returned() {
              pushed = [];
              probe.dropped(queue);
            },
          }));
        }
      },
    };
  });
}

function workerWithReports(
  probe: Probe,
  worker: Callback,
  take: (value: unknown) => Operation | undefined,
  how: WorkerQueue,
): Callback {
  const isAwaited = how.isAwaited(worker);
  const { works } = {
    works(this: unknown, ...given: unknown[]): unknown {
      const operation = take(given[0]);
      if (operation === undefined) return Reflect.apply(worker, this, given);
      const job = probe.callback(operation, worker, { endsWithCallback: isAwaited });
      const done = given[1];
      if (isAwaited || typeof done !== "function") return Reflect.apply(job, this, given);
      const told = wrapFunction(probe, done as Callback, () => {
        probe.released(operation);
        return undefined;
      });
      return Reflect.apply(job, this, [given[0], told, ...given.slice(2)]);
    },
  };
  probe.replaces(works, worker);
  return works;
}

function watchPush(
  probe: Probe,
  queue: object,
  name: string,
  ask: (value: unknown) => Operation,
  takesLists: boolean,
): Undo {
  return wrap(probe, queue, name, (_, [value]) => {
    const isList = takesLists && Array.isArray(value);
    const operations = isList ? value.map(ask) : [ask(value)];
    return {
      returned(result) {
        if (!isList) probe.promised(operations[0] ?? 0, result);
        else if (Array.isArray(result)) {
          for (const [index, promise] of result.entries()) probe.promised(operations[index] ?? 0, promise);
        }
      },
      threw() {
        for (const operation of operations) probe.released(operation);
      },
    };
  });
}

function watchIdle(probe: Probe, queue: object, name: string): Undo {
  return wrap(probe, queue, name, (_, [handler]) => {
    if (typeof handler === "function") return undefined;
    const operation = probe.begin(queue, "waitIdle");
    return {
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
}

/**
 * A pool of worker threads, as an instrumentation. Whether a task waits for a thread or runs in one is not told, so
 * whoever awaits it waits for a worker.
 */
export function workerPool(library: string, exported: string, typeName: string): Instrumentation {
  const type: ResourceType = {
    kind: "queue",
    name: typeName,
    capacity: (pool) =>
      positive((pool as { readonly options?: { readonly maxThreads?: unknown } }).options?.maxThreads),
  };
  return {
    library,
    exports: [exported],
    patch(bindings, probe) {
      const prototype = prototypeOf(bindings.get(exported));
      if (prototype === undefined) return () => {};
      probe.describe(prototype, type);
      return wrap(probe, prototype, "run", (pool, [, options]) => {
        const capacity = type.capacity?.(pool);
        if (capacity !== undefined) probe.changed(pool, { capacity });
        const operation = probe.begin(pool, "worker", {
          cancellable: ownValue(options, "signal") !== undefined,
        });
        return {
          returned: (promise) => probe.promised(operation, promise),
          threw: () => probe.released(operation),
        };
      });
    },
  };
}
