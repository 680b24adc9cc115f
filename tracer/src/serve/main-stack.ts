import { Session } from "node:inspector";
import { fileURLToPath } from "node:url";
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

interface CallFrame {
  readonly functionName: string;
  readonly location: {
    readonly scriptId: string;
    readonly lineNumber: number;
    readonly columnNumber?: number;
  };
}

/**
 * What the main thread runs now, the innermost frame first, asked from another thread while the main one is busy: it
 * stops for the moment that the answer takes. Empty when there is no answer in time. When a debugger has stopped the
 * program, it stays stopped.
 */
export async function readMainStack(ownFolder: string): Promise<readonly MainFrame[]> {
  const session = new Session();
  const urls = new Map<string, string>();
  session.on("Debugger.scriptParsed", ({ params }) => void urls.set(params.scriptId, params.url));
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
  let asked = false;
  let byUs = false;
  const paused = new Promise<readonly CallFrame[]>((resolve) => {
    session.on("Debugger.paused", ({ params }) => {
      byUs = asked;
      resolve(params.callFrames as unknown as readonly CallFrame[]);
    });
  });
  const read = async () => {
    await post("Debugger.enable");
    asked = true;
    const [frames] = await Promise.all([paused, post("Debugger.pause").catch(() => {})]);
    const sources = new Map<string, readonly string[]>();
    for (const { location } of frames.slice(0, mostFrames)) {
      const url = urls.get(location.scriptId) ?? "";
      if (sources.has(location.scriptId) || url.startsWith("node:")) continue;
      const { scriptSource } = (await post("Debugger.getScriptSource", { scriptId: location.scriptId })) as {
        scriptSource: string;
      };
      sources.set(location.scriptId, scriptSource.split("\n"));
    }
    return frames.slice(0, mostFrames).flatMap((frame) => describe(frame, urls, sources, ownFolder));
  };
  try {
    session.connectToMainThread();
    return (await Promise.race([read(), tooLate])) ?? [];
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
    leave(session, asked && (byUs || !(await isSettled(paused))));
  }
}

/** The program goes on, and a process whose session stays connected would not end. */
function leave(session: Session, resumes: boolean): void {
  try {
    if (resumes) session.post("Debugger.resume", () => {});
    session.post("Debugger.disable", () => {});
    session.disconnect();
  } catch {
    // It was never connected.
  }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

function describe(
  { functionName, location: { scriptId, lineNumber, columnNumber = 0 } }: CallFrame,
  urls: ReadonlyMap<string, string>,
  sources: ReadonlyMap<string, readonly string[]>,
  ownFolder: string,
): readonly MainFrame[] {
  const url = urls.get(scriptId) ?? "";
  const file = url.startsWith("file:") ? fileURLToPath(url) : url;
  if (file === "" || file.startsWith(ownFolder) || url.startsWith("evalmachine")) return [];
  const before = (sources.get(scriptId)?.[lineNumber] ?? "").slice(0, columnNumber);
  const column = sources.has(scriptId) ? withoutInsertions(before).length : columnNumber;
  return [
    {
      file,
      line: lineNumber + 1,
      column: column + 1,
      ...(functionName === "" ? {} : { function: functionName }),
    },
  ];
}
