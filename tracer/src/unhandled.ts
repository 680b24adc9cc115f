// Tasks that fail while nobody looks. Node says of each rejected promise that nobody has handled it, and takes that back
// when somebody does later, with events of `process`; a listener of ours would change what Node does then.
import { types } from "node:util";
import { type Callback, wrap, wrapFunction } from "@unknot/models/probe.ts";
import type { EndedTask } from "./runtime.ts";

export interface UnhandledOptions {
  readonly probe: Parameters<typeof wrap>[0];
  /** Whose promise this is, of a task that has ended a moment ago. */
  readonly endedTask: (promise: object) => EndedTask | undefined;
  /** One task more has failed so, or one less: its failure was handled after all. */
  readonly failed: (task: EndedTask, by: 1 | -1) => void;
}

/** Listens to what `process` emits, without being a listener. */
export function watchUnhandled({ probe, endedTask, failed }: UnhandledOptions): void {
  const seen = new WeakMap<object, EndedTask>();
  const observe = (_: object, [event, first, second]: readonly unknown[]) => {
    if (event === "unhandledRejection" && types.isPromise(second)) {
      const task = endedTask(second);
      if (task !== undefined) {
        seen.set(second, task);
        failed(task, 1);
      }
    } else if (event === "rejectionHandled" && types.isPromise(first)) {
      const task = seen.get(first);
      if (task !== undefined) failed(task, -1);
    }
    return undefined;
  };
  if (Object.hasOwn(process, "emit")) wrap(probe, process, "emit", observe);
  else {
    const value = wrapFunction(probe, process.emit as Callback, observe);
    Object.defineProperty(process, "emit", { value, writable: true, configurable: true, enumerable: false });
  }
}
