import { writeSync } from "node:fs";
import module, { createRequire, syncBuiltinESMExports } from "node:module";
import path from "node:path";
import { getEnvironmentData, isMainThread, setEnvironmentData, threadId } from "node:worker_threads";
import type { Bindings, Guard, Wrapping } from "@unknot/models/probe.ts";
import { type AfterTests, createAfterTests } from "./after-tests.ts";
import { createApi, lastIdOf, type TracerApi } from "./api.ts";
import { bindingsOfCommonJs, bindingsOfModule, type LiveExports } from "./bindings.ts";
import { createCallSites } from "./call-sites.ts";
import { type ChildFacts, traceChildren } from "./children.ts";
import { nowMs, ticksAt } from "./clock.ts";
import { type CollectionWatch, watchCollection } from "./collected.ts";
import { createContention } from "./contention.ts";
import { countHandles } from "./count-handles.ts";
import { isUnderDebugger } from "./debugger.ts";
import { createEvaluatedCode, othersMakeStacks } from "./evaluated-code.ts";
import { type ExitReport, reportAtExit } from "./exit-report.ts";
import { addFact, createFacts, type Fact } from "./facts.ts";
import { patchFunctionTexts } from "./function-text.ts";
import { tellHandles, watchHandles } from "./handles.ts";
import { hooksName } from "./hooks-name.ts";
import {
  createInstrumentations,
  importable,
  instrumentBuiltins,
  instrumentLoaded,
  libraries,
} from "./instrumentations.ts";
import { headClock, headFaults } from "./layout.ts";
import { hasHooksInThread, installLoader, type LoaderOptions } from "./loader.ts";
import { watchMapsAsked } from "./maps-asked.ts";
import { type Asked, createOperations } from "./operations.ts";
import { type Options, readOptions } from "./options.ts";
import { jestInstrumentation } from "./runners/jest.ts";
import { playwrightInstrumentation, watchPlaywright } from "./runners/playwright.ts";
import { vitestInstrumentation } from "./runners/vitest.ts";
import { createRuntime, type Hooks, type OperationEvents } from "./runtime.ts";
import { openRuntimeFolder, runtimeFolderPath } from "./runtime-folder.ts";
import type { StaticProcessInfo, ToWorker } from "./serve/messages.ts";
import { createSiteRegistry, type FileSites, type MapPlace } from "./site-registry.ts";
import { letRunWithoutDebugger, startWorker, type TracerWorker } from "./start-worker.ts";
import { createTables } from "./tables.ts";
import { createTestRun, mochaInstrumentation, watchNodeTest } from "./test-run.ts";
import { watchUnhandled } from "./unhandled.ts";

/** What transformed and instrumented code finds under the tracer's name. */
interface Globals extends Hooks {
  exported(number: number, exports: LiveExports): void;
  /** Called first by files that another thread has rewritten. */
  arrived(): void;
  exportedCommonJs(number: number, module: { exports: unknown }, live?: LiveExports, isBundled?: true): void;
  /** What `unknot` and `unknot/testing` use. */
  readonly api: TracerApi;
}

/**
 * Traces this thread from now on. `folder` holds the tracer's files. A second copy of the tracer, or a second call, does
 * nothing: the first one sees everything. `child` is what a traced parent told; `newBundle` is a file whose code is to be
 * kept for the next process.
 */
export function start(folder: string, child?: ChildFacts, newBundle?: string): void {
  if (Object.hasOwn(globalThis, hooksName)) return;
  const startMs = nowMs();
  const env = { ...process.env, ...toldVariables(child) };
  const options = readOptions(env);
  const lean = options.mode === "lean";
  const runtimeFolder = runtimeFolderPath(env);
  const tables = createTables();
  const facts = createFacts();
  const guard: Guard = (part, ...args) => {
    try {
      return part(...args);
    } catch {
      tables.header[headFaults] = (tables.header[headFaults] as number) + 1;
      return undefined;
    }
  };
  if (options.leanBecause !== undefined) addFact(facts, { kind: "lean", because: options.leanBecause });
  let worker: TracerWorker | undefined;
  const tell = (message: ToWorker) => guard(() => worker?.post(message));
  const note = (fact: Fact) => {
    addFact(facts, fact);
    tell({ kind: "fact", fact });
  };
  const grew = (segment: Extract<ToWorker, { kind: "segment" }>["segment"]) =>
    tell({ kind: "segment", segment });

  const sites = createSiteRegistry();
  const addFile = (file: FileSites) => {
    sites.add(file);
    note({ kind: "file", file });
  };
  const texts = patchFunctionTexts();
  const contention = createContention(tables, sites);
  const late: {
    events?: OperationEvents;
    askedBy?: (value: object, event: string | undefined) => Asked | undefined;
    iteratedBy?: (value: object) => Asked | undefined;
    reads?: (source: string) => void;
    collection?: CollectionWatch;
    watches?: () => void;
  } = {};
  const { hooks, core } = createRuntime({
    tables,
    startMs,
    maxTasks: options.maxTasks,
    grew,
    guard,
    events: lateEvents(late),
    waited(row, watched) {
      if (late.events?.loopWaited(row) !== true) contention.waited(row, watched);
    },
    watches: () => guard(() => late.watches?.()),
    overwrites: countLostUpdates((at, read, count) =>
      note({ kind: "lostUpdate", at, read, count, nowMs: nowMs() }),
    ),
    active: () => late.collection?.look(),
  });
  // Without tasks there is nothing whose code could be gone.
  const collection = lean ? undefined : watchCollection(core, guard);
  if (collection !== undefined) late.collection = collection;
  const { probe, events } = createOperations({
    core,
    sites,
    contention,
    grew,
    guard,
    replaces: texts.replaces,
    askedBy: (value, event) => late.askedBy?.(value, event),
    iteratedBy: (value) => late.iteratedBy?.(value),
    [lean ? "callSite" : "packageSite"]: createCallSites({
      nextSite: () => sites.next,
      numbering: (part) => loader.numbering(part),
      found: addFile,
      now: core.now,
      ownFolder: folder,
    }),
    announced: ({ kind, name, remote }, index) =>
      note({ kind: "type", index, type: { kind, name, ...(remote ? { remote } : {}) } }),
    overReleased: (what) => note({ kind: "overRelease", what, nowMs: nowMs() }),
  });
  late.events = events;
  if (!lean)
    late.watches = () =>
      watchUnhandled({
        probe,
        endedTask: core.endedTask,
        failed: (task, by) => note({ kind: "failed", task, by, nowMs: nowMs() }),
      });
  tables.header[headClock] = ticksAt(nowMs(), startMs);

  const processInfo = describeProcess(child);
  const lastId = () => lastIdOf(tables.header);
  const after: { tests?: AfterTests; exit?: ExitReport } = {};
  const paused = () => after.tests?.paused();
  const testRun = createTestRun({ paused, lastId, now: nowMs, note });
  const hasMap = (file: string, map: MapPlace) => evaluatedCode.hasMap(file, map);
  const evaluates = () => evaluatedCode.begin();
  const settled = async () => after.tests?.settled();
  const instrumentations = createInstrumentations({
    runners: [
      { instrumentation: mochaInstrumentation(testRun), versions: ">=8.0.0 <13.0.0" },
      {
        instrumentation: jestInstrumentation(testRun, { hasMap, watchesTests: options.watchesTests }),
        versions: ">=29.0.0 <31.0.0",
        seen: evaluates,
      },
      ...["vitest", "@vitest/runner", "vite-node"].map((library) => ({
        instrumentation: vitestInstrumentation(library, testRun, { hasMap, settled }),
        versions: ">=2.0.0 <6.0.0",
        seen: evaluates,
      })),
      {
        instrumentation: playwrightInstrumentation,
        versions: ">=1.40.0 <2.0.0",
        seen(playwright: string) {
          evaluates();
          watchPlaywright(testRun, playwright, probe);
        },
      },
    ],
    probe,
    wrapped: (name) => note({ kind: "instrumented", name }),
    refused: (file, reason) => note({ kind: "untouched", file, reason }),
  });
  const evaluatedCode = createEvaluatedCode({
    probe,
    texts,
    ownFolder: folder,
    globals: () => globals,
    transform: (evaluated) => loader.evaluated(evaluated),
  });
  const loader = installLoader({
    ...probe,
    libraries,
    importable,
    instrumentations,
    ownFolder: folder,
    nextSite: () => sites.next,
    transforms: !lean,
    transformed(file, needsPromises) {
      addFile(file);
      if (needsPromises) core.watchPromises();
    },
    untouched: (file, reason) => note({ kind: "untouched", file, reason }),
    reads: (source) => late.reads?.(source),
    started() {
      // A worker thread learns what it runs after what is preloaded.
      const [, title] = process.argv;
      if (title !== undefined && title !== processInfo.title) note({ kind: "title", title });
    },
    ...(lean
      ? { mapsFor: () => "nobody" as const, mapsPackages: () => false, whenMapsAsked() {} }
      : chooseMaps(options, probe, () => evaluatedCode.isOn)),
    othersMakeStacks,
    runsUnmapped: evaluatedCode.runs,
    asksForNodeTest: options.watchesTests
      ? () => watchNodeTest(testRun, path.join(folder, "register.cjs"))
      : undefined,
  });
  const report = (number: number, bindings: () => Bindings) => {
    guard(() => loader.packageFile(number)?.(bindings()));
  };
  const globals: Globals = {
    ...hooks,
    arrived: () => guard(() => loader.arrived()),
    exported: (number, exports) => report(number, () => bindingsOfModule(exports)),
    exportedCommonJs: (number, module, live, isBundled) =>
      report(number, () => bindingsOfCommonJs(module, live, isBundled)),
    api: createApi({ core, facts, tables, process: processInfo, note, guard, lastId }),
  };
  Object.defineProperty(globalThis, hooksName, { value: Object.freeze(globals) });
  guard(() => {
    // Under Node's permission model a child could not read its preload, and would not start.
    if (options.tracesChildren && process.permission === undefined)
      traceChildren({ probe, folder, pid: process.pid, env, runtimeFolder });
    // It says what tasks wait for; without tasks it says nothing.
    if (lean) syncBuiltinESMExports();
    else {
      const { reads, askedBy, iteratedBy } = instrumentBuiltins(probe);
      late.iteratedBy = iteratedBy;
      late.reads = reads;
      late.askedBy = askedBy;
    }
    instrumentLoaded(createRequire(path.join(folder, "register.cjs")).cache, instrumentations);
  });

  guard(() => {
    const data = {
      tables,
      facts: factsSoFar(facts),
      process: processInfo,
      startMs,
      runtimeFolder,
      ...(options.session === undefined ? {} : { session: options.session }),
      dumpsBySignal: options.dumpSignal !== undefined,
      ...(options.dumpFile === undefined ? {} : { dumpFile: options.dumpFile }),
      ...(options.pprof === undefined || options.pprof === "refused" ? {} : { pprof: options.pprof }),
      printsDeadlocks: options.prints === "all",
      muted: options.muted,
      underDebugger: isUnderDebugger(),
      growthEveryMs: options.growthEveryMs,
      ...(newBundle === undefined ? {} : { newBundle }),
    };
    const proved = () => tell({ kind: "proved" });
    worker = startWorker(folder, data, ({ kind }) => {
      if (kind === "handles") guard(() => countHandles(tables.header));
      else if (collection === undefined) proved();
      else guard(() => collection.prove(proved));
    });
  });
  if (options.pprof === "refused") {
    const reason = "'UNKNOT_PPROF' names no port of this machine alone, such as 6060 or 127.0.0.1:6060";
    note({ kind: "untouched", file: "/debug/pprof/", reason });
    guard(() => writeSync(2, `unknot: ${reason}.\n`));
  }
  if (isMainThread) {
    const problems = [...options.refused, ...refusedFolder(process.env, runtimeFolder)];
    for (const problem of problems) guard(() => writeSync(2, `unknot: ${problem}.\n`));
  }
  // Signals come to the main thread; the threads' own workers hear of it from its worker.
  const { dumpSignal } = options;
  if (dumpSignal !== undefined && isMainThread) process.on(dumpSignal, () => tell({ kind: "signal" }));
  if (options.watchesTests) {
    const test = () => testRun.test;
    guard(() => {
      const handles = watchHandles({ ownFolder: folder, now: nowMs, test, guard });
      const open = tellHandles(handles, note);
      after.tests = createAfterTests({
        open,
        own: handles.own,
        isRunning: () => testRun.test !== undefined,
        leave: () => after.exit?.leave(),
      });
    });
  }
  process.on("worker", ({ threadId: id, constructor: { name } }) => {
    // Node's own thread for module hooks is none of the program's.
    if (name === "InternalWorker") return;
    note({ kind: "thread", id });
    // A debugger may have come since the start; the thread's own worker comes later still.
    guard(letRunWithoutDebugger);
  });
  // After the others that listen to the end: it tells what they found.
  after.exit = reportAtExit({
    past: () => worker?.past() ?? [],
    tables,
    facts,
    options,
    process: processInfo,
    startMs,
    runtimeFolder,
    guard,
  });
}

/** Why a folder that was asked for can't be had. Without one nobody finds the process, and the program runs on. */
function refusedFolder(env: NodeJS.ProcessEnv, folder: string): readonly string[] {
  if (!env["UNKNOT_RUNTIME_FOLDER"]) return [];
  try {
    openRuntimeFolder(folder);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [`'UNKNOT_RUNTIME_FOLDER' names no folder that can be made for this user alone: ${why}`];
  }
}

/** In a loop there may be very many: from a hundred on they are told of when they have become twice as many. */
function countLostUpdates(tell: (at: number, read: number, count: number) => void) {
  const counts = new Map<number, number>();
  return (at: number, read: number): void => {
    const count = (counts.get(at) ?? 0) + 1;
    counts.set(at, count);
    if (count < 100 || (count & (count - 1)) === 0) tell(at, read, count);
  };
}

const variablesKey = "unknot.variables";

/** Our variables that this thread has not got itself; the threads that it starts are told of them, too. */
function toldVariables(child: ChildFacts | undefined): ChildFacts["variables"] {
  if (child?.variables === undefined) return getEnvironmentData(variablesKey) as ChildFacts["variables"];
  setEnvironmentData(variablesKey, { ...child.variables });
  return child.variables;
}

/** The events of operations, whose part is made after the runtime that calls it. */
function lateEvents(late: { readonly events?: OperationEvents }): OperationEvents {
  return {
    settled: (row, ofCallback) => late.events?.settled(row, ofCallback),
    holderEnded: (row) => late.events?.holderEnded(row),
    awaited: (operation, site) => late.events?.awaited(operation, site),
    answered: (operation, failed) => late.events?.answered(operation, failed),
    made: (site, value) => late.events?.made(site, value),
    iterates: (row, site, value) => late.events?.iterates(row, site, value) ?? 0,
    iteration: (row, site) => late.events?.iteration(row, site) ?? 0,
    loopWaited: (row) => late.events?.loopWaited(row) ?? false,
    iterated: (row) => late.events?.iterated(row),
    asks: (value, event) => late.events?.asks(value, event),
    promised: (promise) => late.events?.promised(promise),
  };
}

function factsSoFar(facts: ReturnType<typeof createFacts>): Fact[] {
  return [
    ...(facts.lean === undefined ? [] : [{ kind: "lean", because: facts.lean } as const]),
    ...facts.types.map((type, index): Fact => ({ kind: "type", index, type })),
    ...facts.files.map((file): Fact => ({ kind: "file", file })),
  ];
}

function describeProcess(child: ChildFacts | undefined): StaticProcessInfo {
  return {
    pid: process.pid,
    threadId,
    parentPid: (isMainThread ? child?.parent : undefined) ?? process.ppid,
    node: process.version,
    title: process.argv[1] ?? process.execPath,
    cwd: process.cwd(),
  };
}

/**
 * Stack traces and the line that Node prints with an error would show the code that runs, so Node maps them back. That
 * it maps the program's own files only is as if it did nothing.
 */
function chooseMaps(
  { sourceMaps }: Options,
  wrapping: Wrapping,
  runnerMaps: () => boolean,
): Pick<LoaderOptions, "mapsFor" | "mapsPackages" | "whenMapsAsked"> {
  if (sourceMaps === "none")
    return {
      mapsFor: () => (somebodyMaps() ? "originals" : "nobody"),
      mapsPackages: () => false,
      whenMapsAsked() {},
    };
  const before = process.sourceMapsEnabled === true;
  if (!before && hasHooksInThread)
    module.setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  else if (!before) process.setSourceMapsEnabled(true);
  const { isAsked, whenAsked } = watchMapsAsked(wrapping, before);
  return {
    mapsFor() {
      if (sourceMaps === "composed" || before || somebodyMaps()) return "originals";
      // A runner maps what it evaluates itself, whatever it turns on.
      if (runnerMaps()) return "runner";
      return isAsked() ? "originals" : "stacks";
    },
    mapsPackages: () => !hasHooksInThread && !isAsked(),
    whenMapsAsked: whenAsked,
  };
}

/** A debugger or coverage: they show positions of the code that really runs. */
function somebodyMaps(): boolean {
  return isUnderDebugger() || process.env["NODE_V8_COVERAGE"] !== undefined;
}
