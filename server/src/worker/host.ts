import { type ResourceLimits, Worker } from "node:worker_threads";
import type { FilePath } from "../program/program.ts";
import {
  type AnalysisChoices,
  type AnalysisReport,
  slotBytes,
  slots,
  type WorkerMessage,
  type WorkerRequest,
  type WorkerStart,
} from "./channel.ts";
import { residentBytes } from "./memory.ts";
import { type Budgets, checkEveryMs, createWatchdog, defaultBudgets } from "./watchdog.ts";

export type { AnalysisReport } from "./channel.ts";

export interface AnalysisHostOptions {
  /** TypeScript's native compiler, when it is not the one that comes with us. */
  readonly executable?: string;
  /** Larger sources are left out, with a notice. */
  readonly maxFileBytes?: number;
  /** Where outcomes are kept from one process to the next; they are not when absent. */
  readonly cacheFolder?: FilePath;
  /** The same files will be analysed again after edits, which then cost little; takes memory until `rest`. */
  readonly keepsSolution?: boolean;
  /** The process ends with what is asked for now: time counts more than memory, and TypeScript's collector runs half as often. */
  readonly isBrief?: boolean;
  /** All processes together may take this much memory before they are started anew; no limit when absent. */
  readonly maxMemoryMb?: number;
  /** Heap of the worker. */
  readonly resourceLimits?: ResourceLimits;
  readonly budgets?: Partial<Budgets>;
  /** Told, one sentence each, about what went wrong and was mended. */
  readonly onTrouble?: (message: string, trouble: "memory" | "other") => void;
}

export interface AnalysisRequest {
  /** The files to analyse; all that are open when absent. */
  readonly files?: readonly FilePath[];
  /** Of all that are open only those that are named here. */
  readonly among?: readonly FilePath[];
  /** Rules, severities, what projects say. */
  readonly options?: AnalysisChoices;
  /** Tell among the notices which files do not parse. */
  readonly syntaxErrors?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** The analysis can't be done. The message is one sentence that names the remedy. */
export class AnalysisUnavailable extends Error {
  override readonly name = "AnalysisUnavailable";
}

/**
 * The analyzer, running on a thread of its own. Whatever happens there, this side never blocks: TypeScript's process
 * is killed and started again when it hangs, the worker when it crashes or runs out of memory, and the request is
 * tried once more. What is told about files takes effect with the next `analyze`.
 */
export interface AnalysisHost {
  /** Files, folders and tsconfig files, in the place of what was open. */
  open(paths: readonly FilePath[]): void;
  setBuffer(file: FilePath, text: string): void;
  closeBuffer(file: FilePath): void;
  /** Files changed on disk. */
  invalidate(files: readonly FilePath[]): void;
  /**
   * Analyses, one request after the other. Rejects with the signal's reason when it is aborted, with
   * `AnalysisUnavailable` when there is nothing left to try.
   */
  analyze(request?: AnalysisRequest): Promise<AnalysisReport>;
  /** Lets go of TypeScript's process and its memory until something is asked. */
  rest(): Promise<void>;
  /** TypeScript's process, when there is one. */
  typescriptPid(): number | undefined;
  dispose(): Promise<void>;
}

class MemoryCeiling extends Error {}

interface Job {
  readonly then: WorkerRequest["then"];
  readonly request: AnalysisRequest;
  readonly resolve: (report: AnalysisReport) => void;
  readonly reject: (reason: unknown) => void;
  crashes: number;
}

interface Running {
  readonly worker: Worker;
  readonly numbers: Int32Array;
  readonly timers: readonly NodeJS.Timeout[];
  /** Set when the worker is stopped on purpose. */
  ended: boolean;
}

const memoryCheckEveryMs = process.platform === "linux" ? 2_000 : 15_000;

export function startAnalysis(options: AnalysisHostOptions = {}): AnalysisHost {
  const budgets = { ...defaultBudgets, ...options.budgets };
  const buffers = new Map<FilePath, string>();
  const changedBuffers = new Set<FilePath>();
  const invalidated = new Set<FilePath>();
  const queue: Job[] = [];
  let roots: readonly FilePath[] = [];
  let rootsChanged = false;
  let running: Running | undefined;
  let current: { readonly id: number; readonly job: Job } | undefined;
  let lastId = 0;
  let isDisposed = false;

  const trouble = (message: string, what: "memory" | "other" = "other") => options.onTrouble?.(message, what);

  const start = (): Running => {
    if (running !== undefined) return running;
    const shared = new SharedArrayBuffer(slotBytes);
    const workerData: WorkerStart = {
      shared,
      ...(options.executable === undefined ? {} : { executable: options.executable }),
      ...(options.maxFileBytes === undefined ? {} : { maxFileBytes: options.maxFileBytes }),
      ...(options.cacheFolder === undefined ? {} : { cacheFolder: options.cacheFolder }),
      ...(options.keepsSolution === undefined ? {} : { keepsSolution: options.keepsSolution }),
    };
    const worker = new Worker(workerFile, {
      workerData,
      // A message on standard output would break a server that speaks through it.
      stdout: true,
      env: { ...(options.isBrief ? { GOGC: "200" } : {}), ...process.env, ...goLimit(options.maxMemoryMb) },
      ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
    });
    const numbers = new Int32Array(shared);
    Atomics.store(numbers, slots.cancelled, lastId);
    const watchdog = createWatchdog(numbers, budgets);
    const started: Running = {
      worker,
      numbers,
      timers: [
        setInterval(() => {
          if (current === undefined) watchdog.reset();
          else watch(started, watchdog.check());
        }, checkEveryMs),
        setInterval(() => void checkMemory(started), memoryCheckEveryMs),
      ],
      ended: false,
    };
    for (const timer of started.timers) timer.unref();
    worker.on("message", (message: WorkerMessage) => receive(started, message));
    worker.on("error", (error) => crashed(started, error));
    worker.on("exit", () => crashed(started, new Error("its thread ended")));
    running = started;
    rootsChanged = true;
    for (const file of buffers.keys()) changedBuffers.add(file);
    return started;
  };

  const watch = (watched: Running, ailment: ReturnType<ReturnType<typeof createWatchdog>["check"]>): void => {
    if (ailment === "typescript") {
      trouble("TypeScript's process does not answer, so it is started again.");
      killTypeScript(watched.numbers);
    } else if (ailment === "worker") {
      crashed(watched, new Error("it does not get on"));
    }
  };

  const checkMemory = async (checked: Running): Promise<void> => {
    if (options.maxMemoryMb === undefined) return;
    const bytes = process.memoryUsage.rss() + (await residentBytes(Atomics.load(checked.numbers, slots.pid)));
    const megabytes = Math.round(bytes / 1024 / 1024);
    if (checked.ended || megabytes <= options.maxMemoryMb) return;
    crashed(
      checked,
      new MemoryCeiling(`it takes ${megabytes} MB of the ${options.maxMemoryMb} MB it may take`),
    );
  };

  const receive = (from: Running, message: WorkerMessage): void => {
    if (from.ended || current === undefined || message.id !== current.id) return;
    const { job } = current;
    if (message.kind === "progress") {
      job.request.onProgress?.(message.done, message.total);
      return;
    }
    current = undefined;
    if (message.kind === "done") job.resolve(message.report);
    else if (message.kind === "cancelled") job.reject(job.request.signal?.reason);
    else {
      // The worker has thrown away what it had open.
      rootsChanged = true;
      for (const file of buffers.keys()) changedBuffers.add(file);
      const { name, message: text } = message;
      job.reject(name === "TypeScriptUnavailable" ? new AnalysisUnavailable(text) : new Error(text));
    }
    next();
  };

  const crashed = (which: Running, error: Error): void => {
    if (which.ended) return;
    end(which);
    const job = current?.job;
    current = undefined;
    const isMemory = isOutOfMemory(error) || error instanceof MemoryCeiling;
    const reason = isOutOfMemory(error) ? "it ran out of memory" : error.message;
    const remedy = isMemory ? "allow it more memory or open fewer projects at once" : "please report this";
    trouble(`The analysis is started again: ${reason}.`, isMemory ? "memory" : "other");
    if (job !== undefined) {
      job.crashes += 1;
      if (job.crashes < 2) queue.unshift(job);
      else {
        job.reject(new AnalysisUnavailable(`The analysis ended twice (${reason}); ${remedy}.`));
      }
    }
    next();
  };

  const end = (which: Running): Promise<number> => {
    which.ended = true;
    if (running === which) running = undefined;
    for (const timer of which.timers) clearInterval(timer);
    // A thread that waits for TypeScript can't be ended before TypeScript is.
    killTypeScript(which.numbers);
    return which.worker.terminate();
  };

  const next = (): void => {
    if (current !== undefined || isDisposed) return;
    const job = queue.shift();
    if (job === undefined) return;
    if (job.request.signal?.aborted) {
      job.reject(job.request.signal.reason);
      next();
      return;
    }
    const started = start();
    lastId += 1;
    current = { id: lastId, job };
    started.worker.postMessage(take(lastId, job));
    void checkMemory(started);
  };

  /** The request with everything that was told since the last one. */
  const take = (id: number, { then, request }: Job): WorkerRequest => {
    if (then === "rest") return { id, then, buffers: [], invalidated: [] };
    const message: WorkerRequest = {
      id,
      then,
      ...(rootsChanged ? { roots } : {}),
      buffers: [...changedBuffers].map((file) => {
        const text = buffers.get(file);
        return text === undefined ? { file } : { file, text };
      }),
      invalidated: [...invalidated],
      ...(request.files === undefined ? {} : { files: request.files }),
      ...(request.among === undefined ? {} : { among: request.among }),
      ...(request.options === undefined ? {} : { options: request.options }),
      ...(request.syntaxErrors === undefined ? {} : { syntaxErrors: request.syntaxErrors }),
    };
    rootsChanged = false;
    changedBuffers.clear();
    invalidated.clear();
    return message;
  };

  const ask = (then: WorkerRequest["then"], request: AnalysisRequest): Promise<AnalysisReport> =>
    new Promise((resolve, reject) => {
      if (isDisposed) {
        reject(new AnalysisUnavailable("The analysis has been stopped; start it again."));
        return;
      }
      const job: Job = { then, request, resolve, reject, crashes: 0 };
      request.signal?.addEventListener("abort", () => abort(job), { once: true });
      queue.push(job);
      next();
    });

  /** The waiting side is free at once; the worker stops at the next chance. */
  const abort = (job: Job): void => {
    job.reject(job.request.signal?.reason);
    if (current?.job === job && running !== undefined) {
      Atomics.store(running.numbers, slots.cancelled, current.id);
    }
  };

  return {
    open(paths) {
      roots = paths;
      rootsChanged = true;
    },
    setBuffer(file, text) {
      if (buffers.get(file) === text) return;
      buffers.set(file, text);
      changedBuffers.add(file);
    },
    closeBuffer(file) {
      if (buffers.delete(file)) changedBuffers.add(file);
    },
    invalidate(files) {
      for (const file of files) invalidated.add(file);
    },
    analyze: (request = {}) => ask("analyze", request),
    async rest() {
      if (running !== undefined) await ask("rest", {});
    },
    typescriptPid: () => (running && Atomics.load(running.numbers, slots.pid)) || undefined,
    async dispose() {
      isDisposed = true;
      const waiting = [...(current === undefined ? [] : [current.job]), ...queue.splice(0)];
      current = undefined;
      for (const { reject } of waiting) {
        reject(new AnalysisUnavailable("The analysis has been stopped; start it again."));
      }
      if (running !== undefined) await end(running);
    },
  };
}

/** In the sources this file and the worker are TypeScript; in a product they are two bundles side by side. */
const workerFile = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.mjs", import.meta.url);

/** Go collects harder when it comes near this limit; the rest is for our own heap. */
function goLimit(maxMemoryMb: number | undefined): Readonly<Record<string, string>> {
  return maxMemoryMb === undefined ? {} : { GOMEMLIMIT: `${Math.ceil(maxMemoryMb * 0.7)}MiB` };
}

function killTypeScript(numbers: Int32Array): void {
  const pid = Atomics.load(numbers, slots.pid);
  if (pid === 0) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

function isOutOfMemory(error: Error): boolean {
  return "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}
