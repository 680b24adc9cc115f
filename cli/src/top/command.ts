import { emitKeypressEvents } from "node:readline";
import { parseFilter } from "@unknot/dump/filter.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Registration } from "@unknot/protocol/wire.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { createMuting } from "../muted.ts";
import { colorsFor, print } from "../terminal.ts";
import { connectTraced, listTraced, type TracedConnection, untraced } from "../traced.ts";
import type { Traced } from "./rows.ts";
import { screenOf } from "./screen.ts";
import { afterKey, firstState, type Key, type SortKey, type TopState, type View } from "./state.ts";

export interface TopOptions {
  readonly once?: boolean;
  readonly interval: number;
  readonly sort: SortKey;
  readonly view: View;
  readonly filter?: string;
}

/** `unknot top [pid]`: looks at all traced processes, or at one, until somebody has seen enough. */
export async function top(pid: string | undefined, options: TopOptions): Promise<void> {
  if (pid !== undefined && !/^\d+$/.test(pid))
    throw new CliError(`'${pid}' is no process id: 'unknot ps' lists them.`);
  const parsed = parseFilter(options.filter ?? "");
  if (!parsed.ok) throw new CliError(`${parsed.message} It is at character ${parsed.at + 1} of the filter.`);
  const wanted = (registration: Registration) => pid === undefined || registration.pid === Number(pid);
  const state: TopState = {
    ...firstState,
    view: options.view,
    sort: options.sort,
    filter: options.filter ?? "",
  };
  if (pid !== undefined && !listTraced().some(wanted)) throw untraced(Number(pid));
  const watch = createWatch(wanted);
  try {
    if (options.once || !process.stdout.isTTY) await once(watch, state);
    else await live(watch, state, options.interval);
  } finally {
    watch.close();
  }
}

/** Wide enough for what a program reads. */
const fileWidth = 200;

async function once(watch: Watch, state: TopState): Promise<void> {
  const traced = await watch.look();
  const { lines } = screenOf(traced, state, {
    width: process.stdout.isTTY ? process.stdout.columns : fileWidth,
    colors: colorsFor(process.stdout),
    now: Date.now(),
  });
  await print(`${lines.join("\n")}\n`);
}

const enter = "\u001b[?1049h\u001b[?25l";
const leave = "\u001b[?25h\u001b[?1049l";
const home = "\u001b[H";
const clearLine = "\u001b[K";
const clearBelow = "\u001b[J";

/** Draws until a key or a signal ends it; the terminal is as it was before, whatever happens. */
async function live(watch: Watch, first: TopState, everySeconds: number): Promise<void> {
  const { stdin, stdout } = process;
  const colors = colorsFor(stdout);
  let state = first;
  let traced: readonly Traced[] | undefined;
  let seen = { rows: 0, page: 1 };
  let timer: NodeJS.Timeout | undefined;
  let quit = () => {};
  const over = new Promise<void>((resolve) => {
    quit = resolve;
  });

  const draw = () => {
    if (traced === undefined) return;
    const width = stdout.columns || 80;
    const height = stdout.rows || 24;
    const { lines, rows, page } = screenOf(traced, state, {
      width,
      height,
      colors,
      now: Date.now(),
      everySeconds,
    });
    seen = { rows, page };
    // A line as wide as the terminal leaves the cursor behind it, where clearing would take its last character.
    stdout.write(home + lines.map((line) => `${clearLine}${line}`).join("\r\n") + clearBelow);
  };
  const look = async () => {
    if (!state.paused) traced = await watch.look();
    draw();
    timer = setTimeout(() => void look(), everySeconds * 1000);
  };
  const begin = () => {
    stdout.write(enter);
    if (stdin.isTTY) stdin.setRawMode(true);
    draw();
  };
  const end = () => {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdout.write(leave);
  };
  const onKey = (_: unknown, key: Key) => {
    if (key.ctrl && key.name === "z" && process.platform !== "win32") {
      end();
      process.kill(process.pid, "SIGTSTP");
      return;
    }
    const next = afterKey(state, key, seen);
    if (next === undefined) quit();
    else {
      state = next;
      draw();
    }
  };
  const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

  emitKeypressEvents(stdin);
  stdin.on("keypress", onKey);
  stdin.resume();
  stdout.on("resize", draw);
  process.on("SIGCONT", begin);
  for (const signal of signals) process.on(signal, quit);
  process.on("exit", end);
  try {
    begin();
    await Promise.race([look(), over]);
    await over;
  } finally {
    clearTimeout(timer);
    process.off("exit", end);
    end();
    stdin.off("keypress", onKey);
    stdin.pause();
    stdout.off("resize", draw);
    process.off("SIGCONT", begin);
    for (const signal of signals) process.off(signal, quit);
  }
}

interface Watch {
  /** The traced threads as they are now; never rejects. */
  look(): Promise<readonly Traced[]>;
  close(): void;
}

const patienceMs = 3000;
const membersPerGroup = 20;

function createWatch(wanted: (registration: Registration) => boolean): Watch {
  const connections = new Map<string, Promise<TracedConnection>>();
  const before = new Map<string, Traced>();
  const forget = (key: string) => {
    void connections.get(key)?.then(
      (connection) => connection.close(),
      () => {},
    );
    connections.delete(key);
  };
  const ask = async (registration: Registration, isMuted: (problem: Problem) => boolean): Promise<Traced> => {
    const key = `${registration.pid}-${registration.threadId}-${registration.startedAt}`;
    try {
      let connection = connections.get(key);
      if (connection === undefined) {
        connection = connectTraced(registration, patienceMs);
        connections.set(key, connection);
      }
      const overview = await (await connection).request("overview", { membersPerGroup });
      const problems = overview.problems.filter((problem) => !isMuted(problem));
      const traced = { registration, overview: { ...overview, problems } };
      before.set(key, traced);
      return traced;
    } catch (error) {
      forget(key);
      return { ...before.get(key), registration, trouble: reasonOf(error) };
    }
  };
  return {
    look: async () => {
      const registrations = listTraced()
        .filter(wanted)
        .sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid || a.threadId - b.threadId);
      const alive = new Set(
        registrations.map(({ pid, threadId, startedAt }) => `${pid}-${threadId}-${startedAt}`),
      );
      for (const key of connections.keys()) if (!alive.has(key)) forget(key);
      for (const key of before.keys()) if (!alive.has(key)) before.delete(key);
      const isMuted = createMuting();
      return Promise.all(registrations.map((each) => ask(each, isMuted)));
    },
    close() {
      for (const key of connections.keys()) forget(key);
    },
  };
}
