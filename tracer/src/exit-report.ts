import path from "node:path";
import { detect } from "@unknot/dump/detectors/detect.ts";
import { writeDumpJson } from "@unknot/dump/formats/dump-json.ts";
import type { Dump, LoopState } from "@unknot/protocol/dump.ts";
import { isMuted } from "@unknot/protocol/muting.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { LastDump } from "@unknot/protocol/wire.ts";
import { wireVersion } from "@unknot/protocol/wire.ts";
import { buildId } from "./build-id.ts";
import { nowMs, ticksAt } from "./clock.ts";
import { buildDump } from "./dump-builder.ts";
import type { Facts } from "./facts.ts";
import type { Options } from "./options.ts";
import { existsSync, writeSync } from "./own-fs.ts";
import { createPlaces } from "./places.ts";
import { exitText } from "./report-text.ts";
import { openRuntimeFolder, removeFile, removeOwn, writeWhole } from "./runtime-folder.ts";
import type { StaticProcessInfo } from "./serve/messages.ts";
import { startedTasks, type Tables } from "./tables.ts";
import { blindThreads } from "./threads.ts";

export interface ExitOptions {
  readonly tables: Tables;
  readonly facts: Facts;
  readonly options: Options;
  readonly process: StaticProcessInfo;
  readonly startMs: number;
  /** Where the thread registers. */
  readonly runtimeFolder: string;
  /** Problems that were seen and may be over. */
  readonly past: () => readonly Problem[];
  readonly guard: <Result>(part: () => Result) => Result | undefined;
}

// As they are before a program or a test puts others in their place.
const { setImmediate } = globalThis;

export interface ExitReport {
  /** Leaves a last dump as of now, for somebody who may end the process by force. */
  readonly leave: () => void;
}

/**
 * Says at the end of the program which tasks still wait. That nothing can wake them is sure only when the loop ran
 * empty: `beforeExit` came, and not one turn after it. This runs on the traced thread itself, because a short program
 * ends before the worker is up.
 */
export function reportAtExit(exit: ExitOptions): ExitReport {
  const { guard } = exit;
  let ranEmpty = false;
  let hasLeft = false;
  // A program that has exactly as many listeners as Node allows without a warning gets no warning because of ours.
  process.setMaxListeners(process.getMaxListeners() === 0 ? 0 : process.getMaxListeners() + 1);
  process.on("beforeExit", () => {
    ranEmpty = true;
    // Runs only if another listener finds more work; by itself it keeps nothing alive.
    setImmediate(() => {
      ranEmpty = false;
    }).unref();
  });
  process.on("exit", (code) => {
    guard(() => {
      if (!report(exit, code, ranEmpty) && hasLeft) removeFile(lastFile(exit));
    });
    guard(() => unregister(exit));
  });
  return {
    leave() {
      hasLeft = true;
      guard(() => writeLast(exit, lastDump(exit, undefined, "turning")));
    },
  };
}

/** Tells whether a last dump was worth writing. */
function report(exit: ExitOptions, exitCode: number, ranEmpty: boolean): boolean {
  const { options } = exit;
  const keeps = options.session !== undefined;
  if (!keeps && (options.prints === "nothing" || !ranEmpty)) return false;
  const dump = lastDump(exit, exitCode, ranEmpty ? "ended" : "turning");
  const isNews = dump.tasks.length > 0 || dump.problems.length > 0;
  if (options.prints !== "nothing" && ranEmpty && isNews) {
    const loud = dump.problems.filter((problem) => !isMuted(problem, options.muted));
    print(exitText({ ...dump, problems: loud }));
  }
  if (isNews || options.alwaysLastDump) writeLast(exit, dump);
  return isNews || options.alwaysLastDump;
}

function lastFile({ process: { pid, threadId }, runtimeFolder }: ExitOptions): string {
  return path.join(openRuntimeFolder(runtimeFolder), `${pid}-${threadId}.last.json`);
}

function writeLast(exit: ExitOptions, dump: Dump): void {
  const { options, tables, startMs } = exit;
  if (options.session === undefined) return;
  const last: Omit<LastDump, "dump"> = {
    version: wireVersion,
    startedAt: startMs,
    session: options.session,
    started: startedTasks(tables),
  };
  writeWhole(lastFile(exit), lastDumpText(last, dump));
}

/** The dump is written in pieces: that of a million tasks would be too long for one string. */
function* lastDumpText(last: Omit<LastDump, "dump">, dump: Dump): Generator<string> {
  yield `${JSON.stringify(last).slice(0, -1)},"dump":`;
  yield* writeDumpJson(dump);
  yield "}";
}

function lastDump(exit: ExitOptions, exitCode: number | undefined, loop: LoopState["state"]): Dump {
  const { tables, facts, startMs } = exit;
  const capturedAt = nowMs();
  const build = buildId(exit.process.cwd);
  const built = buildDump(tables, facts, createPlaces(facts.files), {
    process: {
      ...exit.process,
      ...(build === undefined ? {} : { build }),
      title: facts.title ?? exit.process.title,
      upMs: Math.round(capturedAt - startMs),
      ...(exitCode === undefined ? {} : { exitCode }),
    },
    capturedAt,
    ticks: ticksAt(capturedAt, startMs),
    by: "exit",
    loop: { state: loop, sinceMs: 0 },
    blind: blindThreads(facts, exit.process.pid, exit.runtimeFolder),
  });
  const dump = withoutModules(built, exitCode);
  return { ...dump, problems: [...detect(dump), ...exit.past()] };
}

/** Node ends with code 13 when a top-level await is pending; with another code every module has ended or failed. */
function withoutModules(dump: Dump, exitCode: number | undefined): Dump {
  if (exitCode === 13) return dump;
  return { ...dump, tasks: dump.tasks.filter((task) => task.kind !== "main") };
}

function print(text: string): void {
  if (text === "") return;
  try {
    writeSync(2, text);
  } catch {
    // Standard error is closed or full: the program's end is not held up for it.
  }
}

function unregister({ process: { pid, threadId }, runtimeFolder, startMs }: ExitOptions): void {
  // A program that is over before its worker was up leaves none behind.
  if (!existsSync(runtimeFolder)) return;
  const file = path.join(openRuntimeFolder(runtimeFolder), `${pid}-${threadId}`);
  removeOwn(`${file}.json`, startMs);
  if (process.platform !== "win32") removeFile(`${file}.sock`);
}
