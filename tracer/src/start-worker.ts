import { url as inspectorUrl, Session } from "node:inspector";
import path from "node:path";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { tracerWorkerName } from "@unknot/protocol/wire.ts";
import { type ToWorker, turnMs, type WorkerData } from "./serve/messages.ts";

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
  letRunWithoutDebugger();
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
  return { threadId: worker.threadId, turns, post: (message) => worker.postMessage(message) };
}

/**
 * A debugger makes new workers wait for it; this one is not the debugger's business
 * (docs/decisions/debugger-and-the-tracers-worker.md).
 */
function letRunWithoutDebugger(): void {
  if (inspectorUrl() === undefined) return;
  const session = new Session();
  session.connect();
  session.on("NodeWorker.attachedToWorker", ({ params }) => {
    if (!params.workerInfo.title.endsWith(tracerWorkerName)) return;
    const message = JSON.stringify({ id: 1, method: "Runtime.runIfWaitingForDebugger" });
    session.post("NodeWorker.sendMessageToWorker", { sessionId: params.sessionId, message }, () => {
      // A connected session would keep the process from ending. Node crashes when a session is disconnected while one of
      // its own messages is handled (22.23, 24.21), hence the next turn.
      setImmediate(() => session.disconnect());
    });
  });
  session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
}
