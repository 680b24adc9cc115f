import {
  type Callback,
  type Instrumentation,
  type Operation,
  ownValue,
  type ResourceType,
  undoAll,
  wrap,
} from "../probe.ts";
import { createKeys, isObject, type Outermost, outside, prototypeOf, whileRunning } from "../wrappers.ts";

const type: ResourceType = { kind: "mutex", name: "redlock", capacity: () => 1, remote: true };

/** Leases that nobody gives back are forgotten when there are so many. */
const mostHolds = 1000;

interface Hold {
  readonly key: string;
  readonly operation: Operation;
  /** When it has expired for sure, in milliseconds of the clock. */
  until: number;
}

/** The clocks of processes and servers differ. */
const slackMs = 1000;

/** One for all copies of the library, and for each file that hands it over. */
const outermost: Outermost = { busy: false };
let resourceOf: ReturnType<typeof createKeys> | undefined;
/** By value, oldest first. */
const holds = new Map<unknown, Hold>();
let asked: Hold | undefined;

/**
 * Locks that other processes may hold as well; several keys that are asked for together are a lock of their own here.
 * Version 4 gives promises of bluebird, of which nothing tells when they are settled, and is left alone.
 *
 * Every attempt to acquire, extend or release has a script and the random value that stands for the lock.
 */
export const instrumentation: Instrumentation = {
  library: "redlock",
  exports: ["Redlock"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("Redlock") ?? bindings.get("default"));
    if (prototype === undefined || !Object.hasOwn(prototype, "_attemptOperation")) return () => {};
    resourceOf ??= createKeys(probe, type);
    const keyed = resourceOf;
    const ask = (self: object, keys: unknown, verb: "acquire" | "scoped"): Hold => {
      const key = Array.isArray(keys) ? keys.map(String).sort().join() : "";
      // It gives up after some attempts.
      const options = { cancellable: true, refusable: true };
      return { key, operation: probe.begin(keyed(serverOf(self), key), verb, options), until: 0 };
    };
    const end = (value: unknown): void => {
      const hold = holds.get(value);
      if (hold !== undefined) probe.released(hold.operation);
      holds.delete(value);
    };
    const add = (value: unknown, hold: Hold): void => {
      for (const [other, { key, until }] of holds)
        if (holds.size >= mostHolds || (key === hold.key && until < Date.now())) end(other);
      holds.set(value, hold);
    };
    return undoAll([
      wrap(probe, prototype, "_attemptOperation", (self, [script, , values]) => {
        const [value, durationMs] = Array.isArray(values) ? values : [];
        const scripts = ownValue(self, "scripts");
        // What was refused is released, too.
        if (script === ownValue(scripts, "releaseScript")) end(value);
        else {
          if (asked !== undefined) add(value, asked);
          asked = undefined;
          const hold = holds.get(value);
          if (hold !== undefined) hold.until = Date.now() + Number(durationMs) + slackMs;
        }
        return undefined;
      }),
      wrap(probe, prototype, "acquire", (self, [keys]) => {
        if (outermost.busy) return undefined;
        const hold = ask(self, keys, "acquire");
        asked = hold;
        const watched = whileRunning(probe, hold.operation, outermost);
        return {
          ...watched,
          returned(promise) {
            // It may have refused before the first attempt.
            asked = undefined;
            watched.returned?.(promise);
          },
        };
      }),
      wrap(probe, prototype, "using", (self, args) => {
        const at = typeof args[2] === "function" ? 2 : 3;
        const callback = args[at];
        if (outermost.busy || typeof callback !== "function") return undefined;
        const { operation } = ask(self, args[0], "scoped");
        const job = probe.callback(operation, callback as Callback, { endsWithCallback: true });
        return {
          args: args.map((each, index) =>
            index === at ? outside(probe, outermost, job, callback as Callback) : each,
          ),
          ...whileRunning(probe, operation, outermost),
        };
      }),
    ]);
  },
};

/** The locks are keys there, whichever object asks for them: many make one for each use. */
function serverOf(self: object): object {
  const clients = ownValue(self, "clients");
  const [first] = clients instanceof Set ? clients : [];
  return isObject(first) ? first : self;
}
