import {
  type Callback,
  type Instrumentation,
  type Operation,
  type Probe,
  type ResourceType,
  wrapFunction,
} from "../probe.ts";
import { replaceFactory } from "../wrappers.ts";

const type: ResourceType = {
  kind: "queue",
  name: "p-limit",
};

/**
 * `pLimit` returns a function whose calls are the jobs, so the function itself is replaced by one that reports and has
 * the same properties. `limitFunction` calls `pLimit` inside its own module and gets the replaced one.
 */
export const instrumentation: Instrumentation = {
  library: "p-limit",
  exports: ["default"],
  patch(bindings, probe) {
    return replaceFactory(bindings, probe, "default", (limit, [concurrency]) =>
      typeof limit === "function" ? limiterFor(limit as Callback, concurrency, probe) : limit,
    );
  },
};

function limiterFor(original: Callback, concurrency: unknown, probe: Probe): Callback {
  const submit = (callback: Callback): { operation: Operation; job: Callback } => {
    const operation = probe.begin(limiter, "submit");
    return { operation, job: probe.callback(operation, callback, { endsWithCallback: true }) };
  };
  const limiter = wrapFunction(probe, original, (_, args) => {
    const [callback] = args;
    if (typeof callback !== "function") return undefined;
    // The concurrency can be changed in later versions.
    announce(limiter, original, concurrency, probe);
    const { operation, job } = submit(callback as Callback);
    return {
      args: [job, ...args.slice(1)],
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
  probe.introduce(limiter, type);
  announce(limiter, original, concurrency, probe);
  for (const key of Reflect.ownKeys(original)) {
    const descriptor = Object.getOwnPropertyDescriptor(original, key);
    if (descriptor === undefined || key === "length" || key === "name" || key === "prototype") continue;
    Object.defineProperty(limiter, key, withReports(key, descriptor, limiter, submit, probe));
  }
  return limiter;
}

function announce(limiter: object, original: object, concurrency: unknown, probe: Probe): void {
  const now = (original as { concurrency?: unknown }).concurrency;
  const capacity =
    typeof now === "number"
      ? now
      : typeof concurrency === "number"
        ? concurrency
        : (concurrency as { concurrency?: unknown } | undefined)?.concurrency;
  if (typeof capacity === "number") probe.changed(limiter, { capacity });
}

function withReports(
  key: string | symbol,
  descriptor: PropertyDescriptor,
  limiter: object,
  submit: (callback: Callback) => { operation: Operation; job: Callback },
  probe: Probe,
): PropertyDescriptor {
  const value = descriptor.value as unknown;
  if (typeof value !== "function") return descriptor;
  if (key === "clearQueue") {
    return {
      ...descriptor,
      value: wrapFunction(probe, value as Callback, () => ({ returned: () => probe.dropped(limiter) })),
    };
  }
  if (key !== "map") return descriptor;
  return {
    ...descriptor,
    value: wrapFunction(probe, value as Callback, (_, args) => {
      const [items, mapper] = args;
      if (typeof mapper !== "function" || !isIterable(items)) return undefined;
      // The library takes an item and submits its job before it takes the next, and calls with the item's index.
      const jobs: { operation: Operation; job: Callback }[] = [];
      const counted = countingIterable(items, () => jobs.push(submit(mapper as Callback)));
      return {
        args: [counted, jobByIndex(mapper as Callback, jobs, probe), ...args.slice(2)],
        returned: (promise) =>
          probe.joined(
            promise,
            jobs.map(({ operation }) => operation),
          ),
      };
    }),
  };
}

function jobByIndex(mapper: Callback, jobs: readonly { readonly job: Callback }[], probe: Probe): Callback {
  const { mapped } = {
    mapped(this: unknown, item: unknown, index: number): unknown {
      return Reflect.apply(jobs[index]?.job ?? mapper, this, [item, index]);
    },
  };
  probe.replaces(mapped, mapper);
  return mapped;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  if (Array.isArray(value)) return true;
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function countingIterable(items: Iterable<unknown>, taken: () => void): Iterable<unknown> {
  return {
    *[Symbol.iterator]() {
      for (const item of items) {
        taken();
        yield item;
      }
    },
  };
}
