import { type Callback, ownValue, type Probe, type ResourceType, type Undo, wrap } from "../probe.ts";
import { createKeys } from "../wrappers.ts";

/** What of the global object is looked at; Node has locks from 24 on. */
interface WithLocks {
  readonly navigator?: { readonly locks?: object };
}

const type: ResourceType = { kind: "rwlock", name: "navigator.locks", capacity: () => 1 };

/** Each name is a lock of its own. Requests that take what is free, or steal, do not wait and are not looked at. */
export function patchWebLocks({ navigator }: WithLocks, probe: Probe): Undo {
  const locks = navigator?.locks;
  if (locks === undefined) return () => {};
  const prototype = Object.getPrototypeOf(locks) as object;
  const lockOf = createKeys(probe, type);
  return wrap(probe, prototype, "request", (manager, args) => {
    const [name, options] = args;
    const at = typeof options === "function" ? 1 : 2;
    const callback = args[at];
    if (typeof callback !== "function" || typeof name !== "string") return undefined;
    if (["ifAvailable", "steal"].some((option) => Boolean(ownValue(options, option)))) return undefined;
    const operation = probe.begin(lockOf(manager, name), "scoped", {
      shared: ownValue(options, "mode") === "shared",
      cancellable: ownValue(options, "signal") !== undefined,
    });
    const inside = probe.callback(operation, callback as Callback, { endsWithCallback: true });
    return {
      args: args.map((each, index) => (index === at ? inside : each)),
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
}
