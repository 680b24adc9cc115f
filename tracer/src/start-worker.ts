import { url as inspectorUrl, Session } from "node:inspector";
import path from "node:path";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Problem } from "@unknot/protocol/problem.ts";
import { tracerWorkerName } from "@unknot/protocol/wire.ts";
import { headServed, headTold } from "./layout.ts";
import { type FromWorker, type PastBlock, type ToWorker, turnMs, type WorkerData } from "./serve/messages.ts";

/** How long the program's start may wait for the worker under a debugger; without the worker it is not seen. */
const patienceMs = 10_000;

export interface TracerWorker {
  /** Would be collected, and count no longer, if nobody had it. */
  readonly turns: IntervalHistogram;
  post(message: ToWorker): void;
  /** What the worker has seen that may be over by now: a loop that was blocked. */
  past(): readonly Problem[];
}

/**
 * Starts the worker that serves dumps. It inherits none of the program's options (`--inspect-brk` would stop it before
 * its first line), keeps no process alive, and its standard streams are not used.
 */
export function startWorker(
  folder: string,
  data: Omit<WorkerData, "turns" | "past">,
  asked: (message: FromWorker) => void,
): TracerWorker {
  const env = { ...process.env };
  delete env["NODE_OPTIONS"];
  const isDebugged = letRunWithoutDebugger();
  // Node counts the turns without any JavaScript, and the worker reads the same counters.
  const turns = monitorEventLoopDelay({ resolution: turnMs });
  turns.enable();
  // Read at the end only: until then nothing runs on this thread because of it.
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  const worker = withoutTick(
    () =>
      new Worker(path.join(folder, "tracer-worker.cjs"), {
        name: tracerWorkerName,
        workerData: { ...data, turns, past: port2 } satisfies WorkerData,
        transferList: [port2],
        execArgv: [],
        env,
        stdin: false,
        // Node would open the program's own streams, listeners and all, to pass on what the worker prints.
        stdout: true,
        stderr: true,
      }),
  );
  // A worker that fails leaves the program untouched; dumps are no longer served then.
  worker.on("error", () => {});
  worker.on("message", asked);
  worker.unref();
  if (isDebugged) waitUntilItRuns(data.tables.header);
  return {
    turns,
    post(message) {
      worker.postMessage(message);
      Atomics.add(data.tables.header, headTold, 1);
    },
    past: () => receiveAll(port1),
  };
}

/**
 * Node tells of a new worker in the next tick. While a tick waits, Node runs the program's first microtasks from
 * JavaScript, and every stack trace out of them had a frame more than without us. So it is told at once, before anybody
 * listens.
 */
function withoutTick<Made>(make: () => Made): Made {
  const { nextTick } = process;
  const put: (() => void)[] = [];
  process.nextTick = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
    put.push(() => callback(...args));
  };
  try {
    return make();
  } finally {
    process.nextTick = nextTick;
    for (const tell of put) tell();
  }
}

/** Of each block what was told last. */
function receiveAll(port: MessagePort): readonly Problem[] {
  const problems = new Map<number, Problem>();
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const { block, problem } = next.message as PastBlock;
    problems.set(block, problem);
  }
  return [...problems.values()];
}

let isConnected = false;

/**
 * A debugger makes new workers wait for it, and stops them at their first statement if it was quick enough to look;
 * those of the tracer are not the debugger's business (docs/decisions/debugger-and-the-tracers-worker.md). Lets them run,
 * also those that threads of the program start: Node asks only sessions of the main thread about them. Gives whether
 * there is an inspector at all.
 */
export function letRunWithoutDebugger(): boolean {
  // It is undefined in other threads.
  if (inspectorUrl() === undefined) return false;
  if (isConnected) return true;
  isConnected = true;
  // A session within the process does not keep it from ending.
  const session = new Session();
  session.connect();
  const ours = new Set<string>();
  const tellWorker = (sessionId: string, method: string) => {
    const message = JSON.stringify({ id: 1, method });
    session.post("NodeWorker.sendMessageToWorker", { sessionId, message });
  };
  session.on("NodeWorker.attachedToWorker", ({ params: { sessionId, workerInfo } }) => {
    if (!workerInfo.title.endsWith(tracerWorkerName)) return;
    ours.add(sessionId);
    // Who has not enabled it is not told of the stop at the first statement.
    tellWorker(sessionId, "Debugger.enable");
    tellWorker(sessionId, "Runtime.runIfWaitingForDebugger");
  });
  session.on("NodeWorker.receivedMessageFromWorker", ({ params: { sessionId, message } }) => {
    if (!ours.has(sessionId)) return;
    const { method } = JSON.parse(message) as { method?: string };
    if (method === "Debugger.paused") tellWorker(sessionId, "Debugger.resume");
    // It runs: from now on nothing of it is told to this thread, which a debugger may want to pause.
    else if (method === "Debugger.resumed") session.post("NodeWorker.detach", { sessionId });
  });
  session.on("NodeWorker.detachedFromWorker", ({ params: { sessionId } }) => void ours.delete(sessionId));
  session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  return true;
}

/**
 * The program may block the thread from its first line on, and then nobody would answer the worker. Node hands over the
 * session's messages between two turns of this loop.
 */
function waitUntilItRuns(header: Int32Array): void {
  const deadline = performance.now() + patienceMs;
  while (Atomics.load(header, headServed) === 0 && performance.now() < deadline) {
    Atomics.wait(header, headServed, 0, 1);
  }
}
