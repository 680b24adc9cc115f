import type { API, Snapshot } from "typescript/unstable/sync";
import { type Connection, connect, type FileOverlay } from "./connection.ts";
import { TypeScriptUnavailable } from "./executable.ts";
import type { FilePath } from "./ids.ts";

/** Told before and after everything that blocks on TypeScript's process, so that somebody can end a hung one. */
export interface RequestWatch {
  begin(pid: number, request: "open" | "question"): void;
  end(): void;
  /** The process is not used any more. */
  stopped(): void;
}

/** Changes between two states of the files. */
export interface SessionUpdate {
  readonly open?: readonly FilePath[];
  readonly close?: readonly FilePath[];
  readonly changed?: readonly FilePath[];
  readonly created?: readonly FilePath[];
  readonly deleted?: readonly FilePath[];
}

/** TypeScript's process died of one question, twice. The next question gets a new process. */
export class QuestionCrashed extends Error {
  override readonly name = "QuestionCrashed";
}

/**
 * TypeScript's process, kept alive: started when it is needed, started again (with the same projects open) when it
 * ended, and asked again what it did not answer.
 */
export interface Session {
  /** Grows whenever there is a new snapshot. What came from an earlier one must not be used. */
  readonly epoch: number;
  readonly pid: number | undefined;
  ask<Answer>(question: (snapshot: Snapshot, api: API) => Answer): Answer;
  update(update: SessionUpdate): void;
  /** Lets TypeScript ask about files that exist only as buffers. Starts a new process the first time. */
  overlayEverything(): void;
  /** Ends the process and keeps the projects; the next question starts it again. */
  rest(): void;
  /** Forgets earlier deaths: the user asked for a new try. */
  forgive(): void;
}

export interface SessionOptions {
  readonly executable: string;
  readonly overlay: FileOverlay;
  readonly watch: RequestWatch;
  /** There is nothing left to try, until `forgive`. */
  readonly onUnavailable: (error: TypeScriptUnavailable) => void;
  /** Looks for the file that ends the process while projects are opened; true when it found and covered one. */
  readonly quarantine: (probe: (configuration: FilePath) => boolean) => boolean;
  /** A project that TypeScript cannot open. */
  readonly onUnopenable: (configuration: FilePath) => void;
}

const maxDeaths = 8;
/** This many answers after a death show that it was an accident. */
const answersToForget = 20;

export function startSession(options: SessionOptions): Session {
  const opened = new Set<FilePath>();
  let connection: Connection | undefined;
  let snapshot: Snapshot | undefined;
  let everything = false;
  let epoch = 0;
  let deaths = 0;
  let answers = 0;
  let gaveUp: TypeScriptUnavailable | undefined;

  const giveUp = (message: string): never => {
    gaveUp = new TypeScriptUnavailable(message);
    options.onUnavailable(gaveUp);
    throw gaveUp;
  };

  const died = (): void => {
    rest();
    deaths += 1;
    answers = 0;
    if (deaths >= maxDeaths) {
      giveUp(
        `TypeScript's process ended ${deaths} times in a row, so the analysis stops; free some memory or leave out the last change, then try again.`,
      );
    }
    if (deaths > 1) pause(Math.min(50 * 2 ** deaths, 2_000));
  };

  const start = (): Connection => {
    if (connection !== undefined) return connection;
    try {
      connection = connect(options.executable, options.overlay, everything);
      return connection;
    } catch (error) {
      return giveUp(error instanceof Error ? error.message : String(error));
    }
  };

  /** Runs `request`; undefined when the process died of it. Errors that TypeScript answers with are thrown. */
  const attempt = <Answer>(
    request: (api: API) => Answer,
    kind: "open" | "question" = "question",
  ): { readonly answer: Answer } | undefined => {
    const { api, answers: isAlive, pid } = start();
    options.watch.begin(pid, kind);
    try {
      return { answer: request(api) };
    } catch (error) {
      if (isAlive()) throw error;
      return undefined;
    } finally {
      options.watch.end();
    }
  };

  const swap = (next: Snapshot): void => {
    const previous = snapshot;
    snapshot = next;
    epoch += 1;
    attempt(() => previous?.dispose());
  };

  /** One update in a process that may have to be started; false when that process is of no more use. */
  const tryUpdate = (params: Parameters<API["updateSnapshot"]>[0]): boolean => {
    const done = attemptUpdate(params);
    if (done === undefined) {
      died();
      return false;
    }
    swap(done.answer);
    return true;
  };

  /** An update that fails leaves TypeScript with projects it fails on again, so an error is as good as an end. */
  const attemptUpdate = (params: Parameters<API["updateSnapshot"]>[0]) => {
    try {
      return attempt((api) => api.updateSnapshot(params), "open");
    } catch (error) {
      if (error instanceof TypeScriptUnavailable) throw error;
      return undefined;
    }
  };

  const rest = (): void => {
    connection?.end();
    connection = undefined;
    snapshot = undefined;
    options.watch.stopped();
  };

  /** A snapshot with all projects open. */
  const ready = (): Snapshot => {
    if (snapshot !== undefined) return snapshot;
    if (gaveUp !== undefined) throw gaveUp;
    // The second death in a row is no accident: some file or project is the cause.
    for (let tries = 0; tries < 2; tries += 1) {
      if (tryUpdate({ openProjects: [...opened] }) && snapshot !== undefined) return snapshot;
    }
    if (options.quarantine(opensAlone)) return ready();
    const good = [...opened].filter(opensAlone);
    const bad = [...opened].filter((configuration) => !good.includes(configuration));
    if (good.length === 0 && !tryUpdate({})) {
      giveUp(
        `TypeScript's process ends as soon as it starts ('${options.executable}'); install Unknot again or name another compiler.`,
      );
    }
    for (const configuration of bad) {
      opened.delete(configuration);
      options.onUnopenable(configuration);
    }
    if (!tryUpdate({ openProjects: good }) || snapshot === undefined) {
      return giveUp(
        "TypeScript's process ends when these projects are opened together; open them one at a time.",
      );
    }
    return snapshot;
  };

  /** Opens one project in a process of its own. */
  const opensAlone = (configuration: FilePath): boolean => {
    const probe = connect(options.executable, options.overlay, everything);
    options.watch.begin(probe.pid, "open");
    try {
      probe.api.updateSnapshot({ openProjects: [configuration] });
      return true;
    } catch {
      return false;
    } finally {
      options.watch.end();
      probe.end();
      options.watch.stopped();
    }
  };

  return {
    get epoch() {
      return epoch;
    },
    get pid() {
      return connection?.pid;
    },
    ask(question) {
      for (let tries = 0; tries < 2; tries += 1) {
        const current = ready();
        const done = attempt((api) => question(current, api));
        if (done !== undefined) {
          answers += 1;
          if (answers > answersToForget) deaths = 0;
          return done.answer;
        }
        died();
      }
      throw new QuestionCrashed("TypeScript's process ends at this question.");
    },
    update(update) {
      const open = (update.open ?? []).filter((configuration) => !opened.has(configuration));
      const close = (update.close ?? []).filter((configuration) => opened.has(configuration));
      for (const configuration of open) opened.add(configuration);
      for (const configuration of close) opened.delete(configuration);
      if (snapshot === undefined) {
        ready();
        return;
      }
      const { changed = [], created = [], deleted = [] } = update;
      const done = tryUpdate({
        openProjects: open,
        closeProjects: close,
        fileChanges: { changed: [...changed], created: [...created], deleted: [...deleted] },
      });
      if (!done) ready();
    },
    overlayEverything() {
      if (everything) return;
      everything = true;
      rest();
    },
    rest,
    forgive() {
      gaveUp = undefined;
      deaths = 0;
    },
  };
}

/** Blocks this thread; it has nothing else to do while TypeScript is away. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
