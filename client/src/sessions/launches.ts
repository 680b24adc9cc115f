import path from "node:path";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { LastDump, Registration } from "@unknot/protocol/wire.ts";
import { createEmitter, type Event, type Subscription } from "./event.ts";
import {
  type Attention,
  endedSession,
  fileSession,
  openSession,
  type Session,
  type SessionOptions,
  type SessionSnapshot,
  sessionId,
} from "./session.ts";

/**
 * A debug session that was started traced, with the processes and threads that registered for it; or a file with the
 * dumps that are in it.
 */
export interface Launch {
  /** What `UNKNOT_SESSION` is set to, or the path of the file. */
  readonly id: string;
  /** The launch configuration's name, or the file's. */
  readonly name: string;
  readonly running: boolean;
  /** When it was started; milliseconds since the epoch. */
  readonly since: number;
  /** True when no thread has registered for longer than starting a program takes. */
  readonly overdue: boolean;
  /** Why its program can't be traced, when that was known at its start. */
  readonly untraced?: string;
  readonly sessions: readonly SessionSnapshot[];
}

export interface LaunchOptions extends SessionOptions {
  /** A launch without a traced thread is overdue after so long. */
  readonly overdueMs: number;
}

/** A thread as the debugger knows it. */
export interface DebuggedThread {
  readonly pid: number;
  /** 0 for the main thread. */
  readonly threadId: number;
}

/** Who shows what launches know: the panel's views, the page of the graph, the marks in editors, the lenses above resources. */
export type Watcher = "view" | "graph" | "editors" | "lenses";

/** All launches of this window and the sessions that belong to them. */
export interface Launches extends Subscription {
  /** What was opened or attached to first, the last first; then what was started, as it was. */
  list(): readonly Launch[];
  session(id: string): Session | undefined;
  /** Those that can be asked for a dump: what lives, and what has left one. */
  askable(): readonly Session[];
  readonly onChange: Event<void>;
  readonly onStart: Event<string>;
  readonly onProblem: Event<{ readonly session: Session; readonly problem: Problem }>;
  /** A debug session starts; launches that ended make room for it. */
  start(launch: { readonly id: string; readonly name: string; readonly untraced?: string }): void;
  /** A debug session ended. */
  end(id: string): void;
  /**
   * A thread registered in the runtime folder, or left its last dump there; false when it belongs to no launch, which
   * may still start: a process can be quicker than VS Code, which says that a debug session has started.
   */
  register(thread: Registration | LastDump): boolean;
  /** Shows a process that was started elsewhere, until it has ended and something else is shown; makes room as a start does. */
  attach(registration: Registration): void;
  /** Shows the dumps of a file, in the place of what was shown of it before, until it is closed. */
  open(file: string, dumps: readonly Dump[]): void;
  close(file: string): void;
  /** The debugger has stopped a thread, or lets it go on. */
  setPaused(id: string, thread: DebuggedThread, paused: boolean): void;
  /** Whether somebody looks: overviews are asked for only while one does. */
  watch(who: Watcher, watching: boolean): void;
  isWatchedBy(who: Watcher): boolean;
  refresh(): Promise<void>;
  /** What changes is told from now on. */
  compareFromNow(): void;
  /** The user wants to see other problems than before. */
  mutedOthers(): void;
}

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly untraced?: string;
  readonly since: number;
  /** A file's entry stays until it is closed. */
  readonly kept: boolean;
  /** Opened or attached to, and not launched. */
  readonly byHand: boolean;
  running: boolean;
  overdue: boolean;
  /** Runs out when the launch is overdue. */
  readonly patience?: NodeJS.Timeout;
  sessions: Session[];
  /** Threads that the debugger has stopped, by `threadKey`: one may stop before it is found in the runtime folder. */
  readonly paused: Set<string>;
}

export function createLaunches(options: LaunchOptions): Launches {
  const changed = createEmitter<void>();
  const started = createEmitter<string>();
  const problems = createEmitter<{ readonly session: Session; readonly problem: Problem }>();
  const entries = new Map<string, Entry>();
  const endedEarly = new Set<string>();
  const watchers = new Set<Watcher>();

  const attention = (): Attention | undefined =>
    watchers.has("view") || watchers.has("graph") ? "closely" : watchers.size > 0 ? "aside" : undefined;

  const drop = (entry: Entry) => {
    clearTimeout(entry.patience);
    for (const session of entry.sessions) session.dispose();
    entries.delete(entry.id);
  };

  const makeRoom = () => {
    for (const entry of [...entries.values()]) if (!entry.running && !entry.kept) drop(entry);
  };

  const attach = (entry: Entry, thread: Registration | LastDump) => {
    const { title } = "dump" in thread ? thread.dump.process : thread;
    // A restarted program takes the place of its earlier run.
    const [ended, kept] = partition(
      entry.sessions,
      (session) => session.snapshot().state.kind === "ended" && session.process.title === title,
    );
    for (const session of ended) session.dispose();
    const session = "dump" in thread ? endedSession(thread, options) : openSession(thread, options);
    entry.sessions = [...kept, session];
    session.onChange(() => changed.fire());
    session.onProblem((problem) => problems.fire({ session, problem }));
    session.watch(attention());
    if (entry.paused.has(threadKey(session.process))) session.setPaused(true);
    changed.fire();
    if (!("dump" in thread)) return;
    for (const problem of thread.dump.problems)
      if (!options.isMuted(problem)) problems.fire({ session, problem });
  };

  const end = (entry: Entry, last: LastDump) => {
    const known = entry.sessions.find(
      ({ id }) => id === sessionId({ ...last.dump.process, startedAt: last.startedAt }),
    );
    if (known) known.endWith(last.dump);
    else attach(entry, last);
  };

  /** What the user opened or attached to last comes first: it is what is to be seen. */
  const inOrder = () => {
    const [asked, started] = partition([...entries.values()], ({ byHand }) => byHand);
    return [...asked.reverse(), ...started];
  };

  const all = () => inOrder().flatMap((entry) => entry.sessions);

  return {
    onChange: changed.event,
    onStart: started.event,
    onProblem: problems.event,
    list: () =>
      inOrder().map(({ id, name, running, since, overdue, untraced, sessions }) => ({
        id,
        name,
        running,
        since,
        overdue,
        ...(untraced === undefined ? {} : { untraced }),
        sessions: sessions.map((session) => session.snapshot()),
      })),
    session: (id) => all().find((session) => session.id === id),
    askable: () => all().filter((session) => session.askable()),
    start({ id, name, untraced }) {
      makeRoom();
      const entry: Entry = {
        id,
        name,
        since: Date.now(),
        kept: false,
        byHand: false,
        running: true,
        overdue: false,
        patience: setTimeout(() => {
          entry.overdue = entry.sessions.length === 0;
          changed.fire();
        }, options.overdueMs),
        sessions: [],
        paused: new Set(),
        ...(untraced === undefined ? {} : { untraced }),
      };
      entries.set(id, entry);
      if (endedEarly.delete(id)) entry.running = false;
      changed.fire();
      started.fire(id);
    },
    end(id) {
      const entry = entries.get(id);
      // VS Code may say that a short session has ended before it says that it has started.
      if (!entry) endedEarly.add(id);
      if (!entry?.running) return;
      entry.running = false;
      changed.fire();
    },
    register(thread) {
      const entry = thread.session === undefined ? undefined : entries.get(thread.session);
      if (!entry) return false;
      if ("dump" in thread) end(entry, thread);
      else attach(entry, thread);
      return true;
    },
    attach(registration) {
      const id = sessionId(registration);
      const { title } = registration;
      if (all().some((session) => session.id === id)) return;
      makeRoom();
      const since = Date.now();
      const entry: Entry = {
        id,
        name: title,
        since,
        kept: false,
        byHand: true,
        running: true,
        overdue: false,
        sessions: [],
        paused: new Set(),
      };
      entries.set(id, entry);
      attach(entry, registration);
      const [session] = entry.sessions;
      session?.onChange(() => {
        const { kind } = session.snapshot().state;
        entry.running = kind !== "ended" && kind !== "failed";
      });
    },
    open(file, dumps) {
      const before = entries.get(file);
      if (before) drop(before);
      const sessions = dumps.map((dump, index) => {
        const session = fileSession(`${file} ${index}`, file, dump, options);
        session.onChange(() => changed.fire());
        return session;
      });
      entries.set(file, {
        id: file,
        name: path.basename(file),
        since: Date.now(),
        kept: true,
        byHand: true,
        running: false,
        overdue: false,
        sessions,
        paused: new Set(),
      });
      changed.fire();
    },
    close(file) {
      const entry = entries.get(file);
      if (!entry?.kept) return;
      drop(entry);
      changed.fire();
    },
    setPaused(id, thread, paused) {
      const entry = entries.get(id);
      if (!entry) return;
      const key = threadKey(thread);
      if (paused) entry.paused.add(key);
      else entry.paused.delete(key);
      for (const session of entry.sessions) if (threadKey(session.process) === key) session.setPaused(paused);
    },
    watch(who, watching) {
      if (watching) watchers.add(who);
      else watchers.delete(who);
      for (const session of all()) session.watch(attention());
    },
    isWatchedBy: (who) => watchers.has(who),
    compareFromNow() {
      for (const session of all()) session.compareFromNow();
    },
    mutedOthers: () => changed.fire(),
    async refresh() {
      await Promise.all(all().map((session) => session.refresh()));
    },
    dispose() {
      for (const entry of [...entries.values()]) drop(entry);
    },
  };
}

/** The sessions of threads that run and answer. */
export function liveSessions(launches: Launches): readonly Session[] {
  return launches.askable().filter((session) => session.snapshot().state.kind === "live");
}

function threadKey({ pid, threadId }: DebuggedThread): string {
  return `${pid}-${threadId}`;
}

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
