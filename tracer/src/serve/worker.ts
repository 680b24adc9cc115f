// The tracer's worker: reads the tables of the traced thread while that one runs, spins, sleeps or is stopped by a
// debugger; keeps its clock, looks for deadlocks and answers whoever may ask.
import { writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import { BroadcastChannel, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { detect } from "@unknot/dump/detectors/detect.ts";
import { overview } from "@unknot/dump/overview.ts";
import { stackTree } from "@unknot/dump/stack-tree.ts";
import { listTasks } from "@unknot/dump/task-list.ts";
import type { Dump, LoopState } from "@unknot/protocol/dump.ts";
import { isMuted } from "@unknot/protocol/muting.ts";
import { isAlive } from "@unknot/protocol/registration.ts";
import { type TaskListRequest, taskOrders } from "@unknot/protocol/task-list.ts";
import { type Overview, type Registration, tracerWorkerName, wireVersion } from "@unknot/protocol/wire.ts";
import { buildId } from "../build-id.ts";
import { nowMs, ticksAt } from "../clock.ts";
import { codeToKeep } from "../code-cache.ts";
import { buildDump } from "../dump-builder.ts";
import { addFact, createFacts, type Fact } from "../facts.ts";
import {
  clockStepMs,
  headClock,
  headDebugged,
  headHandles,
  headHandlesWanted,
  headQuiet,
  headServed,
  headTold,
  headWaiting,
  quietMaybe,
  quietNo,
  quietYes,
} from "../layout.ts";
import { createFramePlaces, createPlaces } from "../places.ts";
import { randomHex } from "../random.ts";
import { deadlockText } from "../report-text.ts";
import {
  endpointFor,
  openRuntimeFolder,
  removeStale,
  runtimeFolderPath,
  writeWhole,
} from "../runtime-folder.ts";
import { copyOf, spentMs, startedTasks, type Tables } from "../tables.ts";
import { blindThreads } from "../threads.ts";
import { createDeadlockWatch } from "./deadlock-watch.ts";
import { createGrowthWatch } from "./growth-watch.ts";
import { createLoopWatch } from "./loop-watch.ts";
import { type MainFrame, readMainStack } from "./main-stack.ts";
import { type FromWorker, type PastBlock, type ToWorker, turnMs, type WorkerData } from "./messages.ts";
import { servePprof } from "./pprof-server.ts";
import { createRecentDump } from "./recent-dump.ts";
import { type DumpServer, serveDumps } from "./server.ts";
import { writeSignalDump } from "./signal-dump.ts";
import { createSources } from "./sources.ts";

const data = workerData as WorkerData;
const { tables, turns, startMs, session } = data;
/** Who knows it has read the file that only this user can read. */
const token = randomHex(16);
const { header } = tables;
Atomics.store(header, headServed, 1);
Atomics.notify(header, headServed);
const facts = createFacts();
const sources = createSources();
const learn = (fact: Fact): void => {
  addFact(facts, fact);
  if (fact.kind === "file") sources.loaded(fact.file);
};
for (const fact of data.facts) learn(fact);
const places = createPlaces(facts.files);
const framePlaces = createFramePlaces(facts.files);
const turned = () => turns.count + turns.exceeds;
// Nothing is sent to the traced thread: it would run JavaScript for it, and a debugger that is to pause the program
// would stop there (docs/decisions/debugger-and-the-tracers-worker.md).
const loop = createLoopWatch({
  now: nowMs,
  turns: turned,
  turnMs,
  sleep: sleepFor,
});

const growth = createGrowthWatch({
  tables,
  now: nowMs,
  ticksAt: (ms) => ticksAt(ms, startMs),
  everyMs: data.growthEveryMs,
});

/** How many messages of the thread have been heard. */
let heard = 0;

function hear(message: ToWorker): void {
  heard = (heard + 1) | 0;
  switch (message.kind) {
    case "fact":
      learn(message.fact);
      if (message.fact.kind === "title") registerAgain();
      else deadlocks.lookAgain();
      break;
    case "segment": {
      const { table, index, words } = message.segment;
      tables[table][index] = words;
      deadlocks.lookAgain();
      break;
    }
    case "signal":
      threads?.postMessage("dump");
      void dumpBySignal();
      break;
    case "proved":
      proved();
      break;
  }
}

parentPort?.on("message", hear);

/**
 * The tables as they are now, when all that they speak of has been heard. The thread tells of it first, but what it has
 * told waits behind the questions that are answered just now.
 */
function tablesNow(): Tables {
  const copy = copyOf(tables);
  const told = Atomics.load(header, headTold);
  while (parentPort !== null && ((told - heard) | 0) > 0) {
    const next = receiveMessageOnPort(parentPort);
    if (next === undefined) break;
    hear(next.message as ToWorker);
  }
  return copy;
}

/** Who waits for the traced thread to have looked for tasks that can never go on, in the order in which they asked. */
const proving: ((done: boolean) => void)[] = [];
/** Answers that nobody waits for any more. */
let lateProofs = 0;
/** A loop may stand for a while, on a busy machine without anything that blocks it; there a collection takes long, too. */
const mostBlockedMs = 2000;
const mostProvingMs = 20_000;

/** The one thing that the traced thread is asked to do: it collects garbage, and what comes of it is in the tables. */
async function prove(): Promise<{ readonly done: boolean }> {
  const deadline = performance.now() + mostBlockedMs;
  for (const before = turned(); turned() === before; await sleepFor(turnMs)) {
    // It would come to it too late.
    if (performance.now() > deadline) return { done: false };
  }
  return new Promise((resolve) => {
    const tell = (done: boolean) => {
      clearTimeout(timer);
      resolve({ done });
    };
    const timer = setTimeout(() => {
      // The first who asked is the first to be given up.
      proving.splice(proving.indexOf(tell), 1);
      lateProofs++;
      tell(false);
    }, mostProvingMs);
    proving.push(tell);
    parentPort?.postMessage({ kind: "prove" } satisfies FromWorker);
  });
}

function proved(): void {
  if (lateProofs > 0) lateProofs--;
  else proving.shift()?.(true);
}

/** They are counted by the time that the answer is there, or for the next one. */
function wantHandles(): void {
  // What was not counted since the last question may be another number by now.
  if (header[headHandlesWanted] === 1) header[headHandles] = 0;
  header[headHandlesWanted] = 1;
  // A debugger that is to pause an idle program would stop at what answers: there it is counted when a task goes on.
  const isDebugged = data.underDebugger || header[headDebugged] === 1;
  if (!isDebugged) parentPort?.postMessage({ kind: "handles" } satisfies FromWorker);
}

function handles(): Pick<Overview, "handles"> {
  const counted = header[headHandles] as number;
  return counted === 0 ? {} : { handles: counted - 1 };
}

/** The tracer's workers of one process; a signal reaches only that of the main thread. */
const threads = data.dumpsBySignal
  ? new BroadcastChannel(`${tracerWorkerName} ${data.process.pid}`)
  : undefined;
if (threads !== undefined) {
  threads.onmessage = () => void dumpBySignal();
  threads.unref();
}

async function dumpBySignal(): Promise<void> {
  try {
    writeSignalDump(await takeDump("signal"), data.dumpFile);
  } catch (error) {
    complain(`no dump could be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function complain(what: string): void {
  try {
    writeSync(2, `unknot: ${what}\n`);
  } catch {
    // Nobody reads.
  }
}

/** What belongs to one overview is asked for within this time. */
const recentMs = 2000;
const recent = createRecentDump({ take: () => takeDump("panel"), keepMs: recentMs });

const build = buildId(data.process.cwd);
const processInfo = () => ({
  ...data.process,
  ...(build === undefined ? {} : { build }),
  title: facts.title ?? data.process.title,
  upMs: Math.round(nowMs() - startMs),
});

/** Whether the loop stood when somebody last looked. */
let stood = false;

async function takeDump(by: string): Promise<Dump> {
  const looked = loop.look();
  growth.look();
  // Of many tasks the tables take longer to read than a loop that turns takes for a turn: so they are read meanwhile.
  const early = stood ? undefined : readTables(by, { state: "turning", sinceMs: 0 });
  const state = await looked;
  stood = state.state === "blocked";
  const stack = await blockingStack(state);
  const isAsThought = early !== undefined && !stood && state.sinceMs >= nowMs() - early.readAt;
  const { dump: read } = isAsThought ? early : readTables(by, state);
  const dump = withStack(
    { ...read, loop: { ...state, sinceMs: Math.round(state.sinceMs), ...lag() } },
    stack,
  );
  const known = sources.of(dump);
  return { ...dump, ...(known.length === 0 ? {} : { sources: known }), problems: detect(dump) };
}

/** What the tables say, to somebody who knows whether the loop turns. */
function readTables(by: string, state: LoopState): { readonly dump: Dump; readonly readAt: number } {
  const readAt = nowMs();
  const dump = buildDump(tablesNow(), facts, places, {
    process: processInfo(),
    capturedAt: readAt,
    ticks: ticksAt(readAt, startMs),
    by,
    loop: state,
    blind: blindThreads(facts, data.process.pid, folder),
    growing: growth.growing(),
  });
  return { dump, readAt };
}

/** By how much turns were late. Node counts how long each one took, the wait for it included. */
function lag(): Pick<LoopState, "lag"> {
  if (turns.count === 0) return {};
  const late = (ns: number) => Math.max(0, Math.round(ns / 1e6 - turnMs));
  return { lag: { p99Ms: late(turns.percentile(99)), maxMs: late(turns.max) } };
}

/** A stack is worth its price only when the loop has stood for a while; one is enough for so long. */
const blockedMs = 1000;
const stackEveryMs = 1000;
/** A thread that a debugger has stopped looks blocked, too: it is interrupted less often. */
const stackUnderDebuggerEveryMs = 5000;
let lastStack: { readonly at: number; readonly frames: Promise<readonly MainFrame[]> } | undefined;

/** What blocks the loop: of the main thread only, which is the one that can be asked from outside. */
async function blockingStack({ state, sinceMs }: LoopState): Promise<readonly MainFrame[]> {
  if (state !== "blocked" || sinceMs < blockedMs || data.process.threadId !== 0) return [];
  const everyMs = data.underDebugger ? stackUnderDebuggerEveryMs : stackEveryMs;
  if (lastStack === undefined || nowMs() - lastStack.at > everyMs) {
    const mayReadSources = !data.underDebugger;
    lastStack = { at: nowMs(), frames: readMainStack(__dirname, { mayReadSources }) };
  }
  return lastStack.frames;
}

function withStack(dump: Dump, frames: readonly MainFrame[]): Dump {
  if (frames.length === 0) return dump;
  const sites = frames.map(framePlaces);
  const stack = sites.map((_, index) => dump.sites.length + index);
  return { ...dump, sites: [...dump.sites, ...sites], loop: { ...dump.loop, stack } };
}

let pprofUrl: string | undefined;
if (data.pprof !== undefined) {
  void servePprof({
    address: data.pprof,
    take: () => takeDump("pprof"),
    listening(url) {
      pprofUrl = url;
      registerAgain();
    },
    failed: (reason) => complain(`/debug/pprof/ can't be served: ${reason}`),
  });
}

let folder: string | undefined;
/** Writes the file by which the thread is found; set once it can be asked. */
let register = () => {};
let server: DumpServer | undefined;
try {
  folder = openRuntimeFolder(data.runtimeFolder);
  removeStale(folder, isAlive, nowMs());
  const endpoint = endpointFor(folder, data.process.pid, data.process.threadId);
  const file = path.join(folder, `${data.process.pid}-${data.process.threadId}.json`);
  server = serveDumps({
    endpoint,
    token,
    process: processInfo,
    answers: {
      dump: ({ by }) => takeDump(typeof by === "string" ? by.slice(0, 40) : "client"),
      overview: ({ membersPerGroup }) => {
        wantHandles();
        return recent.next((dump) => ({
          ...overview(dump, { membersPerGroup: limited(membersPerGroup, 1000) }),
          started: startedTasks(tables),
          cost: { threadMs: spentMs(tables), besideMs: performance.eventLoopUtilization().active },
          ...handles(),
        }));
      },
      list: async (params) => {
        const request = checkedRequest(params);
        return recent.last((dump) => listTasks(dump, request));
      },
      prove,
      stacks: ({ filter, most }) =>
        recent.last((dump) => stackTree(dump, { filter: limitedText(filter), most: limited(most, 10_000) })),
    },
    listening: () => {
      register = () => writeWhole(file, [JSON.stringify(registration(endpoint))]);
      register();
      keepCode();
    },
  });
} catch (error) {
  addFact(facts, {
    kind: "untouched",
    file: folder ?? runtimeFolderPath(),
    reason: error instanceof Error ? error.message : String(error),
  });
}

/** When it is served already: it takes some milliseconds. */
function keepCode(): void {
  if (data.newBundle === undefined || folder === undefined) return;
  try {
    const { file, content } = codeToKeep({ file: data.newBundle, runtimeFolder: folder });
    writeWhole(file, content);
  } catch {
    // The next process compiles it, too.
  }
}

function registerAgain(): void {
  try {
    register();
  } catch {
    // The file that is there says the rest.
  }
}

function registration(endpoint: string): Registration {
  const { pid, threadId, parentPid = 0, cwd, node } = data.process;
  return {
    version: wireVersion,
    pid,
    threadId,
    parentPid,
    title: processInfo().title,
    cwd,
    node,
    startedAt: startMs,
    endpoint,
    token,
    ...(pprofUrl === undefined ? {} : { pprof: pprofUrl }),
    ...(session === undefined ? {} : { session }),
  };
}

/** A request of somebody who may be of another version, or hostile. */
function checkedRequest({
  filter,
  by,
  order,
  reverse,
  under,
  offset,
  limit,
}: TaskListRequest): TaskListRequest {
  const key = under !== undefined && "group" in under ? under.group : undefined;
  const task = under !== undefined && "task" in under ? under.task : undefined;
  return {
    filter: limitedText(filter),
    by: typeof by === "string" ? by : "stack",
    order: taskOrders.includes(order) ? order : "problem",
    reverse: reverse === true,
    offset: limited(offset, Number.MAX_SAFE_INTEGER),
    limit: limited(limit, 10_000),
    ...(typeof key === "string" ? { under: { group: key } } : {}),
    ...(typeof task === "number" ? { under: { task } } : {}),
  };
}

function limitedText(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 1000) : "";
}

function limited(value: unknown, most: number): number {
  return typeof value === "number" && value >= 0 ? Math.min(Math.floor(value), most) : 0;
}

const deadlocks = createDeadlockWatch({
  tables,
  now: nowMs,
  take: () => {
    const capturedAt = nowMs();
    return buildDump(tablesNow(), facts, places, {
      process: processInfo(),
      capturedAt,
      ticks: ticksAt(capturedAt, startMs),
      by: "deadlock",
      loop: { state: "turning", sinceMs: 0 },
      blind: [],
    });
  },
  found(problem, dump) {
    server?.announce(problem);
    if (!data.printsDeadlocks || isMuted(problem, data.muted)) return;
    try {
      // Not through process.stderr: that goes through the main thread, which may be blocked.
      writeSync(2, deadlockText(problem, dump));
    } catch {
      // Nobody reads.
    }
  },
});

/** A block is told again when it has become twice as long. */
let toldAtMs = 0;
let blocks = 0;
let lastTick = nowMs();
let lateAt = 0;
/** Who was late himself knows nothing of others for a while: the whole process, or the machine, has slept. */
const lateMs = 500;

/** What blocks the loop is over when the program ends, and its end may come at once: so it is kept from now on. */
function watchBlock(): void {
  const now = nowMs();
  if (now - lastTick > lateMs) lateAt = now;
  lastTick = now;
  const standsMs = loop.standsFor();
  if (standsMs === 0) toldAtMs = 0;
  // Without a session nobody reads what is left.
  if (session === undefined || data.underDebugger || now - lateAt < 2 * lateMs) return;
  if (standsMs < Math.max(blockedMs, 2 * toldAtMs)) return;
  if (toldAtMs === 0) blocks++;
  toldAtMs = standsMs;
  const block = blocks;
  void takeDump("block").then(({ problems }) => {
    const problem = problems.find(({ verdict }) => verdict === "loop-blocked");
    if (problem !== undefined)
      data.past.postMessage({ block, problem: { ...problem, tasks: [] } } satisfies PastBlock);
  });
}

/** After so many quiet ticks (about a second) the clock stops. */
const quietTicks = 50;
let quiet = 0;

function tick(): void {
  header[headClock] = ticksAt(nowMs(), startMs);
  const active = header[headQuiet] === quietNo;
  quiet = active ? 0 : quiet + 1;
  if (active) header[headQuiet] = quietMaybe;
  deadlocks.look(active, (header[headWaiting] as number) > 0);
  loop.sample();
  growth.look();
  watchBlock();
  if (quiet > quietTicks && loop.standsFor() === 0 && (server?.clients ?? 0) === 0 && !deadlocks.isBusy()) {
    sleep();
    return;
  }
  setTimeout(tick, clockStepMs);
}

/** The clock stands until the traced thread needs it. */
function sleep(): void {
  if (Atomics.compareExchange(header, headQuiet, quietMaybe, quietYes) !== quietMaybe) {
    setTimeout(tick, clockStepMs);
    return;
  }
  const waiting = Atomics.waitAsync(header, headQuiet, quietYes);
  if (!waiting.async) {
    setTimeout(tick, 0);
    return;
  }
  void waiting.value.then(() => {
    quiet = 0;
    tick();
  });
}

tick();
