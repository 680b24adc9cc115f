// `node --import unknot/register` and `--require` of the same file. Whatever goes wrong here, the program runs.
import module from "node:module";
import workerThreads, { isMainThread, resourceLimits } from "node:worker_threads";
import { passOn, takeChildFacts } from "./children.ts";

/** `module.registerHooks` is there from Node 22.15 and 23.5 on. */
const loadedBefore = new Set(Object.keys(require.cache));
const child = takeChildFacts();
if (isCramped() || isOfNode()) {
  // The dump of the main thread says that nobody looks at this one.
} else if (typeof module.registerHooks === "function") {
  try {
    if (child?.passesOn) passOn(__dirname, child);
    else {
      // A file of its own, which a thread that is left alone does not read.
      const { start } = require(`${__dirname}/start.cjs`) as typeof import("./start.ts");
      start(__dirname, child);
    }
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
  }
} else complain(`Node ${process.versions.node} has no module hooks, 22.15 or newer has.`);
forgetFiles();

/** The tracer takes some three megabytes of a thread's heap: one that has been given little may need all of it. */
function isCramped(): boolean {
  const { maxOldGenerationSizeMb: most } = resourceLimits;
  return most !== undefined && most < 32;
}

/** Node runs preloads once more in the thread where it asks loaders, which is none of the program's. */
function isOfNode(): boolean {
  return (workerThreads as { readonly isInternalThread?: boolean }).isInternalThread === true;
}

/** Only to who asked for the tracer: children and threads say on standard error what they would say without us. */
function complain(reason: string): void {
  if (child !== undefined || !isMainThread) return;
  process.stderr.write(`unknot: the program runs untraced: ${reason}\n`);
}

/** What was loaded for our sake is not among what the program sees as loaded. */
function forgetFiles(): void {
  for (const file of Object.keys(require.cache)) {
    if (file === __filename || !loadedBefore.has(file)) delete require.cache[file];
  }
}
