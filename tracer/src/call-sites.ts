// Where operations are called from, in lean mode: nothing is known there but what the stack says.
import path from "node:path";
import { fileURLToPath } from "node:url";
import util, { type CallSiteObject } from "node:util";
import type { FileSites } from "./site-registry.ts";

export interface CallSitesOptions {
  readonly nextSite: () => number;
  /** Sites are numbered while this runs: by one thread at a time. */
  readonly numbering: <Result>(part: () => Result) => Result;
  readonly found: (file: FileSites) => void;
  /** The time in ticks. */
  readonly now: () => number;
  /** The tracer's own folder. */
  readonly ownFolder: string;
}

/** A look at the stack takes some microseconds: so many in one tick of 8 ms are a hundredth of a processor. */
const mostPerTick = 10;
const mostFrames = 12;
/** Programs have hundreds of such places; one that makes up its code has any number. */
const mostSites = 10_000;

/**
 * Gives the site of the call under way: the innermost frame of the program, else of a package; 0 when there were too many
 * calls. No `Error.prepareStackTrace` of the program is called for it.
 */
export function createCallSites({
  nextSite,
  numbering,
  found,
  now,
  ownFolder,
}: CallSitesOptions): () => number {
  // As it is before a program puts something else in its place.
  const { getCallSites = callSites } = util as Partial<typeof util>;
  const known = new Map<string, number>();
  let tick = -1;
  let left = 0;
  return () => {
    const current = now();
    if (current !== tick) {
      tick = current;
      left = mostPerTick;
    }
    if (left === 0) return 0;
    left--;
    const frame = programFrame(getCallSites(mostFrames), ownFolder);
    if (frame === undefined) return 0;
    const { file, line, column, name } = frame;
    const key = `${file}:${line}:${column}`;
    const site = known.get(key);
    if (site !== undefined) return site;
    if (known.size >= mostSites) return 0;
    return numbering(() => {
      const first = nextSite();
      known.set(key, first);
      found({
        file,
        first,
        sites: [{ line, column, flags: 0, ...(name === "" ? {} : { function: name }) }],
        isUntouched: true,
      });
      return first;
    });
  };
}

/** The same for Node 20, which has no function for it. */
function callSites(count: number): CallSiteObject[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = count;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, callSites);
    return (holder.stack as NodeJS.CallSite[]).map((site) => ({
      functionName: site.getFunctionName() ?? "",
      scriptId: "",
      scriptName: site.getFileName() ?? "",
      lineNumber: site.getLineNumber() ?? 0,
      columnNumber: site.getColumnNumber() ?? 0,
      column: site.getColumnNumber() ?? 0,
    }));
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}

interface ProgramFrame {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly name: string;
}

function programFrame(frames: readonly CallSiteObject[], ownFolder: string): ProgramFrame | undefined {
  let ofPackage: ProgramFrame | undefined;
  for (const { scriptName, lineNumber, columnNumber, functionName } of frames) {
    const file = scriptName.startsWith("file:") ? fileURLToPath(scriptName) : scriptName;
    if (!path.isAbsolute(file) || file.startsWith(ownFolder + path.sep)) continue;
    const frame = { file, line: lineNumber, column: columnNumber, name: functionName };
    if (!file.includes(`${path.sep}node_modules${path.sep}`)) return frame;
    ofPackage ??= frame;
  }
  return ofPackage;
}
