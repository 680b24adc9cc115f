import type { ResourceId, TaskId } from "./ids.ts";

export type { TaskId } from "./ids.ts";

/** How a piece of async work came to be. */
export type TaskKind = "main" | "async function" | "async generator" | "job" | "timer" | "callback";

/**
 * What a task is doing, in Go's words where Go has one (RUNTIME formats: `.taskdump` header). `running` and
 * `runnable` are not waits; `fulfilled` and `rejected` are tasks that ended and that nobody looked at.
 */
export const taskStates = [
  "running",
  "runnable",
  "await",
  "chan receive",
  "chan send",
  "select",
  "select (no cases)",
  "join",
  "mutex.lock",
  "rwlock.rlock",
  "rwlock.lock",
  "semaphore.acquire",
  "cond.wait",
  "event.wait",
  "queued",
  "pool.acquire",
  "sleep",
  "IO wait",
  "stream.drain",
  "worker.wait",
  "iterator.next",
  "rejected",
  "fulfilled",
] as const;

export type TaskState = (typeof taskStates)[number];

/**
 * What became of a task whose suspended code was collected while it was pending, so that nothing can let it go on any
 * more. `raced`: it is, or may be, an alternative of a race that went on without it; `parked`: it waits for a promise that
 * was made never to settle; these two are meant so. `lost`: anything else.
 */
export const fates = ["lost", "raced", "parked"] as const;

export type Fate = (typeof fates)[number];

/** What keeps a task from going on. */
export type Wait =
  | {
      readonly on: "resource";
      readonly resource: ResourceId;
      /** The operation, in the words of the models: `acquire`, `send`, `receive`, `submit`, `waitIdle`. */
      readonly op: string;
      /** Place in the queue of waiters, from 1. */
      readonly position?: number;
      /** It can end by itself, because a timeout or an abort signal is set: it is part of no deadlock. */
      readonly cancellable?: true;
      readonly sinceMs: number;
    }
  | {
      readonly on: "tasks";
      readonly tasks: readonly TaskId[];
      /** `all`: every one has to end (an and-edge); `any`: one is enough (an or-edge). */
      readonly need: "all" | "any";
      /**
       * False when the tracer infers the edge rather than having seen the promise, or, for `any`, when something
       * other than these tasks may end the wait. Only exact edges prove a deadlock.
       */
      readonly exact: boolean;
      /** One task that fails is enough to end the wait for `all` (`Promise.all`, not `allSettled`). */
      readonly failsFast?: true;
      /** How many tasks in all, when an overview shortened the list. */
      readonly count?: number;
      readonly sinceMs: number;
    }
  | { readonly on: "unknown"; readonly sinceMs: number };

/** One started piece of async work. */
export interface Task {
  readonly id: TaskId;
  readonly kind: TaskKind;
  /** The function's name, a label, or a made-up one for anonymous functions: `(anonymous) at http.ts:20`. */
  readonly name: string;
  readonly state: TaskState;
  /** Where the function is defined: index into `Dump.sites`. */
  readonly entry?: number;
  /** Where it is suspended: index into `Dump.sites`. */
  readonly at?: number;
  /** The task that started it; absent for the main module and for work started by a plain callback. */
  readonly parent?: TaskId;
  /** Where it was started: index into `Dump.sites`. */
  readonly created?: number;
  /** Milliseconds since it started. */
  readonly ageMs: number;
  readonly wait?: Wait;
  readonly holding: readonly ResourceId[];
  /** Set by the program through `label()`; hostile text like every string of the program. */
  readonly labels?: Readonly<Record<string, string>>;
  /** True for a task of a package or of Node itself, hidden by default. */
  readonly external?: boolean;
  /** Only there when it can never go on, because its code has been collected. */
  readonly collected?: Fate;
}
