// `node --import unknot/register` and `--require` of the same file. Whatever goes wrong here, the program runs.
import module from "node:module";
import workerThreads, { isMainThread, parentPort, resourceLimits } from "node:worker_threads";
import { passOn, takeChildFacts } from "./children.ts";
import { loadBundle } from "./code-cache.ts";
import { runtimeFolderPath } from "./runtime-folder.ts";

const loadedBefore = new Set(Object.keys(require.cache));
const child = takeChildFacts();
if (isCramped() || isOfNode()) {
  // The dump of the main thread says that nobody looks at this one.
} else if (hasHooks()) {
  try {
    if (child?.passesOn) passOn(__dirname, child);
    else {
      // A file of its own, which a thread that is left alone does not read.
      const file = `${__dirname}/start.cjs`;
      const runtimeFolder = runtimeFolderPath({ ...process.env, ...child?.variables });
      const { exports, isNew } = loadBundle({ file, runtimeFolder }, require);
      const { start } = exports as typeof import("./start.ts");
      start(__dirname, child, isNew ? file : undefined);
    }
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
  }
} else complain(`Node ${process.versions.node} has no module hooks that Unknot can use, 22.15 or newer has.`);
forgetFiles();

/** The tracer takes some three megabytes of a thread's heap: one that has been given little may need all of it. */
function isCramped(): boolean {
  const { maxOldGenerationSizeMb: most } = resourceLimits;
  return most !== undefined && most < 32;
}

/** From 22.15 and 23.5 on Node asks them in the program's thread; Node 20 in another, and `require` of a module in none. */
function hasHooks(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return typeof module.registerHooks === "function" || (major === 20 && minor >= 19);
}

/** Node runs preloads once more in the thread where it asks loaders, which is none of the program's. */
function isOfNode(): boolean {
  const { isInternalThread = !isMainThread && !parentPort } = workerThreads as {
    readonly isInternalThread?: boolean;
  };
  return isInternalThread;
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
