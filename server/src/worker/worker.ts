// The analysis, on a thread of its own: TypeScript is asked through a pipe that blocks, and nothing else may block.
import { parentPort, workerData } from "node:worker_threads";
import { isSource } from "../program/discovery.ts";
import { openProgram } from "../program/open-program.ts";
import { keyOf } from "../program/paths.ts";
import type { FilePath, Program } from "../program/program.ts";
import { createProjectAnalysis } from "../project/project-analysis.ts";
import {
  type AnalysisReport,
  slots,
  type WorkerMessage,
  type WorkerRequest,
  type WorkerStart,
} from "./channel.ts";

const { executable, maxFileBytes, shared } = workerData as WorkerStart;
const numbers = new Int32Array(shared);
let program: Program | undefined;
const projects = createProjectAnalysis();
/** The analysis goes on without answers; that it had none is told at its end. */
let unavailable: Error | undefined;

parentPort?.on("message", (request: WorkerRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer(request: WorkerRequest): WorkerMessage {
  const { id } = request;
  const isCancelled = () => {
    pulse();
    return Atomics.load(numbers, slots.cancelled) >= id;
  };
  try {
    unavailable = undefined;
    program ??= start();
    const report = request.then === "rest" ? rest(program) : run(program, request, isCancelled);
    return isCancelled() ? { kind: "cancelled", id } : { kind: "done", id, report };
  } catch (error) {
    if (isCancelled()) return { kind: "cancelled", id };
    // It may have stopped half-way; the host tells everything again.
    program?.close();
    program = undefined;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { kind: "failed", id, name, message };
  }
}

function run(opened: Program, request: WorkerRequest, isCancelled: () => boolean): AnalysisReport {
  const started = performance.now();
  for (const { file, text } of request.buffers) {
    if (text === undefined) opened.closeBuffer(file);
    else opened.setBuffer(file, text);
  }
  opened.invalidate(request.invalidated);
  if (request.roots !== undefined || !request.invalidated.every(isSource)) projects.forget();
  if (request.roots !== undefined) opened.open(request.roots);
  else opened.commit();
  const openMs = performance.now() - started;
  const files = request.files ?? chosen(opened.selected(), request.among);
  const analyzing = performance.now();
  const result = isCancelled()
    ? undefined
    : projects.run(opened, files, { ...request.options, isCancelled, onProgress: report(request.id) });
  if (unavailable !== undefined) throw unavailable;
  return {
    generation: opened.generation,
    files: result?.files ?? files,
    findings: result?.findings ?? [],
    commentable: (result?.findings ?? []).map(({ at }) => opened.startsInCode(at.file, at.line)),
    failures: result?.failures ?? [],
    notices: [
      ...opened.notices(),
      ...(result?.notices ?? []),
      ...(request.syntaxErrors ? opened.syntaxErrors() : []),
    ],
    baselines: result?.baselines ?? [],
    read: result?.read ?? [],
    stats: {
      openMs,
      analyzeMs: performance.now() - analyzing,
      questions: { ...opened.questions },
      ...(result === undefined ? {} : { analysis: result.statistics }),
    },
  };
}

function chosen(files: readonly FilePath[], among: readonly FilePath[] | undefined): readonly FilePath[] {
  if (among === undefined) return files;
  const wanted = new Set(among.map(keyOf));
  return files.filter((file) => wanted.has(keyOf(file)));
}

function rest(resting: Program): AnalysisReport {
  resting.rest();
  return {
    generation: resting.generation,
    files: [],
    findings: [],
    commentable: [],
    failures: [],
    notices: [],
    baselines: [],
    read: [],
    stats: { openMs: 0, analyzeMs: 0, questions: { ...resting.questions } },
  };
}

function start(): Program {
  return openProgram({
    ...(executable === undefined ? {} : { executable }),
    ...(maxFileBytes === undefined ? {} : { maxFileBytes }),
    onUnavailable(error) {
      unavailable = error;
    },
    watch: {
      begin(pid, request) {
        pulse();
        Atomics.store(numbers, slots.pid, pid);
        Atomics.store(numbers, slots.waiting, request === "open" ? 1 : 2);
      },
      end() {
        Atomics.store(numbers, slots.waiting, 0);
      },
      stopped() {
        Atomics.store(numbers, slots.pid, 0);
      },
    },
  });
}

function report(id: number): (done: number, total: number) => void {
  return (done, total) => {
    pulse();
    parentPort?.postMessage({ kind: "progress", id, done, total } satisfies WorkerMessage);
  };
}

function pulse(): void {
  Atomics.add(numbers, slots.pulse, 1);
}
