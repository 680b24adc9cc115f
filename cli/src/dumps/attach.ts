import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { heapTasks } from "./heap-tasks.ts";

const host = "127.0.0.1";
const defaultPort = 9229;
const patienceMs = 10_000;
/** A snapshot is read in one piece; V8's longest string is half a gigabyte. */
const mostCharacters = 500 * 2 ** 20;

/** What a process says of itself. */
interface Self {
  readonly pid: number;
  readonly ppid: number;
  readonly node: string;
  readonly title: string;
  readonly cwd: string;
  readonly upMs: number;
}

/**
 * A dump of the main thread of a Node process that was started without the tracer: the async functions that are
 * suspended, from a heap snapshot. The process stands still for that, and its debugger port is open meanwhile, on this
 * machine only. Throws a CliError when it is no process of Node, or does not answer.
 */
export async function dumpUntraced(pid: number): Promise<Dump> {
  if (typeof WebSocket !== "function")
    throw new CliError("To look into a process that is not traced takes Node 22.");
  const port = portOf(pid);
  let debuggerUrl = await debuggerOf(pid, port);
  const wasOpen = debuggerUrl !== undefined;
  if (!wasOpen) {
    if (!isNode(pid))
      throw new CliError(`Process ${pid} is not traced, and no process of Node that can be looked into.`);
    openDebugger(pid);
    const deadline = performance.now() + patienceMs;
    while (debuggerUrl === undefined && performance.now() < deadline) {
      await sleep(50);
      debuggerUrl = await debuggerOf(pid, port);
    }
  }
  if (debuggerUrl === undefined) {
    throw new CliError(
      `Process ${pid} does not open its debugger on port ${port}: it is blocked, or the port is taken.`,
    );
  }
  const session = await connect(debuggerUrl);
  try {
    return await read(session);
  } catch (error) {
    throw error instanceof CliError
      ? error
      : new CliError(`Process ${pid} can't be looked into: ${reasonOf(error)}.`);
  } finally {
    if (!wasOpen) await session.post("Runtime.evaluate", { expression: closesDebugger }).catch(() => {});
    session.close();
  }
}

const selfExpression = `JSON.stringify({ pid: process.pid, ppid: process.ppid, node: process.version,
  title: process.argv[1] ?? process.execPath, cwd: process.cwd(), upMs: Math.round(process.uptime() * 1000) })`;

/** Later, because the debugger can't be closed by who uses it. */
const closesDebugger = `setTimeout(() => (process.getBuiltinModule ?? process.mainModule?.require)?.call(process.mainModule ?? process, "inspector").close(), 100).unref()`;

async function read(session: Session): Promise<Dump> {
  const self = JSON.parse(await session.evaluate(selfExpression)) as Self;
  const scripts = new Map<string, string>();
  session.on("Debugger.scriptParsed", ({ scriptId, url }: { scriptId: string; url: string }) =>
    scripts.set(scriptId, url),
  );
  await session.post("Debugger.enable");
  await session.post("Debugger.disable");
  const chunks: string[] = [];
  let length = 0;
  session.on("HeapProfiler.addHeapSnapshotChunk", ({ chunk }: { chunk: string }) => {
    length += chunk.length;
    if (length < mostCharacters) chunks.push(chunk);
  });
  await session.post("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  if (length >= mostCharacters)
    throw new CliError(`The heap of process ${self.pid} is too large for a snapshot.`);
  const found = heapTasks(JSON.parse(chunks.join("")), (id) => scripts.get(id));
  return dumpOf(self, found);
}

function dumpOf(self: Self, found: ReturnType<typeof heapTasks>): Dump {
  const { pid, ppid, ...process } = self;
  const sites: Site[] = [];
  const indexes = new Map<string, number>();
  const siteOf = (site: Site): number => {
    const key = `${site.file}:${site.line}:${site.column}`;
    const known = indexes.get(key) ?? sites.push(site) - 1;
    indexes.set(key, known);
    return known;
  };
  const tasks = found.map(({ kind, name, entry }, index): Task => {
    const file = entry.file.startsWith("file:") ? fileURLToPath(entry.file) : entry.file;
    const isExternal = file.startsWith("node:") || file.includes("/node_modules/");
    return {
      id: (index + 1) as TaskId,
      kind,
      name: name || `(anonymous) at ${path.basename(file)}:${entry.line}`,
      state: "await",
      entry: siteOf({ ...entry, file }),
      ageMs: 0,
      holding: [],
      ...(isExternal ? { external: true as const } : {}),
    };
  });
  return {
    format: "unknot-dump",
    version: 1,
    process: { pid, threadId: 0, parentPid: ppid, ...process },
    capturedAt: Date.now(),
    by: "attach",
    loop: { state: "turning", sinceMs: 0 },
    coverage: {
      instrumented: [],
      transformed: 0,
      untouched: [],
      blind: [
        "the line of each await, ages, and what is waited for (the process was started without Unknot)",
        "locks, queues, pools",
        "worker threads",
      ],
      dropped: 0,
    },
    sites,
    tasks,
    resources: [],
    problems: [],
  };
}

/** The port that a process was told to open its debugger on. */
function portOf(pid: number): number {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const told = words
      .map((word) => /^--inspect(?:-brk|-port|-wait)?=(?:.*:)?(\d+)$/.exec(word)?.[1])
      .find(Boolean);
    return Number(told ?? defaultPort);
  } catch {
    return defaultPort;
  }
}

/** A signal that opens Node's debugger ends most other programs. */
function isNode(pid: number): boolean {
  const isNodeName = (name: string) => /^(node|nodejs)(\.exe)?( \(deleted\))?$/.test(path.basename(name));
  try {
    return isNodeName(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    if (process.platform === "win32") return true;
    return isNodeName(
      spawnSync("ps", ["-o", "comm=", "-p", String(pid)], { encoding: "utf8" }).stdout?.trim() ?? "",
    );
  }
}

function openDebugger(pid: number): void {
  try {
    // What `node inspect -p` does, on every system.
    (process as unknown as { _debugProcess: (pid: number) => void })._debugProcess(pid);
  } catch (error) {
    throw new CliError(`Process ${pid} can't be asked: ${reasonOf(error)}.`);
  }
}

/** Where the debugger of a process listens; undefined when nobody does, or it is another process. */
async function debuggerOf(pid: number, port: number): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://${host}:${port}/json/list`, { signal: AbortSignal.timeout(2000) });
    const [target] = (await answer.json()) as { webSocketDebuggerUrl?: string }[];
    const url = target?.webSocketDebuggerUrl;
    if (url === undefined) return undefined;
    const session = await connect(url);
    try {
      return Number(await session.evaluate("String(process.pid)")) === pid ? url : undefined;
    } finally {
      session.close();
    }
  } catch {
    return undefined;
  }
}

/** A connection to the debugger of a process. */
interface Session {
  post(method: string, params?: object): Promise<unknown>;
  /** The string that an expression gives. */
  evaluate(expression: string): Promise<string>;
  // biome-ignore lint/suspicious/noExplicitAny: each method has parameters of its own
  on(method: string, heard: (params: any) => void): void;
  close(): void;
}

async function connect(url: string): Promise<Session> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const listeners = new Map<string, (params: unknown) => void>();
  let last = 0;
  const failed = (reason: string) => {
    for (const each of waiting.values()) each.reject(new Error(reason));
    waiting.clear();
  };
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as {
      id?: number;
      result?: unknown;
      error?: { message: string };
      method?: string;
      params?: unknown;
    };
    if (message.id === undefined) {
      listeners.get(message.method ?? "")?.(message.params);
      return;
    }
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) asked?.resolve(message.result);
    else asked?.reject(new Error(message.error.message));
  });
  socket.addEventListener("close", () => failed("it has closed the connection"));
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("error", () => reject(new Error("it refuses the connection")), { once: true });
  });
  const post: Session["post"] = (method, params = {}) => {
    const id = ++last;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  };
  return {
    post,
    async evaluate(expression) {
      const { result } = (await post("Runtime.evaluate", { expression })) as { result: { value?: unknown } };
      return String(result.value);
    },
    on: (method, heard) => void listeners.set(method, heard),
    close: () => socket.close(),
  };
}
