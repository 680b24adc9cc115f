import { Session } from "node:inspector";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { withoutInsertions } from "../transform/insertions.ts";

/** A frame of the main thread, in the code as its file has it: lines and columns count from 1. */
export interface MainFrame {
  /** A path or a URL. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly function?: string;
}

const patienceMs = 1000;
const mostFrames = 32;

/** As the inspector gives it: lines and columns count from 0. */
interface CallFrame {
  readonly functionName: string;
  readonly scriptId: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

interface Evaluated {
  readonly exceptionDetails?: { readonly stackTrace?: { readonly callFrames: readonly CallFrame[] } };
}

/**
 * What the main thread runs now, the innermost frame first, asked from another thread while the main one is busy. V8
 * interrupts it for an expression that only throws: the stack of that, kept from every handler, goes on with what was
 * interrupted. Nothing is paused, so a debugger does not notice. Empty when there is no answer in time, as while the
 * thread is inside `Atomics.wait`.
 *
 * `mayReadSources`: columns are those of the file, which needs the source that runs and V8's debugger for it; else they
 * are 1.
 */
export async function readMainStack(
  ownFolder: string,
  { mayReadSources }: { readonly mayReadSources: boolean },
): Promise<readonly MainFrame[]> {
  const session = new Session();
  const post = (method: string, params: object = {}) =>
    new Promise<unknown>((resolve, reject) => {
      session.post(method, params, (error: Error | null, result?: object) =>
        error ? reject(error) : resolve(result),
      );
    });
  // Nothing else keeps this thread's loop alive until the answer comes.
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, patienceMs, undefined);
  });
  const sourceLines = async ({ scriptId }: CallFrame): Promise<readonly string[]> => {
    const { scriptSource } = (await post("Debugger.getScriptSource", { scriptId })) as {
      readonly scriptSource: string;
    };
    return scriptSource.split("\n");
  };
  const read = async () => {
    // Stacks are taken of what is thrown while the domain is enabled.
    await post("Runtime.enable");
    const { exceptionDetails } = (await post("Runtime.evaluate", {
      // A debugger that steps, or is told to pause, skips what is in our folder.
      expression: `throw 0;\n//# sourceURL=${pathToFileURL(path.join(ownFolder, "what-runs"))}`,
      silent: true,
    })) as Evaluated;
    const frames = (exceptionDetails?.stackTrace?.callFrames ?? []).slice(1, mostFrames + 1);
    const sources = new Map<string, readonly string[]>();
    if (mayReadSources) {
      await post("Debugger.enable");
      for (const frame of frames) {
        if (frame.url.startsWith("node:") || sources.has(frame.scriptId)) continue;
        sources.set(frame.scriptId, await sourceLines(frame));
      }
    }
    return frames.flatMap((frame) => describe(frame, sources, ownFolder));
  };
  try {
    session.connectToMainThread();
    return (await Promise.race([read(), tooLate])) ?? [];
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
    leave(session);
  }
}

/** A process whose session stays connected would not end. */
function leave(session: Session): void {
  try {
    session.post("Debugger.disable", () => {});
    session.post("Runtime.disable", () => {});
    session.disconnect();
  } catch {
    // It was never connected.
  }
}

function describe(
  { functionName, scriptId, url, lineNumber, columnNumber }: CallFrame,
  sources: ReadonlyMap<string, readonly string[]>,
  ownFolder: string,
): readonly MainFrame[] {
  const file = url.startsWith("file:") ? fileURLToPath(url) : url;
  if (file === "" || file.startsWith(ownFolder) || url.startsWith("evalmachine")) return [];
  const line = sources.get(scriptId)?.[lineNumber];
  const column = url.startsWith("node:")
    ? columnNumber
    : line === undefined
      ? 0
      : withoutInsertions(line.slice(0, columnNumber)).length;
  return [
    {
      file,
      line: lineNumber + 1,
      column: column + 1,
      ...(functionName === "" ? {} : { function: functionName }),
    },
  ];
}
