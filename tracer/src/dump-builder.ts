import type { ContendedHold, ContendedResource, ContendedWait } from "@unknot/protocol/contention.ts";
import type { Coverage, Dump, LoopState, ProcessInfo, Site } from "@unknot/protocol/dump.ts";
import type { Hold, Resource, ResourceId, ResourceKind } from "@unknot/protocol/resource.ts";
import type { Fate, Task, TaskId, TaskState, Wait } from "@unknot/protocol/task.ts";
import { type ContentionEntry, readContention } from "./contention.ts";
import type { Facts } from "./facts.ts";
import {
  clockStepMs,
  firstRow,
  flagAnyone,
  flagBorrows,
  flagCancellable,
  flagCollected,
  flagModule,
  flagOwn,
  flagRaced,
  flagScoped,
  flagShared,
  headClock,
  headDropped,
  headFaults,
  headMark,
  headNextRow,
  headUnwatched,
  type OperationVerb,
  operations,
  resourceCapacity,
  resourceClosed,
  resourceCreated,
  resourceIdHigh,
  resourceIdLow,
  resourceLength,
  resourceMask,
  resourceShift,
  resourceType,
  resourceWords,
  rowAmount,
  rowAsker,
  rowAt,
  rowBorn,
  rowCaller,
  rowCreated,
  rowFlags,
  rowIdleTimer,
  rowJobRow,
  rowJobSeq,
  rowJoinerRow,
  rowJoinerSeq,
  rowNever,
  rowOperation,
  rowParent,
  rowPriority,
  rowRange,
  rowResource,
  rowSeqHigh,
  rowSeqLow,
  rowSince,
  rowSite,
  rowState,
  rowTimer,
  rowWaitRow,
  rowWaitSeq,
  rowWords,
  segmentMask,
  segmentShift,
  stateFree,
  stateIterating,
  stateJoinAll,
  stateJoinAny,
  stateJoinSettled,
  stateOpDropped,
  stateOpHolding,
  stateOpWaiting,
  stateResting,
  stateReturning,
  stateRunning,
  stateWaiting,
  tickMs,
} from "./layout.ts";
import { isUnordered, stateOf } from "./operation-state.ts";
import { type Placed, stackPlacesOf } from "./places.ts";
import type { GrowingSite } from "./serve/growth-watch.ts";
import type { Tables } from "./tables.ts";
import { isCallOf, siteGenerator, siteModule } from "./transform/sites.ts";

/** What a dump says that is in no table. */
export interface Moment {
  readonly process: ProcessInfo;
  /** Milliseconds since the epoch. */
  readonly capturedAt: number;
  /** The clock of the tables at that time. */
  readonly ticks: number;
  readonly by: string;
  readonly loop: LoopState;
  readonly blind: readonly string[];
  /** Where ever more tasks wait; only who looks all the time knows. */
  readonly growing?: readonly GrowingSite[];
}

/** The dump of one thread from its tables, without problems. Reads while the program writes: a row may be torn. */
export function buildDump(
  tables: Tables,
  facts: Facts,
  places: (site: number) => Placed | undefined,
  moment: Moment,
): Dump {
  return new DumpBuilder(tables, facts, places, moment).build();
}

/** What the dump says of what was seen; `blind` comes from outside the tables. */
export function coverageOf(tables: Tables, facts: Facts, blind: readonly string[]): Coverage {
  const faults = tables.header[headFaults] as number;
  const unwatched = tables.header[headUnwatched] as number;
  return {
    instrumented: [...facts.instrumented].sort(),
    // In lean mode files are known for the places in them alone.
    transformed: facts.files.filter(({ isUntouched }) => isUntouched !== true).length,
    untouched: facts.untouched,
    blind: [
      ...blind,
      ...(facts.lean === undefined ? [] : [`async functions (${facts.lean})`]),
      ...(unwatched === 0 ? [] : [`joins of ${unwatched} tasks, started too fast`]),
      ...(faults === 0 ? [] : [`errors of the tracer (${faults})`]),
    ],
    dropped: tables.header[headDropped] as number,
  };
}

const none: readonly ResourceId[] = [];

interface Entry {
  readonly kind: Task["kind"];
  readonly name: string;
  /** Index into the dump's sites. */
  readonly site: number | undefined;
}

/** A module that could go on for so long has failed. */
const failedAfterMs = 500;

class DumpBuilder {
  readonly #tables: Tables;
  readonly #facts: Facts;
  readonly #places: (site: number) => Placed | undefined;
  readonly #moment: Moment;
  readonly #sites: Site[] = [];
  readonly #siteIndexes = new Map<number, number>();
  readonly #tasks: number[] = [];
  readonly #operations: number[] = [];
  readonly #joins = new Map<number, number[]>();
  /** Operations that some task waits for directly, with the first of those tasks. */
  readonly #waiterOf = new Map<number, number>();
  /** Operations that are shown as tasks of their own. */
  readonly #shown = new Set<number>();
  readonly #queues = new Map<number, readonly number[]>();
  #positions: Map<number, number> | undefined;
  readonly #callees = new Map<number, number>();
  readonly #entries = new Map<number, Entry>();
  #lastUnknown: Wait | undefined;
  #byParent: Map<number, number[]> | undefined;
  #byId: Map<number, number> | undefined;

  constructor(tables: Tables, facts: Facts, places: (site: number) => Placed | undefined, moment: Moment) {
    this.#tables = tables;
    this.#facts = facts;
    this.#places = places;
    this.#moment = moment;
  }

  build(): Dump {
    this.#sort();
    this.#linkJoins();
    this.#decideShown();
    const rows = this.#inOrderOfIds();
    const holding = this.#holdings();
    const tasks = rows.map((row) => this.#task(row, holding));
    return {
      format: "unknot-dump",
      version: 1,
      process: this.#moment.process,
      capturedAt: Math.round(this.#moment.capturedAt),
      by: this.#moment.by,
      loop: this.#moment.loop,
      coverage: coverageOf(this.#tables, this.#facts, this.#moment.blind),
      tasks,
      resources: this.#resources(),
      sites: this.#sites,
      problems: [],
      ...this.#handles(),
      ...this.#testRun(),
      ...this.#contention(),
      ...this.#overReleases(),
      ...this.#lostUpdates(),
      ...this.#failures(),
      ...this.#growth(),
    };
  }

  #inOrderOfIds(): readonly number[] {
    const rows = this.#shown.size === 0 ? this.#tasks : [...this.#tasks, ...this.#shown];
    let last = 0;
    for (const row of rows) {
      const id = this.#id(row);
      if (id < last) return [...rows].sort((a, b) => this.#id(a) - this.#id(b));
      last = id;
    }
    // Rows are given back and taken again, but those of tasks that only come are in their order.
    return rows;
  }

  #lostUpdates(): Pick<Dump, "lostUpdates"> {
    const lostUpdates = [...this.#facts.lostUpdates].flatMap(([at, { read, count, lastMs }]) => {
      const place = this.#places(at)?.entry.name;
      if (place === undefined) return [];
      return {
        place,
        ...present("at", this.#site(at)),
        ...present("read", this.#site(read)),
        count,
        sinceMs: Math.max(0, Math.round(this.#moment.capturedAt - lastMs)),
      };
    });
    return lostUpdates.length === 0 ? {} : { lostUpdates };
  }

  #failures(): Pick<Dump, "failures"> {
    const failures = this.#facts.failures.flatMap(({ entry, created, count, lastMs }) => {
      // Those whose failure was handled later are no failures.
      if (count <= 0) return [];
      return {
        name: nameOf(this.#places(entry)),
        ...present("entry", this.#site(entry)),
        ...present("created", this.#site(created)),
        count,
        sinceMs: Math.max(0, Math.round(this.#moment.capturedAt - lastMs)),
      };
    });
    return failures.length === 0 ? {} : { failures };
  }

  #growth(): Pick<Dump, "growth"> {
    const growth = (this.#moment.growing ?? []).flatMap(({ at, created, counts, overMs }) => {
      const site = this.#site(at);
      return site === undefined
        ? []
        : [{ at: site, ...present("created", this.#site(created)), counts, overMs }];
    });
    return growth.length === 0 ? {} : { growth };
  }

  #overReleases(): Pick<Dump, "overReleases"> {
    const overReleases = this.#facts.overReleases.flatMap((each) => {
      const resource = this.#contended(each);
      if (resource === undefined) return [];
      const { outcome, capacity, free, count, lastMs } = each;
      return {
        resource,
        outcome,
        ...present("at", this.#site(each.at)),
        ...present("taken", this.#site(each.taken)),
        ...(capacity === undefined ? {} : { capacity }),
        ...(free === undefined ? {} : { free }),
        count,
        sinceMs: Math.max(0, Math.round(this.#moment.capturedAt - lastMs)),
      };
    });
    return overReleases.length === 0 ? {} : { overReleases };
  }

  #contention(): Pick<Dump, "contention"> {
    const { entries, lost } = readContention(this.#tables.contention);
    if (entries.length === 0) return {};
    const waits: ContendedWait[] = [];
    const holds: ContendedHold[] = [];
    let dropped = lost;
    for (const entry of entries) {
      const resource = this.#contended(entry);
      const stack = entry.stack.flatMap((site) => this.#site(site) ?? []);
      if (stack.length === 0 || (entry.kind === "hold" && resource === undefined)) {
        dropped += entry.count;
        continue;
      }
      const amounts = {
        stack,
        count: entry.count,
        totalMs: entry.total * tickMs,
        longestMs: entry.longest * tickMs,
      };
      if (entry.kind === "wait")
        waits.push({ ...amounts, state: entry.state, ...(resource === undefined ? {} : { resource }) });
      else if (resource !== undefined) {
        holds.push({
          ...amounts,
          ...present("taken", this.#site(entry.taken)),
          resource,
          contended: entry.contended,
          delayMs: Math.round(entry.delay * tickMs),
        });
      }
    }
    return {
      contention: {
        forMs: this.#moment.process.upMs,
        stepMs: clockStepMs,
        waits: waits.sort((a, b) => b.totalMs - a.totalMs),
        holds: holds.sort((a, b) => b.delayMs - a.delayMs || b.totalMs - a.totalMs),
        dropped,
      },
    };
  }

  #contended({ type, created }: Pick<ContentionEntry, "type" | "created">): ContendedResource | undefined {
    const known = type === undefined ? undefined : this.#facts.types[type];
    if (known === undefined) return undefined;
    const name = this.#places(created)?.entry.name;
    return {
      kind: known.kind,
      type: known.name,
      ...(name === undefined ? {} : { name }),
      ...present("created", this.#site(created)),
    };
  }

  #handles(): Pick<Dump, "handles"> {
    const { handles, files } = this.#facts;
    if (handles === undefined) return {};
    const placeOf = stackPlacesOf(files);
    return {
      handles: handles.map(({ stack, createdAt, ...handle }) => ({
        ...handle,
        stack: stack.map((frame) => this.#sites.push(placeOf(frame)) - 1),
        ageMs: Math.max(0, Math.round(this.#moment.capturedAt - createdAt)),
      })),
    };
  }

  #testRun(): Pick<Dump, "testRun"> {
    const { testRun } = this.#facts;
    if (testRun === undefined) return {};
    const { at, ...run } = testRun;
    return { testRun: { ...run, sinceMs: Math.max(0, Math.round(this.#moment.capturedAt - at)) } };
  }

  /** What the program calls a task and those that started it, and the test that the oldest of them was started in. */
  #labels(row: number): Task["labels"] {
    const { labels, tests } = this.#facts;
    if (labels.size === 0 && tests.length === 0) return undefined;
    const rows = this.#rowsById();
    let merged: Readonly<Record<string, string>> = {};
    let eldest = this.#id(row) as number;
    for (let id: number | undefined = eldest, depth = 0; id !== undefined && depth < 64; depth++) {
      eldest = id;
      merged = { ...labels.get(id), ...merged };
      const at = rows.get(id);
      id = at === undefined ? undefined : this.#parent(at);
    }
    const test = testAfter(tests, eldest);
    const all = test === undefined ? merged : { test, ...merged };
    return Object.keys(all).length === 0 ? undefined : all;
  }

  #rowsById(): ReadonlyMap<number, number> {
    this.#byId ??= new Map([...this.#tasks, ...this.#operations].map((row) => [this.#id(row), row]));
    return this.#byId;
  }

  #get(row: number, word: number): number {
    return this.#tables.rows[row >>> segmentShift]?.[(row & segmentMask) * rowWords + word] ?? 0;
  }

  #sort(): void {
    const end = this.#tables.header[headNextRow] as number;
    for (let row = firstRow; row < end; row++) {
      const state = this.#get(row, rowState);
      switch (state) {
        case stateFree:
        case stateResting:
          break;
        case stateRunning:
        case stateWaiting:
        case stateReturning:
        case stateIterating:
          if (this.#isFailedModule(row)) break;
          this.#tasks.push(row);
          if (state === stateRunning) {
            const caller = this.#get(row, rowCaller);
            if (caller >= firstRow) this.#callees.set(caller, row);
          }
          break;
        case stateJoinAll:
        case stateJoinSettled:
        case stateJoinAny:
          this.#joins.set(row, []);
          break;
        default:
          this.#operations.push(row);
      }
    }
  }

  /**
   * A module whose await failed runs no further statement and tells nobody; watching the promise would take the async
   * frames out of the program's stack traces. So: what it waited for has ended, the loop turns, and it did not go on.
   */
  #isFailedModule(row: number): boolean {
    return (
      (this.#get(row, rowFlags) & flagModule) !== 0 &&
      this.#get(row, rowState) === stateWaiting &&
      this.#get(row, rowWaitRow) >= firstRow &&
      this.#target(row) === undefined &&
      this.#moment.loop.state === "turning" &&
      this.#ago(row, rowSince, this.#moment.ticks) > failedAfterMs
    );
  }

  #linkJoins(): void {
    if (this.#joins.size === 0) return;
    for (const row of [...this.#tasks, ...this.#operations, ...this.#joins.keys()]) {
      const joiner = this.#get(row, rowJoinerRow);
      const members = this.#joins.get(joiner);
      if (members !== undefined && this.#isTenant(joiner, this.#get(row, rowJoinerSeq))) members.push(row);
    }
  }

  /**
   * An operation is a task of its own when nothing else stands for it: a job that has not started, or whose callback is
   * no task; a lock that is asked for without an await. One that a task awaits is that task's wait.
   */
  #decideShown(): void {
    const joined = new Set<number>();
    for (const row of this.#tasks) {
      const target = this.#target(row);
      if (target === undefined) continue;
      if (this.#isOperation(target) && !this.#waiterOf.has(target)) this.#waiterOf.set(target, row);
      if (this.#joins.has(target)) for (const member of this.#members(target)) joined.add(member);
    }
    for (const operation of this.#operations) {
      if (joined.has(operation) && this.#jobOf(operation) === undefined) this.#shown.add(operation);
      else if (this.#showsUnasked(operation)) this.#shown.add(operation);
      const job = this.#jobOf(operation);
      if (job !== undefined && this.#isOperation(job)) this.#shown.add(job);
    }
  }

  #showsUnasked(operation: number): boolean {
    const verb = this.#verb(operation);
    const isTaken = verb === "acquire" || verb === "scoped" || verb === "submit";
    // Where nobody is known who could wait, the wait itself is all that there is.
    if (!isTaken && this.#facts.lean === undefined) return false;
    if (this.#isOfPackage(operation)) return false;
    switch (this.#get(operation, rowState)) {
      case stateOpWaiting:
      case stateOpDropped:
        return !this.#waiterOf.has(operation);
      default:
        return (this.#get(operation, rowFlags) & flagScoped) !== 0 && this.#jobOf(operation) === undefined;
    }
  }

  /**
   * A package gave a queue the job, and no task waits for it: Fastify has those of its end in a paused queue from the
   * start. In lean mode nobody knows who asks.
   */
  #isOfPackage(operation: number): boolean {
    return (
      this.#facts.lean === undefined &&
      this.#verb(operation) === "submit" &&
      this.#get(operation, rowSite) === 0 &&
      this.#get(operation, rowAsker) === 0 &&
      !this.#waiterOf.has(operation) &&
      this.#jobOf(operation) === undefined
    );
  }

  /** The rows that a combination waits for, those of combinations inside it included. */
  #members(join: number, seen = new Set<number>()): readonly number[] {
    if (seen.has(join)) return [];
    seen.add(join);
    return (this.#joins.get(join) ?? []).flatMap((member) =>
      this.#joins.has(member) ? this.#members(member, seen) : [member],
    );
  }

  #task(row: number, holding: ReadonlyMap<number, readonly ResourceId[]>): Task {
    const { ticks } = this.#moment;
    const state = this.#get(row, rowState);
    const isOperation = this.#isOperation(row);
    const parent = this.#parent(row);
    const { state: word, wait } = isOperation ? this.#operationState(row) : this.#waitOf(row);
    const at = this.#site(state === stateRunning ? this.#runningAt(row) : this.#get(row, rowAt));
    const created = this.#site(this.#get(row, rowCreated));
    const entry = isOperation ? undefined : this.#entryOf(this.#get(row, rowSite));
    const entered = entry?.site;
    const id = this.#id(row);
    const kind = entry?.kind ?? "job";
    const name = entry?.name ?? this.#operationName(row);
    const ageMs = this.#ago(row, rowBorn, ticks);
    const held = holding.get(row) ?? none;
    // Of 100,000 tasks each object that is spread would take a millisecond or more, and so would fields that V8 has to
    // keep beside the object: those of nearly all tasks are there from the start.
    const isUsual =
      entered !== undefined &&
      at !== undefined &&
      parent !== undefined &&
      created !== undefined &&
      wait !== undefined;
    const task: { -readonly [Key in keyof Task]: Task[Key] } = isUsual
      ? { id, kind, name, state: word, ageMs, holding: held, entry: entered, at, parent, created, wait }
      : { id, kind, name, state: word, ageMs, holding: held };
    if (!isUsual) {
      if (entered !== undefined) task.entry = entered;
      if (at !== undefined) task.at = at;
      if (parent !== undefined) task.parent = parent;
      if (created !== undefined) task.created = created;
      if (wait !== undefined) task.wait = wait;
    }
    const labels = this.#labels(row);
    if (labels !== undefined) task.labels = labels;
    const fate = isOperation ? undefined : this.#fate(row);
    if (fate !== undefined) task.collected = fate;
    return task;
  }

  /** What all tasks of a function have in common. */
  #entryOf(number: number): Entry {
    let entry = this.#entries.get(number);
    if (entry === undefined) {
      const placed = this.#places(number);
      entry = { kind: kindOf(placed), name: nameOf(placed), site: this.#site(number) };
      this.#entries.set(number, entry);
    }
    return entry;
  }

  /** Of a task whose code is gone. Where promises were not watched all the time, nobody knows who was in a race. */
  #fate(row: number): Fate | undefined {
    const state = this.#get(row, rowState);
    if ((this.#get(row, rowFlags) & flagCollected) === 0) return undefined;
    if (state !== stateWaiting && state !== stateIterating) return undefined;
    if (Math.abs(this.#get(row, rowWaitRow)) === rowNever) return "parked";
    const unwatched = (this.#tables.header[headUnwatched] as number) > 0;
    return unwatched || this.#hasLostRace(row) ? "raced" : "lost";
  }

  /** It, or a combination that it is part of, was an alternative of a race that is over. */
  #hasLostRace(row: number, seen = new Set<number>()): boolean {
    if (seen.has(row)) return false;
    seen.add(row);
    const joiner = this.#get(row, rowJoinerRow);
    const isJoined = joiner >= firstRow && this.#isTenant(joiner, this.#get(row, rowJoinerSeq));
    if (!isJoined) return (this.#get(row, rowFlags) & flagRaced) !== 0;
    return this.#joins.has(joiner) && this.#hasLostRace(joiner, seen);
  }

  /** Where a running task is: at the call of the task it runs in, else at its last statement that makes a call. */
  #runningAt(row: number): number {
    const callee = this.#callees.get(row);
    if (callee !== undefined) return this.#get(callee, rowCreated);
    const mark = this.#tables.header[headMark] as number;
    if (
      mark !== 0 &&
      this.#places(mark)?.entry.function === this.#places(this.#get(row, rowSite))?.entry.function
    )
      return mark;
    return this.#get(row, rowCaller) < 0 ? this.#get(row, rowAt) : 0;
  }

  #waitOf(row: number): { readonly state: TaskState; readonly wait?: Wait } {
    const sinceMs = this.#ago(row, rowSince, this.#moment.ticks);
    const state = this.#get(row, rowState);
    if (state === stateRunning) return { state: "running" };
    const unknown = this.#unknownWait(sinceMs);
    const plain: TaskState = state === stateIterating ? "iterator.next" : "await";
    const waitRow = this.#get(row, rowWaitRow);
    if (Math.abs(waitRow) === rowTimer || Math.abs(waitRow) === rowIdleTimer)
      return { state: "sleep", wait: unknown };
    if (waitRow === 0 || Math.abs(waitRow) === rowNever) return { state: plain, wait: unknown };
    if (waitRow === -rowRange) return this.#rangeWait(row, sinceMs);
    const inferred = waitRow < 0;
    const target = this.#target(row);
    if (target === undefined) return inferred ? { state: plain, wait: unknown } : { state: "runnable" };
    if (this.#joins.has(target)) return this.#joinWait(row, target, sinceMs);
    if (this.#isOperation(target)) return this.#operationWait(target, sinceMs, plain);
    if (inferred && state !== stateIterating && !this.#isLikely(row, target))
      return { state: plain, wait: unknown };
    if (this.#get(target, rowState) === stateResting) return { state: plain, wait: unknown };
    return {
      state: plain,
      wait: { on: "tasks", tasks: [this.#id(target)], need: "all", exact: !inferred, sinceMs },
    };
  }

  /** Of 100,000 tasks that wait for what nobody knows, many have waited equally long. */
  #unknownWait(sinceMs: number): Wait {
    if (this.#lastUnknown?.sinceMs !== sinceMs) this.#lastUnknown = { on: "unknown", sinceMs };
    return this.#lastUnknown;
  }

  /** Without a look at the promise: the task that was suspended last has the name that the await calls by. */
  #isLikely(row: number, target: number): boolean {
    const callee = this.#places(this.#get(row, rowAt))?.entry.callee;
    const name = this.#places(this.#get(target, rowSite))?.entry.function;
    return callee !== undefined && name !== undefined && isCallOf(callee, name);
  }

  #joinWait(row: number, join: number, sinceMs: number): { readonly state: TaskState; readonly wait: Wait } {
    const kind = this.#get(join, rowState);
    const need = kind === stateJoinAny ? "any" : "all";
    const direct = this.#joins.get(join) ?? [];
    // A combination inside one of another kind is no list of alternatives any more.
    const mixed = direct.some((member) => this.#joins.has(member) && this.#get(member, rowState) !== kind);
    const tasks = new Set(this.#members(join).flatMap((member) => this.#standsFor(member) ?? []));
    const others = this.#get(join, rowAsker);
    tasks.delete(this.#id(row));
    return {
      state: need === "any" ? "select" : "join",
      wait: {
        on: "tasks",
        tasks: [...tasks].sort((a, b) => a - b),
        need,
        exact: !mixed && (kind === stateJoinSettled || others === 0),
        ...(kind === stateJoinAll ? { failsFast: true as const } : {}),
        sinceMs,
      },
    };
  }

  /** A combination that nobody looked at: of the children that were started while its argument was evaluated. */
  #rangeWait(row: number, sinceMs: number): { readonly state: TaskState; readonly wait: Wait } {
    const any = this.#get(row, rowOperation) === stateJoinAny;
    const from = this.#get(row, rowWaitSeq);
    const length = (this.#get(row, rowResource) - from) | 0;
    const tasks = this.#children(row).filter((child) => {
      const distance = (this.#get(child, rowSeqLow) - from) | 0;
      return distance > 0 && distance <= length;
    });
    const wait: Wait =
      tasks.length === 0
        ? { on: "unknown", sinceMs }
        : {
            on: "tasks",
            tasks: tasks.map((child) => this.#id(child)).sort((a, b) => a - b),
            need: any ? "any" : "all",
            exact: false,
            sinceMs,
          };
    return { state: any ? "select" : "join", wait };
  }

  #children(row: number): readonly number[] {
    if (this.#byParent === undefined) {
      this.#byParent = new Map();
      for (const task of this.#tasks) {
        const parent = this.#get(task, rowParent);
        const list = this.#byParent.get(parent);
        if (list === undefined) this.#byParent.set(parent, [task]);
        else list.push(task);
      }
    }
    return this.#byParent.get(this.#get(row, rowSeqLow)) ?? [];
  }

  #operationWait(
    operation: number,
    sinceMs: number,
    plain: TaskState,
  ): { readonly state: TaskState; readonly wait?: Wait } {
    const state = this.#get(operation, rowState);
    if (state === stateOpDropped) return { state: plain, wait: { on: "unknown", sinceMs } };
    if (state === stateOpHolding) {
      const job = this.#standsFor(operation);
      if (job === undefined) {
        const isBorrowed = (this.#get(operation, rowFlags) & flagBorrows) !== 0;
        return isBorrowed ? { state: "IO wait", wait: { on: "unknown", sinceMs } } : { state: "runnable" };
      }
      return { state: plain, wait: { on: "tasks", tasks: [job], need: "all", exact: true, sinceMs } };
    }
    const isShared = (this.#get(operation, rowFlags) & flagShared) !== 0;
    const word = stateOf(this.#verb(operation), this.#kind(operation), isShared);
    const resource = this.#resourceId(operation);
    if (resource === undefined) return { state: word, wait: { on: "unknown", sinceMs } };
    const position = this.#positionOf(operation);
    return {
      state: word,
      wait: {
        on: "resource",
        resource,
        op: this.#verb(operation),
        ...(position === undefined ? {} : { position }),
        ...((this.#get(operation, rowFlags) & flagCancellable) !== 0 ? { cancellable: true as const } : {}),
        sinceMs,
      },
    };
  }

  /** The state of an operation that is shown as a task of its own. */
  #operationState(operation: number): { readonly state: TaskState; readonly wait?: Wait } {
    const sinceMs = this.#ago(operation, rowSince, this.#moment.ticks);
    const state = this.#get(operation, rowState);
    if (state !== stateOpHolding) return this.#operationWait(operation, sinceMs, "await");
    return { state: "await", wait: { on: "unknown", sinceMs } };
  }

  #operationName(operation: number): string {
    const resource = this.#resourceName(operation);
    const verb = this.#verb(operation);
    const word = verb === "submit" ? "job" : verb;
    return resource === undefined ? word : `${word} of ${resource}`;
  }

  /** The task that an operation is to those who wait for it: its callback's, else itself when it is shown. */
  #standsFor(row: number): TaskId | undefined {
    if (!this.#isOperation(row)) return this.#id(row);
    const job = this.#jobOf(row);
    if (job !== undefined) return this.#id(job);
    return this.#shown.has(row) ? this.#id(row) : undefined;
  }

  #jobOf(operation: number): number | undefined {
    const job = this.#get(operation, rowJobRow);
    return job >= firstRow && this.#isTenant(job, this.#get(operation, rowJobSeq)) ? job : undefined;
  }

  #resources(): Resource[] {
    const bySlot = new Map<number, number[]>();
    for (const operation of this.#operations) {
      const slot = this.#get(operation, rowResource);
      if (slot === 0 || this.#isOfPackage(operation)) continue;
      const list = bySlot.get(slot);
      if (list === undefined) bySlot.set(slot, [operation]);
      else list.push(operation);
    }
    const resources: Resource[] = [];
    for (const [slot, members] of bySlot) {
      const id = this.#resourceIdOf(slot);
      const type = this.#facts.types[this.#resourceWord(slot, resourceType)];
      if (id === undefined || type === undefined) continue;
      const capacity = this.#resourceWord(slot, resourceCapacity);
      const length = this.#resourceWord(slot, resourceLength);
      const name = this.#places(this.#resourceWord(slot, resourceCreated))?.entry.name;
      resources.push({
        id,
        kind: type.kind,
        ...(name === undefined ? {} : { name }),
        type: type.name,
        ...present("created", this.#site(this.#resourceWord(slot, resourceCreated))),
        ...(capacity < 0 ? {} : { capacity }),
        holders: members
          .filter((each) => this.#get(each, rowState) === stateOpHolding)
          .map((each) => this.#hold(each, type.remote === true)),
        waiters: this.#queue(slot).flatMap((each) => this.#waiter(each) ?? []),
        ...(length < 0 ? {} : { length }),
        ...(this.#resourceWord(slot, resourceClosed) === 1 ? { closed: true } : {}),
      });
    }
    return resources.sort((a, b) => a.id - b.id);
  }

  #hold(operation: number, isRemote: boolean): Hold {
    const task = this.#holder(operation);
    const release = isRemote ? "anyone" : this.#releaseOf(operation);
    return {
      ...(task === undefined ? {} : { task }),
      forMs: this.#ago(operation, rowSince, this.#moment.ticks),
      ...present("site", this.#site(this.#get(operation, rowSite))),
      amount: this.#get(operation, rowAmount),
      release,
    };
  }

  #releaseOf(operation: number): NonNullable<Hold["release"]> {
    const flags = this.#get(operation, rowFlags);
    if ((flags & flagScoped) !== 0) return "scope";
    if ((flags & flagAnyone) !== 0) return "anyone";
    return (flags & flagOwn) !== 0 ? "task" : "handle";
  }

  /** Who holds: the task of the callback, else the task that asked, even when that one has ended. */
  #holder(operation: number): TaskId | undefined {
    if ((this.#get(operation, rowFlags) & flagScoped) !== 0) return this.#standsFor(operation);
    return this.#parent(operation);
  }

  #waiter(operation: number): TaskId | undefined {
    const task = this.#waiterOf.get(operation);
    if (task !== undefined) return this.#id(task);
    return this.#shown.has(operation) ? this.#id(operation) : undefined;
  }

  /** Where an operation stands in the queue for its resource, from 1; undefined when it is in none. */
  #positionOf(operation: number): number | undefined {
    if (this.#positions === undefined) {
      this.#sortQueues();
      this.#positions = new Map();
      for (const queue of this.#queues.values()) {
        for (const [index, each] of queue.entries()) this.#positions.set(each, index + 1);
      }
    }
    return this.#positions.get(operation);
  }

  /** The operations that queue for a resource, in the order in which they will be served. */
  #queue(slot: number): readonly number[] {
    this.#sortQueues();
    return this.#queues.get(slot) ?? [];
  }

  #sortQueues(): void {
    if (this.#queues.size === 0) {
      const queues = new Map<number, number[]>();
      for (const operation of this.#operations) {
        if (this.#get(operation, rowState) !== stateOpWaiting) continue;
        const verb = this.#verb(operation);
        if (isUnordered(verb)) continue;
        const key = this.#get(operation, rowResource);
        const queue = queues.get(key);
        if (queue === undefined) queues.set(key, [operation]);
        else queue.push(operation);
      }
      for (const [key, queue] of queues) {
        queue.sort(
          (a, b) => this.#get(b, rowPriority) - this.#get(a, rowPriority) || this.#id(a) - this.#id(b),
        );
        this.#queues.set(key, queue);
      }
      if (queues.size === 0) this.#queues.set(0, []);
    }
  }

  #holdings(): ReadonlyMap<number, readonly ResourceId[]> {
    const holds = this.#operations.flatMap((operation) => {
      if (this.#get(operation, rowState) !== stateOpHolding) return [];
      const resource = this.#resourceId(operation);
      const holder = this.#holder(operation);
      return resource === undefined || holder === undefined ? [] : { resource, holder };
    });
    const holdings = new Map<number, ResourceId[]>();
    if (holds.length === 0) return holdings;
    const rows = new Map<TaskId, number>();
    const holders = new Set(holds.map(({ holder }) => holder));
    for (const part of [this.#tasks, this.#shown]) {
      for (const row of part) {
        const id = this.#id(row);
        if (holders.has(id)) rows.set(id, row);
      }
    }
    for (const { resource, holder } of holds) {
      const row = rows.get(holder);
      if (row === undefined) continue;
      const list = holdings.get(row);
      if (list === undefined) holdings.set(row, [resource]);
      else if (!list.includes(resource)) list.push(resource);
    }
    return holdings;
  }

  /** The live row that a task waits for. */
  #target(row: number): number | undefined {
    const target = Math.abs(this.#get(row, rowWaitRow));
    const state = this.#get(row, rowState);
    if (state === stateRunning || target < firstRow) return undefined;
    return this.#isTenant(target, this.#get(row, rowWaitSeq)) ? target : undefined;
  }

  #isTenant(row: number, seqLow: number): boolean {
    return this.#get(row, rowState) !== stateFree && this.#get(row, rowSeqLow) === seqLow;
  }

  #isOperation(row: number): boolean {
    const state = this.#get(row, rowState);
    return state === stateOpWaiting || state === stateOpHolding || state === stateOpDropped;
  }

  #id(row: number): TaskId {
    return idOf(this.#get(row, rowSeqHigh), this.#get(row, rowSeqLow) >>> 0);
  }

  #parent(row: number): TaskId | undefined {
    const low = this.#get(row, rowParent) >>> 0;
    if (low === 0) return undefined;
    // A parent is older: when its low word is the larger one, its high word is smaller.
    const high = this.#get(row, rowSeqHigh) - (low > this.#get(row, rowSeqLow) >>> 0 ? 1 : 0);
    return idOf(Math.max(0, high), low);
  }

  #verb(operation: number): OperationVerb {
    return operations[this.#get(operation, rowOperation)] ?? "acquire";
  }

  #kind(operation: number): ResourceKind | undefined {
    const slot = this.#get(operation, rowResource);
    return slot === 0 ? undefined : this.#facts.types[this.#resourceWord(slot, resourceType)]?.kind;
  }

  #resourceName(operation: number): string | undefined {
    const slot = this.#get(operation, rowResource);
    if (slot === 0) return undefined;
    return (
      this.#places(this.#resourceWord(slot, resourceCreated))?.entry.name ??
      this.#facts.types[this.#resourceWord(slot, resourceType)]?.name
    );
  }

  #resourceId(operation: number): ResourceId | undefined {
    const slot = this.#get(operation, rowResource);
    return slot === 0 ? undefined : this.#resourceIdOf(slot);
  }

  #resourceIdOf(slot: number): ResourceId | undefined {
    const id =
      this.#resourceWord(slot, resourceIdHigh) * 2 ** 32 + (this.#resourceWord(slot, resourceIdLow) >>> 0);
    return id === 0 ? undefined : (id as ResourceId);
  }

  #resourceWord(slot: number, word: number): number {
    return (
      this.#tables.resources[slot >>> resourceShift]?.[(slot & resourceMask) * resourceWords + word] ?? 0
    );
  }

  #ago(row: number, word: number, ticks: number): number {
    return Math.max(0, (ticks - this.#get(row, word)) | 0) * tickMs;
  }

  /** The index of a site in the dump. */
  #site(number: number): number | undefined {
    if (number === 0) return undefined;
    let index = this.#siteIndexes.get(number);
    if (index === undefined) {
      const placed = this.#places(number);
      if (placed === undefined) return undefined;
      index = this.#sites.push(placed.site) - 1;
      this.#siteIndexes.set(number, index);
    }
    return index;
  }
}

/** Without a multiplication where there need be none: V8 keeps what comes of one in an object of its own. */
function idOf(high: number, low: number): TaskId {
  return (high === 0 ? low : high * 2 ** 32 + low) as TaskId;
}

function kindOf(placed: Placed | undefined): Task["kind"] {
  if (placed === undefined) return "async function";
  const { flags } = placed.entry;
  return (flags & siteModule) !== 0
    ? "main"
    : (flags & siteGenerator) !== 0
      ? "async generator"
      : "async function";
}

function nameOf(placed: Placed | undefined): string {
  if (placed === undefined) return "(unknown)";
  const { site, entry, fileIndex } = placed;
  const file = site.file.slice(site.file.lastIndexOf("/") + 1);
  if ((entry.flags & siteModule) !== 0) return fileIndex === 0 ? "main" : file;
  return entry.function ?? `(anonymous) at ${file}:${site.line}`;
}

/** The test that was running when the task of an id was started. */
function testAfter(tests: Facts["tests"], id: number): string | undefined {
  let low = 0;
  let high = tests.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tests[middle]?.after ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return tests[low - 1]?.test;
}

function present<Key extends string>(
  key: Key,
  value: number | undefined,
): { readonly [key in Key]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in Key]?: number });
}

/** The clock of the tables, for a reader that has no better one. */
export function ticksOf(tables: Tables): number {
  return tables.header[headClock] as number;
}
