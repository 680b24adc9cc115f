// The analysis, on a thread of its own: TypeScript is asked through a pipe that blocks, and nothing else may block.
import { parentPort, workerData } from "node:worker_threads";
import { openProgram } from "../program/open-program.ts";
import { keyOf } from "../program/paths.ts";
import type { FilePath, Program, ProjectNotice } from "../program/program.ts";
import { mayConfigure } from "../project/files.ts";
import { createOutcomeCache } from "../project/outcome-cache.ts";
import { createProjectAnalysis, type ProjectOutcome } from "../project/project-analysis.ts";
import {
  type AnalysisReport,
  slots,
  type WorkerMessage,
  type WorkerRequest,
  type WorkerStart,
} from "./channel.ts";

const { executable, maxFileBytes, cacheFolder, keepsSolution, shared } = workerData as WorkerStart;
const numbers = new Int32Array(shared);
let program: Program | undefined;
const projects = createProjectAnalysis({ keepsSolution: keepsSolution ?? false });
const cache = cacheFolder === undefined ? undefined : createOutcomeCache(cacheFolder);
/** What was not opened, because its outcome was kept. */
let postponed: readonly FilePath[] | undefined;
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

/** What an earlier process may have kept: everything of a report that does not hang on this process. */
interface KeptOutcome {
  readonly project: ProjectOutcome;
  readonly notices: readonly ProjectNotice[];
}

function run(opened: Program, request: WorkerRequest, isCancelled: () => boolean): AnalysisReport {
  const startedMs = Date.now();
  const started = performance.now();
  for (const { file, text } of request.buffers) {
    if (text === undefined) opened.closeBuffer(file);
    else opened.setBuffer(file, text);
  }
  opened.invalidate(request.invalidated);
  const roots = request.roots ?? postponed;
  postponed = undefined;
  if (roots !== undefined || request.invalidated.some(mayConfigure)) projects.forget();
  // Only the first look at what is on disk can be the same as in an earlier process.
  const key =
    opened.generation === 0 && request.buffers.length === 0 && roots ? keyFor(request, roots) : undefined;
  const kept = key === undefined ? undefined : (cache?.find(key) as KeptOutcome | undefined);
  if (kept !== undefined) {
    postponed = roots;
    const openMs = performance.now() - started;
    return reportOf(opened, request, kept, { openMs, analyzeMs: 0, kept: true });
  }
  if (roots !== undefined) opened.open(roots);
  else opened.commit();
  const openMs = performance.now() - started;
  const files = request.files ?? chosen(opened.selected(), request.among);
  if (isCancelled()) return { ...emptyReport(opened), files };
  const analyzing = performance.now();
  const options = { ...request.options, isCancelled, onProgress: report(request.id) };
  const project = projects.find(opened, files, options);
  if (unavailable !== undefined) throw unavailable;
  const notices = [...opened.notices(), ...(request.syntaxErrors ? opened.syntaxErrors() : [])];
  const analyzeMs = performance.now() - analyzing;
  if (key !== undefined && roots && cache && project.failures.length === 0 && !isCancelled()) {
    const { files: read, folders } = opened.inputs();
    const inputs = {
      files: [...read, ...opened.files(), ...project.read, ...project.manifests],
      folders,
      roots,
    };
    cache.keep(key, inputs, { project, notices } satisfies KeptOutcome, startedMs);
  }
  return reportOf(opened, request, { project, notices }, { openMs, analyzeMs, kept: false });
}

/** Everything that an outcome hangs on besides the disk. Baselines come into it afterwards. */
function keyFor({ options, files, among, syntaxErrors }: WorkerRequest, roots: readonly FilePath[]): unknown {
  const { baseline: _, ...others } = options ?? {};
  return [roots, others, files, among, syntaxErrors, executable, maxFileBytes, process.platform];
}

function reportOf(
  opened: Program,
  { options = {} }: WorkerRequest,
  { project, notices }: KeptOutcome,
  times: { readonly openMs: number; readonly analyzeMs: number; readonly kept: boolean },
): AnalysisReport {
  const result = projects.finish(project, options);
  return {
    ...emptyReport(opened),
    files: result.files,
    findings: result.findings,
    resources: result.resources,
    commentable: times.kept ? [] : result.findings.map(({ at }) => opened.startsInCode(at.file, at.line)),
    failures: result.failures,
    notices: [...notices, ...result.notices],
    baselines: result.baselines,
    read: result.read,
    stats: { ...times, questions: { ...opened.questions }, analysis: result.statistics },
  };
}

function chosen(files: readonly FilePath[], among: readonly FilePath[] | undefined): readonly FilePath[] {
  if (among === undefined) return files;
  const wanted = new Set(among.map(keyOf));
  return files.filter((file) => wanted.has(keyOf(file)));
}

function rest(resting: Program): AnalysisReport {
  resting.rest();
  projects.rest();
  return emptyReport(resting);
}

function emptyReport(of: Program): AnalysisReport {
  return {
    generation: of.generation,
    files: [],
    findings: [],
    resources: new Map(),
    commentable: [],
    failures: [],
    notices: [],
    baselines: [],
    read: [],
    stats: { openMs: 0, analyzeMs: 0, kept: false, questions: { ...of.questions } },
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

/** Nobody sees more of them, and a message costs more than many a file. */
const progressEveryMs = 50;

function report(id: number): (done: number, total: number) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  return (done, total) => {
    pulse();
    const now = performance.now();
    if (done < total && now - toldMs < progressEveryMs) return;
    toldMs = now;
    parentPort?.postMessage({ kind: "progress", id, done, total } satisfies WorkerMessage);
  };
}

function pulse(): void {
  Atomics.add(numbers, slots.pulse, 1);
}
