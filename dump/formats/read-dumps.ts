import type { Dump } from "@unknot/protocol/dump.ts";
import type { ResourceKind } from "@unknot/protocol/resource.ts";
import type { TaskKind } from "@unknot/protocol/task.ts";

/** What a reader found in a file. */
export interface ReadDumps {
  /** One per process or thread; the file may hold several. Empty when the file is no dump. */
  readonly dumps: readonly Dump[];
  /** Lines or entries that the reader did not understand and left out. */
  readonly unknown: number;
  /** What a user has to know, one sentence each: that the file was cut, that it is no dump. */
  readonly notes: readonly string[];
}

/** Why a dump is not read whose format is another one: what it says could mean something else. */
export function otherVersion(version: unknown): string {
  return `This dump has format version ${JSON.stringify(version)?.slice(0, 20)}, which this Unknot can't read: read it with a newer one.`;
}

/** The words that a file may use, to check them against. Complete by type. */
export const taskKinds: readonly TaskKind[] = keys<TaskKind>({
  main: true,
  "async function": true,
  "async generator": true,
  job: true,
  timer: true,
  callback: true,
});

export const resourceKinds: readonly ResourceKind[] = keys<ResourceKind>({
  mutex: true,
  rwlock: true,
  semaphore: true,
  channel: true,
  queue: true,
  waitgroup: true,
  event: true,
  barrier: true,
  pool: true,
  stream: true,
  timer: true,
  join: true,
});

function keys<Word extends string>(words: Readonly<Record<Word, true>>): readonly Word[] {
  return Object.keys(words) as Word[];
}
