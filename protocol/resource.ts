import type { ResourceId, TaskId } from "./ids.ts";

export type { ResourceId } from "./ids.ts";

/** What tasks wait on. */
export type ResourceKind =
  | "mutex"
  | "rwlock"
  | "semaphore"
  | "channel"
  | "queue"
  | "waitgroup"
  | "event"
  | "barrier"
  | "pool"
  | "stream"
  | "timer"
  | "join";

/** One hold of a resource: a lock taken, a permit or pool client out, a queue slot in use. */
export interface Hold {
  /** The task that holds it; absent when the tracer could not tell. */
  readonly task?: TaskId;
  /** Milliseconds since the hold began, at the time of the dump. */
  readonly forMs: number;
  /** Index into `Dump.sites`: where it was taken. */
  readonly site?: number;
  readonly amount: number;
  /**
   * What ends it: the end of the callback it was taken for (`scope`: `runExclusive`, a limiter's job), its task alone,
   * because the returned function or object never leaves the task's own code (`task`), whoever has that function or
   * object (`handle`), or any code that can reach the resource (`anyone`). Absent: not known. A deadlock is proved
   * only over `scope` and `task`.
   */
  readonly release?: "scope" | "task" | "handle" | "anyone";
}

/** A lock, channel, queue, … that a task of the dump waits on or holds. */
export interface Resource {
  readonly id: ResourceId;
  readonly kind: ResourceKind;
  /** The variable or field it is known by, when the tracer could tell: `ledger`. */
  readonly name?: string;
  /** Where it comes from: `async-mutex.Mutex`, `p-queue`. */
  readonly type: string;
  /** Index into `Dump.sites`: where it was created. */
  readonly created?: number;
  /** Holders at once (`mutex` 1), or items a channel buffers; absent means unbounded or unknown. */
  readonly capacity?: number;
  readonly holders: readonly Hold[];
  /** Waiting tasks in the order they will be served. */
  readonly waiters: readonly TaskId[];
  /** How many hold it and wait for it, when an overview shortened the lists. */
  readonly held?: number;
  readonly waiting?: number;
  /** Items buffered in a channel, or jobs queued. */
  readonly length?: number;
  readonly closed?: boolean;
}
