import type { Contention } from "./contention.ts";
import type { Failure } from "./failure.ts";
import type { Growth } from "./growth.ts";
import type { Handle } from "./handle.ts";
import type { LostUpdate } from "./lost-update.ts";
import type { OverRelease } from "./over-release.ts";
import type { Problem } from "./problem.ts";
import type { Resource } from "./resource.ts";
import type { Task } from "./task.ts";

/** A place in the program that tasks and resources refer to by index. */
export interface Site {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The function around it, as a reader would name it: `OrderService.reserve`. */
  readonly function?: string;
}

/** A source file as it was when it was loaded. */
export interface SourceFile {
  readonly file: string;
  /** 16 hexadecimal digits: the beginning of the SHA-256 of its text with LF line ends and no byte order mark. */
  readonly hash: string;
}

export interface ProcessInfo {
  readonly pid: number;
  /** 0 on the main thread. */
  readonly threadId: number;
  readonly parentPid?: number;
  /** `v24.21.0` */
  readonly node: string;
  /** What was started, without secrets: the program's path. */
  readonly title: string;
  readonly cwd: string;
  readonly upMs: number;
  /** Which build runs: what `UNKNOT_BUILD` says, else `commit 0123456789ab` where there is a repository. */
  readonly build?: string;
  /** The exit code, once the process has ended. */
  readonly exitCode?: number;
}

/**
 * What the event loop does: `turning`, `blocked` since a time (synchronous code, Atomics.wait or a debugger), `ended`
 * when it ran empty, so that nothing can wake a waiting task. A program that calls `process.exit` or dies of an error
 * has an exit code and a loop that is still `turning`.
 */
export interface LoopState {
  readonly state: "turning" | "blocked" | "ended";
  readonly sinceMs: number;
  /** Of a blocked loop, what runs: indexes into `Dump.sites`, the innermost frame first. Absent when nobody could look. */
  readonly stack?: readonly number[];
  /** By how much turns were late since the program started, in milliseconds: 99 of 100 by less than `p99Ms`. */
  readonly lag?: { readonly p99Ms: number; readonly maxMs: number };
}

/** What the tracer saw and what it did not; `no deadlock` means little without it. */
export interface Coverage {
  /** Libraries whose operations are reported: `async-mutex@0.5.0`. */
  readonly instrumented: readonly string[];
  /** Files whose async functions are tasks. */
  readonly transformed: number;
  /** Files that ran untouched although they belong to the program, with the reason. */
  readonly untouched: readonly { readonly file: string; readonly reason: string }[];
  /** Parts of the program that are not seen at all: `worker_threads (2)`. */
  readonly blind: readonly string[];
  /** Tasks or events lost because a table was full. */
  readonly dropped: number;
}

/** What is known of the tests that a process runs. */
export interface TestRun {
  /** `resting`: no test is running, and nobody says whether there will be another one. */
  readonly state: "running" | "resting" | "ended";
  /** Milliseconds since the last test began, or since the last one ended. */
  readonly sinceMs: number;
  /** Tests that have begun. */
  readonly tests: number;
  /** The test that began last. */
  readonly test?: string;
}

/** What was chosen from a dump: its other tasks are not in it. */
export interface Filtered {
  /** As it was typed; `deadlock:any` for `--only-deadlocks`. */
  readonly by: string;
  /** How many tasks there were before. */
  readonly of: number;
}

/** All live tasks of one thread at one moment. Every duration counts back from `capturedAt`. */
export interface Dump {
  readonly format: "unknot-dump";
  readonly version: 1;
  readonly process: ProcessInfo;
  /** Milliseconds since the epoch. */
  readonly capturedAt: number;
  /** Who asked: `panel`, `cli`, `exit`, `signal`. */
  readonly by: string;
  readonly loop: LoopState;
  readonly coverage: Coverage;
  /** Only there when tasks were left out. */
  readonly filtered?: Filtered;
  readonly sites: readonly Site[];
  readonly tasks: readonly Task[];
  /** Resources that some task waits on or holds. */
  readonly resources: readonly Resource[];
  readonly problems: readonly Problem[];
  /** What keeps the process alive; only there when the tracer was asked to watch for it (`unknot why`, test set-ups). */
  readonly handles?: readonly Handle[];
  /** Only there in a process in which a known test runner runs tests. */
  readonly testRun?: TestRun;
  /** Absent from an older tracer, and where nothing was measured. */
  readonly contention?: Contention;
  /** Of the files in `sites`, those whose content is known. */
  readonly sources?: readonly SourceFile[];
  /** Only there when something was given back more often than it was taken. */
  readonly overReleases?: readonly OverRelease[];
  /** Only there when an assignment overwrote what others had stored during an await. */
  readonly lostUpdates?: readonly LostUpdate[];
  /** Only there when a task failed and nothing awaited it. */
  readonly failures?: readonly Failure[];
  /** Only there while ever more tasks wait somewhere. */
  readonly growth?: readonly Growth[];
}
