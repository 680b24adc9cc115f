import type { Moment } from "@unknot/dump/diff.ts";
import type { Dump, ProcessInfo } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import { isSure } from "@unknot/protocol/verdict.ts";
import type { LastDump, Overview, Registration, Wire } from "@unknot/protocol/wire.ts";
import { type Connection, ConnectionError, connect } from "./connection.ts";
import { type DumpSource, heldDump, type Question } from "./dump-source.ts";
import { createEmitter, type Event, type Subscription } from "./event.ts";

/** What a session can be in; a blocked loop is part of the overview. */
export type SessionState =
  | { readonly kind: "connecting" /** Milliseconds since the epoch. */; readonly since: number }
  | { readonly kind: "live" }
  /** The connection broke, and the process is still there; the last overview stays. */
  | { readonly kind: "disconnected" }
  /** The process ended or can't be reached any more; the last overview stays. */
  | { readonly kind: "ended"; readonly exitCode?: number }
  | { readonly kind: "failed"; readonly why: string }
  /** It is a dump that was read from a file. */
  | { readonly kind: "file"; readonly file: string };

/** All that is known about one traced thread at a moment: what views are made from. */
export interface SessionSnapshot {
  readonly id: string;
  readonly state: SessionState;
  readonly process: Pick<ProcessInfo, "pid" | "threadId" | "title" | "cwd" | "node">;
  readonly overview?: Overview;
  /** How many tasks were where while the program was healthy, or when the user asked to compare from then on. */
  readonly baseline?: Moment;
  /** Problems that the process has announced and the overview does not have (yet). */
  readonly announced: readonly Problem[];
  /** How many problems the user does not want to see; `overview` and `announced` are without them. */
  readonly muted: number;
  /** Stopped by the debugger. */
  readonly paused: boolean;
  readonly proof?: LeakProof;
  /** Tasks started per second, between the last two overviews. */
  readonly rate?: number;
  /** What tracing costs, as shares of one processor between the last two overviews. */
  readonly cost?: CostShares;
}

/** What the traced thread spends for it, estimated, and what the tracer's own thread works beside it. */
export interface CostShares {
  readonly thread: number;
  readonly beside: number;
}

/** The program's garbage was collected to prove which of its tasks can never go on. */
export interface LeakProof {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The program stood still for at most so long. */
  readonly tookMs: number;
}

export interface Session extends Subscription {
  readonly id: string;
  readonly process: SessionSnapshot["process"];
  snapshot(): SessionSnapshot;
  /** Fires when `snapshot()` gives something new. */
  readonly onChange: Event<void>;
  readonly onProblem: Event<Problem>;
  /** While somebody looks, the overview is asked for again and again. */
  watch(attention: Attention | undefined): void;
  setPaused(paused: boolean): void;
  /**
   * The thread has left this dump. With an exit code it has ended; without one it was written beforehand, for the case
   * that the thread is ended by force, and counts once nobody answers any more.
   */
  endWith(last: Dump): void;
  /** What changes is told from now on. */
  compareFromNow(): void;
  /** Gives up connecting; `connectAgain` may follow. */
  stopConnecting(): void;
  /** After a connection that failed, broke or was given up. */
  connectAgain(): void;
  /** Asks for the overview now. */
  refresh(): Promise<void>;
  /** Proves which tasks can never go on. Throws an error that says why not. */
  prove(): Promise<LeakProof>;
  /** What the thread's own worker, or its last dump, answers; undefined when nobody can any more. */
  ask<Asked extends Question>(
    question: Asked,
    params: Wire[Asked]["params"],
  ): Promise<Wire[Asked]["result"] | undefined>;
  /** Whether a dump can be had: the thread lives, or has left one. */
  askable(): boolean;
  dump(by: string): Promise<Dump>;
}

export interface SessionOptions {
  /** At least so long between two overviews. */
  readonly pollMs: number;
  /** Members of each group in an overview, at most; fewer when there are so many groups that they exceed `mostTasks`. */
  readonly membersPerGroup: number;
  readonly mostTasks: number;
  /** A program that has run for so long without a sure problem is healthy. */
  readonly healthyAfterMs: number;
  /** Problems that the user does not want to see. */
  readonly isMuted: (problem: Problem) => boolean;
  /** Whether a thread is still there: its process lives, and it has not said goodbye. */
  readonly remains: (registration: Registration) => boolean;
  /** Hears what nobody waits for: a refresh that failed although the process lives. */
  readonly log: (line: string) => void;
}

/**
 * Who looks decides what share of the traced thread's worker polls may take, so that a slow overview is asked for less
 * often: somebody who reads the tasks sees those of 100,000 grow, a note behind a line may be late.
 */
const pollShares = { closely: 0.4, aside: 0.1 } as const;

export type Attention = keyof typeof pollShares;

/** Tells the threads apart that a launch has had: a process id may come back. */
export function sessionId(thread: {
  readonly pid: number;
  readonly threadId: number;
  readonly startedAt: number;
}): string {
  return `${thread.pid}-${thread.threadId}-${thread.startedAt}`;
}

/** Connects to a traced thread and keeps its latest overview, also after it ended. */
export function openSession(registration: Registration, options: SessionOptions): Session {
  return createSession(sessionId(registration), registration, options, {
    connect: () => connect(registration),
    remains: () => options.remains(registration),
  });
}

/** A thread that ended before anybody could connect, with the dump it left. */
export function endedSession({ startedAt, dump }: LastDump, options: SessionOptions): Session {
  const session = createSession(sessionId({ ...dump.process, startedAt }), dump.process, options);
  session.endWith(dump);
  return session;
}

/** A dump that was read from a file. */
export function fileSession(id: string, file: string, dump: Dump, options: SessionOptions): Session {
  const session = createSession(id, dump.process, options, undefined, { kind: "file", file });
  session.endWith(dump);
  return session;
}

/** A thread that can be asked. */
interface Thread {
  connect(): Promise<Connection>;
  remains(): boolean;
}

/** A process that has ended may be seen for so long after its connection closed. */
const endMs = 250;
const lookAgainMs = 1000;
/** A connection whose first overview takes longer is told before it comes. */
export const firstOverviewMs = 250;

function createSession(
  id: string,
  process: SessionSnapshot["process"],
  options: SessionOptions,
  thread?: Thread,
  initial: SessionState = { kind: "connecting", since: Date.now() },
): Session {
  const changed = createEmitter<void>();
  const problems = createEmitter<Problem>();
  let state = initial;
  let connection: Connection | undefined;
  let source: DumpSource | undefined;
  let overview: Overview | undefined;
  let baseline: Moment | undefined;
  let announced: readonly Problem[] = [];
  let paused = false;
  /** When the debugger last let the thread go on; milliseconds since the epoch. */
  let resumedAt = 0;
  let attention: Attention | undefined;
  let disposed = false;
  let pending: Promise<void> | undefined;
  let following: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let lookout: NodeJS.Timeout | undefined;
  let rate: number | undefined;
  let cost: CostShares | undefined;
  /** Counts attempts to connect: what comes of an earlier one is nobody's any more. */
  let attempt = 0;
  let proof: LeakProof | undefined;
  /** What the thread has left beforehand. */
  let left: Dump | undefined;

  const become = (next: SessionState) => {
    state = next;
    changed.fire();
  };

  const end = (exitCode?: number) => {
    if (connection === source) source = undefined;
    connection = undefined;
    clearTimeout(timer);
    clearTimeout(lookout);
    if (disposed || state.kind === "file") return;
    become({ kind: "ended", ...(exitCode === undefined ? {} : { exitCode }) });
  };

  const ask = async (open: DumpSource) => {
    const started = performance.now();
    const before = new Set(announced);
    try {
      const groups = overview?.groups.length ?? 1;
      const fitting = Math.max(Math.floor(options.mostTasks / Math.max(groups, 1)), 1);
      const next = await open.request("overview", {
        membersPerGroup: Math.min(options.membersPerGroup, fitting),
      });
      // What was announced before the question and is not in the answer is over.
      announced = announced.filter(
        (problem) => !before.has(problem) && !next.problems.some((known) => sameProblem(known, problem)),
      );
      rate = rateBetween(overview, next);
      cost = costBetween(overview, next);
      overview = withoutPause(next);
      if (next.process.upMs >= options.healthyAfterMs && !paused && !next.problems.some(isSure)) {
        baseline ??= momentOf(next);
      }
      changed.fire();
    } catch (error) {
      if (source === open) options.log(`overview of process ${process.pid}: ${describe(error)}`);
    }
    const share = pollShares[attention ?? "aside"];
    schedule(Math.max(options.pollMs, (performance.now() - started) / share));
  };

  /** Leaves out that the event loop does not turn where the debugger has stopped it. */
  const withoutPause = (next: Overview): Overview => {
    const { loop, capturedAt, problems: found } = next;
    const explained = paused || (loop.state === "blocked" && capturedAt - loop.sinceMs < resumedAt);
    return explained
      ? { ...next, problems: found.filter(({ verdict }) => verdict !== "loop-blocked") }
      : next;
  };

  const refresh = (): Promise<void> => {
    if (!source) return Promise.resolve();
    clearTimeout(timer);
    if (pending) {
      // The answer under way may be older than the reason to ask.
      following ??= pending.then(() => {
        following = undefined;
        return refresh();
      });
      return following;
    }
    pending = ask(source).finally(() => {
      pending = undefined;
    });
    return pending;
  };

  const endHolding = (last: Dump) => {
    left = undefined;
    const before = overview?.problems ?? announced;
    source = heldDump(last);
    end(last.process.exitCode);
    void refresh();
    for (const problem of last.problems) {
      if (!options.isMuted(problem) && !before.some((known) => sameProblem(known, problem)))
        problems.fire(problem);
    }
  };

  const gone = () => {
    if (left) endHolding(left);
    else end();
  };

  /** A thread that ends closes its connection a little before it is gone; one that goes on can be asked again. */
  const lost = () => {
    clearTimeout(timer);
    if (connection === source) source = undefined;
    connection = undefined;
    if (disposed) return;
    const look = () => {
      if (!thread?.remains()) return gone();
      if (state.kind !== "disconnected") become({ kind: "disconnected" });
      lookout = setTimeout(look, lookAgainMs);
    };
    if (thread?.remains()) lookout = setTimeout(look, endMs);
    else gone();
  };

  const schedule = (delayMs: number) => {
    clearTimeout(timer);
    if (!attention || !connection) return;
    timer = setTimeout(() => void refresh(), delayMs);
  };

  const open = async () => {
    const mine = ++attempt;
    try {
      const opened = await thread?.connect();
      if (!opened) return;
      if (disposed || mine !== attempt || state.kind === "ended") return opened.dispose();
      connection = opened;
      source = opened;
      opened.onClose(() => opened === connection && lost());
      opened.onProblem((problem) => {
        if (paused && problem.verdict === "loop-blocked") return;
        if (!announced.some((known) => sameProblem(known, problem))) announced = [...announced, problem];
        changed.fire();
        if (!options.isMuted(problem)) problems.fire(problem);
        void refresh();
      });
      state = { kind: "live" };
      // Rows that say so would be drawn just when those that follow at once are to be drawn.
      const patience = setTimeout(() => changed.fire(), firstOverviewMs);
      const before = overview;
      await refresh();
      clearTimeout(patience);
      if (overview === before) changed.fire();
    } catch (error) {
      if (mine !== attempt) return;
      if (error instanceof ConnectionError && error.kind !== "gone") {
        become({ kind: "failed", why: error.message });
      } else {
        gone();
      }
    }
  };
  void open();

  return {
    id,
    process,
    onChange: changed.event,
    onProblem: problems.event,
    refresh,
    snapshot() {
      const found = overview?.problems ?? [];
      const loud = found.filter((problem) => !options.isMuted(problem));
      return {
        id,
        state,
        // A thread may register before it knows what it runs.
        process: overview?.process ?? process,
        ...(overview === undefined
          ? {}
          : { overview: loud.length === found.length ? overview : { ...overview, problems: loud } }),
        ...(baseline === undefined ? {} : { baseline }),
        announced: announced.filter((problem) => !options.isMuted(problem)),
        muted: found.length - loud.length,
        paused: paused && state.kind === "live",
        ...(proof === undefined ? {} : { proof }),
        ...(rate === undefined || state.kind !== "live" ? {} : { rate }),
        ...(cost === undefined || state.kind !== "live" ? {} : { cost }),
      };
    },
    watch(next) {
      if (next === attention) return;
      attention = next;
      if (attention) void refresh();
      else clearTimeout(timer);
    },
    setPaused(next) {
      if (next === paused) return;
      paused = next;
      if (!paused) resumedAt = Date.now();
      changed.fire();
      void refresh();
    },
    stopConnecting() {
      if (state.kind !== "connecting") return;
      attempt++;
      become({ kind: "failed", why: "You have stopped connecting." });
    },
    connectAgain() {
      if (!thread || (state.kind !== "failed" && state.kind !== "disconnected")) return;
      clearTimeout(lookout);
      become({ kind: "connecting", since: Date.now() });
      void open();
    },
    async prove() {
      if (!connection) throw new Error("it has ended.");
      if (paused) throw new Error("the debugger has stopped it, and it collects garbage only while it runs.");
      const started = performance.now();
      if (!(await connection.prove()))
        throw new Error("it is too busy: its event loop does not turn, or not soon enough.");
      proof = { at: Date.now(), tookMs: Math.round(performance.now() - started) };
      await refresh();
      return proof;
    },
    compareFromNow() {
      baseline = overview && momentOf(overview);
      changed.fire();
    },
    endWith(last) {
      const mayGoOn = thread !== undefined && state.kind !== "ended";
      if (last.process.exitCode === undefined && mayGoOn) {
        left = last;
        return;
      }
      connection?.dispose();
      endHolding(last);
    },
    async ask(question, params) {
      const asked = source;
      try {
        return await asked?.request(question, params);
      } catch (error) {
        if (source === asked) options.log(`${question} of process ${process.pid}: ${describe(error)}`);
        return undefined;
      }
    },
    askable: () => source !== undefined,
    async dump(by) {
      if (!source) throw new Error(`Process ${process.pid} has ended and left no dump.`);
      return source.request("dump", { by });
    },
    dispose() {
      disposed = true;
      clearTimeout(timer);
      clearTimeout(lookout);
      connection?.dispose();
      connection = undefined;
      source = undefined;
    },
  };
}

/** All problems of a session, the gravest first as the tracer orders them; what it has only announced is the newest. */
export function problemsOf({ overview, announced }: SessionSnapshot): readonly Problem[] {
  const known = overview?.problems ?? [];
  const news = announced.filter((problem) => !known.some((one) => sameProblem(one, problem)));
  return [...news, ...known];
}

/**
 * Whether two reports speak of the same problem: one comes from a notification and one from an overview, and a
 * deadlock may have grown in between.
 */
export function sameProblem(one: Problem, other: Problem): boolean {
  if (one.id !== other.id || one.verdict !== other.verdict) return false;
  return one.tasks.length === 0 ? other.tasks.length === 0 : one.tasks.some((id) => other.tasks.includes(id));
}

/** Tasks started per second between two overviews; undefined when it is not known. */
function rateBetween(before: Overview | undefined, now: Overview): number | undefined {
  if (before?.started === undefined || now.started === undefined) return undefined;
  const seconds = (now.capturedAt - before.capturedAt) / 1000;
  return seconds <= 0 ? undefined : (now.started - before.started) / seconds;
}

/** What the start costs, the tracer's own included, says nothing of what follows. */
const startedAfterMs = 3000;

/** Shares of one processor that tracing took between two overviews; undefined when they are not known. */
function costBetween(before: Overview | undefined, now: Overview): CostShares | undefined {
  if (before?.cost === undefined || now.cost === undefined) return undefined;
  if (before.process.upMs < startedAfterMs) return undefined;
  const ms = now.capturedAt - before.capturedAt;
  if (ms <= 0) return undefined;
  const share = (from: number, to: number) => Math.min(Math.max((to - from) / ms, 0), 1);
  return {
    thread: share(before.cost.threadMs, now.cost.threadMs),
    beside: share(before.cost.besideMs, now.cost.besideMs),
  };
}

/** Tasks and resources need not be kept. */
export function momentOf({ capturedAt, groups, sites, problems }: Overview): Moment {
  return { capturedAt, groups, sites, problems };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
