import { readdirSync, readFileSync, rmSync } from "node:fs";
import { connect as connectSocket, type Socket } from "node:net";
import path from "node:path";
import type { Dump } from "@unknot/protocol/dump.ts";
import { isAlive, isLastDump, isRegistration } from "@unknot/protocol/registration.ts";
import { type Registration, type Wire, wireVersion } from "@unknot/protocol/wire.ts";
import { runtimeFolderPath } from "@unknot/tracer/runtime-folder.ts";
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from "vscode-jsonrpc/node";
import { CliError, reasonOf } from "./cli-error.ts";
import type { LastState } from "./run/report.ts";
import { printable } from "./terminal.ts";

/** The traced threads of this user that are alive. */
export function listTraced(): readonly Registration[] {
  return entries().flatMap(({ value }) => (isRegistration(value) && isAlive(value.pid) ? value : []));
}

/**
 * A dump of every traced thread of a process, the main one first; if wanted, of those that it has started, too, and with
 * proofs of which tasks can never go on (`Wire.prove`). Throws a CliError when there is none to be had.
 */
export async function takeDumps(
  pid: number,
  { children = false, proves = false }: { readonly children?: boolean; readonly proves?: boolean } = {},
): Promise<readonly Dump[]> {
  const all = listTraced();
  const pids = children ? withChildren(pid, all) : [pid];
  const threads = pids.flatMap((each) =>
    all.filter((thread) => thread.pid === each).sort((a, b) => a.threadId - b.threadId),
  );
  if (threads.length === 0) throw untraced(pid);
  const taken = await Promise.allSettled(
    threads.map((thread) => takeDump(thread, "cli", { patienceMs: 30_000, proves })),
  );
  const dumps = taken.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
  const failures = taken.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (dumps.length === 0) throw failures[0];
  // One thread that can't answer is no reason to keep back the others.
  for (const failure of failures) process.stderr.write(`${printable(reasonOf(failure))}\n`);
  return dumps;
}

/** Why nothing can be had from a process that is not traced. */
export function untraced(pid: number): CliError {
  return new CliError(
    isAlive(pid)
      ? `Process ${pid} is not traced: start it with 'unknot run -- …' or 'node --import unknot/register …' ('unknot ps' lists those that are). 'unknot dump --attach ${pid}' pauses it and shows its suspended functions.`
      : `There is no process ${pid} ('unknot ps' lists the traced ones).`,
  );
}

/** A process and all that it has started, itself or by others, in the order of their start. */
function withChildren(pid: number, all: readonly Registration[]): readonly number[] {
  const found = [pid];
  const mains = all.filter(({ threadId }) => threadId === 0).sort((a, b) => a.startedAt - b.startedAt);
  for (let at = 0; at < found.length; at++) {
    const children = mains.filter((each) => each.parentPid === found[at] && !found.includes(each.pid));
    found.push(...children.map((each) => each.pid));
  }
  return found;
}

/** Dumps of the threads of a run that is under way; whoever does not answer soon is left out. */
export async function takeDumpsOfSession(
  session: string,
  { proves = false }: { readonly proves?: boolean } = {},
): Promise<readonly LastState[]> {
  const threads = listTraced().filter((each) => each.session === session);
  const dumps = await Promise.allSettled(
    threads.map((thread) => takeDump(thread, "signal", { patienceMs: 3000, proves })),
  );
  return dumps.flatMap((outcome) =>
    outcome.status === "fulfilled" ? { dump: outcome.value, started: startedAtLeast(outcome.value) } : [],
  );
}

/** The processes of a session that are alive. */
export function sessionProcesses(session: string): readonly number[] {
  return [...new Set(listTraced().flatMap((each) => (each.session === session ? each.pid : [])))];
}

/** What the threads of a run left when they ended; removes the files. */
export function takeLastDumps(session: string): readonly LastState[] {
  return entries().flatMap(({ file, value }) => {
    if (!isLastDump(value) || value.session !== session) return [];
    rmSync(file, { force: true });
    return { dump: value.dump, started: value.started ?? startedAtLeast(value.dump) };
  });
}

/** Ids are given in order, so the highest one tells how many there were at least. */
function startedAtLeast(dump: Dump): number {
  return dump.tasks.reduce((most, task) => Math.max(most, task.id), 0);
}

async function takeDump(
  registration: Registration,
  by: string,
  { patienceMs, proves }: { readonly patienceMs: number; readonly proves: boolean },
): Promise<Dump> {
  const connection = await connectTraced(registration, patienceMs);
  try {
    // A thread that is blocked, or traced by an older version, gives its dump without.
    if (proves) await connection.request("prove", {}).catch(() => {});
    return await connection.request("dump", { by });
  } finally {
    connection.close();
  }
}

/** A connection to a traced thread that has said hello. */
export interface TracedConnection {
  /** Rejects with a CliError when the process refuses, is gone or takes too long. */
  request<Method extends keyof Wire>(
    method: Method,
    params: Wire[Method]["params"],
  ): Promise<Wire[Method]["result"]>;
  close(): void;
}

/** Connects to a traced thread; throws a CliError when it can't be asked. Each answer may take `patienceMs`. */
export async function connectTraced(
  registration: Registration,
  patienceMs: number,
): Promise<TracedConnection> {
  const { pid, version } = registration;
  if (version !== wireVersion) {
    throw new CliError(
      `Process ${pid} is traced by another version of Unknot: use that one, or start the process again.`,
    );
  }
  const socket = await openSocket(registration);
  const rpc = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  rpc.onError(() => {}); // A broken socket ends the requests as well.
  rpc.listen();
  const close = () => {
    rpc.dispose();
    socket.destroy();
  };
  const request: TracedConnection["request"] = async (method, params) => {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new CliError(`Process ${pid} did not answer within ${patienceMs / 1000} s.`)),
        patienceMs,
      );
    });
    try {
      return await Promise.race([rpc.sendRequest<Wire[typeof method]["result"]>(method, params), tooLate]);
    } catch (error) {
      throw error instanceof CliError ? error : new CliError(`Process ${pid} refused: ${reasonOf(error)}.`);
    } finally {
      clearTimeout(timer);
    }
  };
  try {
    await request("hello", { version: wireVersion, token: registration.token });
  } catch (error) {
    close();
    throw error;
  }
  return { request, close };
}

function openSocket({ endpoint, pid }: Registration): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(endpoint);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const denied = error.code === "EACCES" || error.code === "EPERM";
      reject(
        new CliError(
          denied
            ? `Process ${pid} belongs to another user, who alone may look at it.`
            : `Process ${pid} does not answer any more: ${reasonOf(error)}.`,
        ),
      );
    });
  });
}

function entries(): readonly { readonly file: string; readonly value: unknown }[] {
  const folder = runtimeFolderPath();
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // Nothing was traced yet.
  }
  return names.flatMap((name) => {
    const file = path.join(folder, name);
    try {
      return name.endsWith(".json") ? { file, value: JSON.parse(readFileSync(file, "utf8")) as unknown } : [];
    } catch {
      return []; // Gone again, or still being written.
    }
  });
}
