import { contentionWords } from "./contention-layout.ts";
import {
  firstRow,
  headDropped,
  headerWords,
  headNextResource,
  headNextRow,
  headOthers,
  headSeqHigh,
  headSeqLow,
  resourceMask,
  resourceShift,
  resourceWords,
  rowLimit,
  rowWords,
  segmentRows,
  segmentShift,
} from "./layout.ts";

/** The shared memory of one traced thread, as the thread and its worker both see it. */
export interface Tables {
  readonly header: Int32Array;
  /** Segments of rows; appended to while the program runs. */
  readonly rows: Int32Array[];
  /** Segments of resources. */
  readonly resources: Int32Array[];
  /** Sums of waits and holds by place. */
  readonly contention: Int32Array;
}

/** A segment that was added after the worker started. */
export interface NewSegment {
  readonly table: "rows" | "resources";
  readonly index: number;
  readonly words: Int32Array;
}

export function createTables(): Tables {
  const header = sharedWords(headerWords);
  header[headNextRow] = firstRow;
  header[headNextResource] = 1;
  return {
    header,
    rows: [sharedWords(segmentRows * rowWords)],
    resources: [sharedWords((1 << resourceShift) * resourceWords)],
    contention: sharedWords(contentionWords),
  };
}

/**
 * The tables as they are now, for a reader in another thread: whatever is read twice is the same. Rows may be from
 * moments some milliseconds apart, which their ids tell.
 */
export function copyOf({ header, rows, resources, contention }: Tables): Tables {
  const used = header.slice();
  const segments = ((used[headNextRow] as number) >>> segmentShift) + 1;
  const copied = rows.slice(0, segments).map((segment) => segment.slice());
  // Rows that were begun meanwhile: others that were copied later may wait for them.
  used[headNextRow] = Math.min(header[headNextRow] as number, copied.length << segmentShift);
  return {
    header: used,
    rows: copied,
    resources: resources.map((segment) => segment.slice()),
    contention: contention.slice(),
  };
}

/** A row that was never used; 0 when the table has reached its limit or there is no memory left. */
export function freshRow(tables: Tables, maxRows: number, grew: (segment: NewSegment) => void): number {
  const { header, rows } = tables;
  const row = header[headNextRow] as number;
  const index = row >>> segmentShift;
  if (row >= Math.min(maxRows, rowLimit)) {
    header[headDropped] = (header[headDropped] as number) + 1;
    return 0;
  }
  if (
    index === rows.length &&
    !addSegment(rows, segmentRows * rowWords, (words) => grew({ table: "rows", index, words }))
  ) {
    header[headDropped] = (header[headDropped] as number) + 1;
    return 0;
  }
  header[headNextRow] = row + 1;
  return row;
}

/** A resource slot that was never used; 0 when there is no memory left. */
export function freshResource(tables: Tables, grew: (segment: NewSegment) => void): number {
  const { header, resources } = tables;
  const slot = header[headNextResource] as number;
  const index = slot >>> resourceShift;
  const words = (resourceMask + 1) * resourceWords;
  if (
    index === resources.length &&
    !addSegment(resources, words, (added) => grew({ table: "resources", index, words: added }))
  ) {
    return 0;
  }
  header[headNextResource] = slot + 1;
  return slot;
}

function addSegment(segments: Int32Array[], words: number, grew: (words: Int32Array) => void): boolean {
  let added: Int32Array;
  try {
    added = sharedWords(words);
  } catch {
    // Out of memory: the program goes on, its further tasks are counted as dropped.
    return false;
  }
  segments[segments.length] = added;
  grew(added);
  return true;
}

function sharedWords(words: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT));
}

/** Tasks started so far; ids are given to operations and combinations, too. */
export function startedTasks({ header }: Pick<Tables, "header">): number {
  const ids = (header[headSeqHigh] as number) * 2 ** 32 + ((header[headSeqLow] as number) >>> 0);
  return ids - ((header[headOthers] as number) >>> 0);
}

/** Of a task, from its start to its end; of an operation with what its wrappers do (docs/decisions/cost-of-a-traced-program.md). */
const taskMs = 0.0007;
const otherMs = 0.0025;

/** What the traced thread has spent on being traced so far, estimated: to measure it would cost more. */
export function spentMs(tables: Pick<Tables, "header">): number {
  const others = (tables.header[headOthers] as number) >>> 0;
  return startedTasks(tables) * taskMs + others * otherMs;
}
