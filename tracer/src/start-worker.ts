import { url as inspectorUrl, Session } from "node:inspector";
import path from "node:path";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { tracerWorkerName } from "@unknot/protocol/wire.ts";
import { headServed } from "./layout.ts";
import { type ToWorker, turnMs, type WorkerData } from "./serve/messages.ts";

/** How long the program's start may wait for the worker under a debugger; without the worker it is not seen. */
const patienceMs = 10_000;

export interface TracerWorker {
  readonly threadId: number;
  /** Would be collected, and count no longer, if nobody had it. */
  readonly turns: IntervalHistogram;
  post(message: ToWorker): void;
}

/**
 * Starts the worker that serves dumps. It inherits none of the program's options (`--inspect-brk` would stop it before
 * its first line), keeps no process alive, and its standard streams are not used.
 */
export function startWorker(folder: string, data: Omit<WorkerData, "turns">): TracerWorker {
  const env = { ...process.env };
  delete env["NODE_OPTIONS"];
  const workerIsMade = letRunWithoutDebugger(data.tables.header);
  // Node counts the turns without any JavaScript, and the worker reads the same counters.
  const turns = monitorEventLoopDelay({ resolution: turnMs });
  turns.enable();
  const worker = new Worker(path.join(folder, "tracer-worker.cjs"), {
    name: tracerWorkerName,
    workerData: { ...data, turns } satisfies WorkerData,
    execArgv: [],
    env,
    stdin: false,
    stdout: false,
    stderr: false,
  });
  // A worker that fails leaves the program untouched; dumps are no longer served then.
  worker.on("error", () => {});
  worker.unref();
  workerIsMade();
  return { threadId: worker.threadId, turns, post: (message) => worker.postMessage(message) };
}

/**
 * A debugger makes new workers wait for it, and stops them at their first statement if it was quick enough to look;
 * this one is not the debugger's business (docs/decisions/debugger-and-the-tracers-worker.md). Gives what is to be
 * called when the worker was made: it returns when the worker runs.
 */
function letRunWithoutDebugger(header: Int32Array): () => void {
  if (inspectorUrl() === undefined) return () => {};
  const session = new Session();
  session.connect();
  let ours: string | undefined;
  const tellWorker = (method: string) => {
    const message = JSON.stringify({ id: 1, method });
    session.post("NodeWorker.sendMessageToWorker", { sessionId: ours, message });
  };
  session.on("NodeWorker.attachedToWorker", ({ params }) => {
    if (!params.workerInfo.title.endsWith(tracerWorkerName)) return;
    ours = params.sessionId;
    // Who has not enabled it is not told of the stop at the first statement.
    tellWorker("Debugger.enable");
    tellWorker("Runtime.runIfWaitingForDebugger");
  });
  session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
    if (params.sessionId !== ours) return;
    const { method } = JSON.parse(params.message) as { method?: string };
    if (method === "Debugger.paused") tellWorker("Debugger.resume");
  });
  session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  return () => {
    // The program may block the thread from its first line on, and then nobody would answer the worker. Node hands over
    // the session's messages between two turns of this loop.
    const deadline = performance.now() + patienceMs;
    while (Atomics.load(header, headServed) === 0 && performance.now() < deadline) {
      Atomics.wait(header, headServed, 0, 1);
    }
    // A connected session would keep the process from ending.
    session.disconnect();
  };
}
