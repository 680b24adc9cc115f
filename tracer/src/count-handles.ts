import { isMainThread } from "node:worker_threads";
import { isUnderDebugger } from "./debugger.ts";
import { headDebugged, headHandles, headHandlesWanted } from "./layout.ts";
import { fstatSync } from "./own-fs.ts";

// As it is before a program puts another in its place.
const { getActiveResourcesInfo } = process;

let outputPipes: number | undefined;

/** Counts what keeps this thread alive, for the worker, which can't see it. */
export function countHandles(header: Int32Array): void {
  header[headHandlesWanted] = 0;
  header[headDebugged] = isUnderDebugger() ? 1 : 0;
  // Node lists what the program prints to as well, which keeps nothing alive.
  const open = getActiveResourcesInfo.call(process).filter((type) => type !== "TTYWrap");
  const pipes = open.filter((type) => type === "PipeWrap").length;
  outputPipes ??= isMainThread ? [1, 2].filter(isPipe).length : 0;
  header[headHandles] = open.length - Math.min(pipes, outputPipes) + 1;
}

function isPipe(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    return false;
  }
}
