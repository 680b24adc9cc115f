import { type Callback, ownValue, type Probe, type Undo, undoAll, wrapFunction } from "../probe.ts";

/** What of `node:timers/promises` is looked at. */
interface TimersPromises {
  setTimeout: Callback;
  setImmediate: Callback;
}

/**
 * Says which promises a timer settles. Timers with a callback need no wrapper: the transform sees the promise that a
 * `setTimeout` in its executor settles. The iterator of `setInterval` asks for one item after the other like any.
 */
export function patchTimersPromises(module: TimersPromises, probe: Probe): Undo {
  const undos: Undo[] = [];
  for (const [name, options] of [
    ["setTimeout", 2],
    ["setImmediate", 1],
  ] as const) {
    const original = module[name];
    module[name] = wrapFunction(probe, original, (_, args) => ({
      returned: (promise) => probe.sleeps(promise, ownValue(args[options], "ref") !== false),
    }));
    undos.push(() => {
      module[name] = original;
    });
  }
  return undoAll(undos);
}
