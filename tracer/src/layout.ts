// Where things are in the memory that the traced thread writes and the worker reads. Everything is a 32-bit word, so
// that no store is ever torn; readers accept that two words of a row may be from different moments.

/** Words of the header. */
export const headerWords = 32;
/** Time in ticks (`tickMs`), written by the worker while the program is active. */
export const headClock = 0;
/** `quietNo`, `quietMaybe` or `quietYes`: whether the worker has stopped the clock. */
export const headQuiet = 1;
/** Site of the call that the running task is making: what a task started now was created by. */
export const headMark = 2;
/** Number of tasks and operations started so far, low and high word: the last id given. */
export const headSeqLow = 3;
export const headSeqHigh = 4;
/** Rows in use or free again lie below this one. */
export const headNextRow = 5;
/** Tasks, operations and joins that got no row because the table was full. */
export const headDropped = 6;
/** Operations that wait: only while there are some can a deadlock arise. */
export const headWaiting = 7;
/** Ids given to operations and joins: the others are those of tasks. */
export const headOthers = 8;
/** Tasks started while promises were not watched, because too many tasks were started. */
export const headUnwatched = 12;
/** Exceptions of the tracer itself that were caught. */
export const headFaults = 9;
/** Resource slots in use or free again lie below this one. */
export const headNextResource = 11;
/** 1 as soon as the worker runs. */
export const headServed = 13;
/** 1 when the worker wants to know what keeps the thread alive; whoever wakes the clock next counts. */
export const headHandlesWanted = 14;
/** How many things kept the thread alive when they were counted last, and one more; 0 when they never were. */
export const headHandles = 15;
/** 1 when a debugger was there at the last count: nothing may be sent to the thread any more. */
export const headDebugged = 16;
/** How many messages the thread has sent to the worker: what it tells of comes into the tables later. */
export const headTold = 17;

export const quietNo = 0;
/** The worker asks: whoever needs the time next answers with `quietNo`. */
export const quietMaybe = 1;
/** Nobody has needed the time for a while: the clock stands, and who needs it wakes the worker. */
export const quietYes = 2;

/** 8 ms: 32 bits of ticks last for more than a year. */
export const tickMs = 8;

/** So often the worker sets the clock while the program is active. */
export const clockStepMs = 20;

/** Words of a row: 96 bytes per task. */
export const rowWords = 24;
/** Rows per segment; the table grows by whole segments. */
export const segmentShift = 13;
export const segmentRows = 1 << segmentShift;
export const segmentMask = segmentRows - 1;
/** So many rows at most, whatever the settings: 200 MB. */
export const rowLimit = 2 ** 21;

/** Low word of the id of the task; rows are used again, ids never. */
export const rowSeqLow = 0;
export const rowSeqHigh = 1;
/** One of the `state…` constants. */
export const rowState = 2;
/** Site of the function; of an operation the site of the call. */
export const rowSite = 3;
/** Site of the await. The next free row in a row that is free. */
export const rowAt = 4;
/** Tick at which the present wait began. */
export const rowSince = 5;
export const rowBorn = 6;
/** Low word of the parent's id, 0 for none; its high word follows, because a parent is older than its child. */
export const rowParent = 7;
/** Site of the call that started it. */
export const rowCreated = 8;
/** The task that was running when this one was entered; -1 once that has gone on. */
export const rowCaller = 9;
/**
 * The row waited for, below zero when that is inferred from the order of events and no promise was seen; and the low
 * word of its id, by which a reader sees that the row has another tenant now.
 */
export const rowWaitRow = 10;
export const rowWaitSeq = 11;
/** Who waits for this row, in the same form; true only while that one's own words agree or it is a join. */
export const rowJoinerRow = 12;
export const rowJoinerSeq = 13;
/** Counts waits: two looks at a row that find the same number saw the same wait. */
export const rowEpoch = 14;
/** Bits of `flag…`. */
export const rowFlags = 15;
/** Operations of this task that hold something. */
export const rowHolds = 16;
// What follows is used by operations and joins, and the first two by tasks that wait for `rowRange`.
/** The verb: index into `operations`. Of a task: how a combination counts, as the state of a join. */
export const rowOperation = 17;
/** Slot of the resource. Of a task: the low word of the last id that belongs to a combination. */
export const rowResource = 18;
export const rowAmount = 19;
/** Higher is served first. */
export const rowPriority = 20;
/** The task that runs the callback of the operation. */
export const rowJobRow = 21;
export const rowJobSeq = 22;
/** Operations: row of the task that asked. Joins: how many of what is waited for are no tasks. */
export const rowAsker = 23;

export const stateFree = 0;
export const stateRunning = 1;
export const stateWaiting = 2;
/** The body is done and gave back a promise that is still pending. */
export const stateReturning = 3;
/** An async generator between two requests: nobody waits, so it is no live task. */
export const stateResting = 4;
/** In `for await`: waits for the next item. */
export const stateIterating = 5;
/** Operations: asked for, and granted. */
export const stateOpWaiting = 8;
export const stateOpHolding = 9;
/** Taken out of its queue without an answer: its promise stays pending for ever. */
export const stateOpDropped = 10;
/** A combination of promises: `Promise.all`, `allSettled`, `race` or `any`. */
export const stateJoinAll = 12;
export const stateJoinSettled = 13;
export const stateJoinAny = 14;

/** Its body gave back a promise. */
export const flagReturns = 1;
/** Its promise carries a stamp. */
export const flagStamped = 2;
/** It runs the callback of the operation in its joiner words. */
export const flagJob = 4;
// Tasks and operations have bits of their own below: the same number means one thing for each.
/** A task or a combination that is one of the alternatives of a race. */
export const flagRaced = 8;
/** A task whose suspended code has been collected: nothing can let it go on. */
export const flagCollected = 16;
/** A task with loops over streams: each has an operation that lasts as long as the task. */
export const flagIterates = 32;
/** An operation with which others may hold the resource at the same time. */
export const flagShared = 8;
/** An operation that may be refused: it is granted when the task that awaits it goes on. */
export const flagRefusable = 16;
/** An operation that can end by itself: a timeout or a signal is set. */
export const flagCancellable = 32;
/** Nothing but the end of its callback gives back what the operation holds. */
export const flagScoped = 64;
/** Only the asking task can give back what the operation holds: the handle never leaves its function. */
export const flagOwn = 128;
/** Any code that reaches the resource may give back what the operation holds. */
export const flagAnyone = 256;
/** The operation is over when its callback is. */
export const flagEndsWithJob = 512;
/** An async generator: a task only while a request is under way. */
export const flagGenerator = 1024;
/** A module with top-level await. */
export const flagModule = 2048;
/** A task that waits for a combination of promises alone: when it goes on, the combination is over. */
export const flagJoins = 4096;
/** A combination of promises that ends with the wait of the one task that awaits it. */
export const flagAwaited = 8192;

/** An operation that is over when a promise settles that carries its stamp turned round. */
export const flagUntilMade = 16_384;
/** An operation whose hold ends before its promise settles: what is done with it takes time. */
export const flagBorrows = 65_536;
/** An operation that nobody but the caller of the asking task can give back, once that has returned what it got. */
export const flagGiven = 131_072;
/** An operation whose callback is over, though the library has not given back yet. */
export const flagCallbackOver = 32_768;

/** Row 0 stands for "none". Nothing is stored in these rows that anybody reads. */
export const rowNone = 0;
/** All tasks that found the table full. */
export const rowOverflow = 1;
/** What a promise that a timer settles is stamped with; the second for timers that keep no process alive. */
export const rowTimer = 2;
export const rowIdleTimer = 3;
/** A combination of promises that nobody looked at: of the tasks that were started while its argument was evaluated. */
export const rowRange = 4;
/** What a promise is stamped with whose executor can't settle it. */
export const rowNever = 5;
export const firstRow = 6;

/** Words of a resource. */
export const resourceWords = 12;
export const resourceShift = 10;
export const resourceMask = (1 << resourceShift) - 1;
/** 0 when the slot is free. */
export const resourceIdLow = 0;
export const resourceIdHigh = 1;
/** Index into the kinds that instrumentations announced. */
export const resourceType = 2;
export const resourceCreated = 3;
/** -1: unbounded or unknown. */
export const resourceCapacity = 4;
/** -1: unknown. */
export const resourceLength = 5;
export const resourceClosed = 6;
/** Operations that wait or hold. */
export const resourceOperations = 7;
/** The next free slot. */
export const resourceNext = 8;

/** The verbs of operations, in the words of the models. */
export const operations = [
  "acquire",
  "scoped",
  "submit",
  "waitIdle",
  "send",
  "receive",
  "select",
  "waitEvent",
  "io",
  "worker",
  "listen",
] as const;
export type OperationVerb = (typeof operations)[number];
