import { type Instrumentation, type ResourceType, undoAll } from "../probe.ts";
import { wrapWorkerQueue } from "../work.ts";
import { replaceExport } from "../wrappers.ts";

const type: ResourceType = { kind: "queue", name: "fastq" };

/** Both factories take an optional context before the worker; what `push` takes comes to the worker as it is. */
export const instrumentation: Instrumentation = {
  library: "fastq",
  exports: ["default", "promise"],
  patch(bindings, probe) {
    const replace = (name: string, isAwaited: boolean) =>
      replaceExport(bindings, name, (original) =>
        wrapWorkerQueue(probe, original, {
          type,
          worker: ([context]) => (typeof context === "function" ? 0 : 1),
          isAwaited: () => isAwaited,
          push: ["push", "unshift"],
          waitIdle: isAwaited ? ["drained"] : [],
          clear: ["kill", "killAndDrain", "abort"],
          capacity: (queue) => (queue as { readonly concurrency?: unknown }).concurrency,
        }),
      );
    // The second is a property of the first.
    return undoAll([replace("default", false), replace("promise", true)]);
  },
};
