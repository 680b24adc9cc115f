import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { overview } from "@unknot/dump/overview.ts";
import { stackTree } from "@unknot/dump/stack-tree.ts";
import { listTasks } from "@unknot/dump/task-list.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import {
  type LastDump,
  type Overview,
  type Registration,
  type Wire,
  wireVersion,
} from "@unknot/protocol/wire.ts";
import {
  createMessageConnection,
  ErrorCodes,
  type MessageConnection,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
} from "vscode-jsonrpc/node";

/** A runtime folder with one thread that serves the wire, for tests that need no traced program. */
export interface WireServer {
  readonly folder: string;
  readonly registration: Registration;
  /** How often each method was asked for. */
  readonly asked: Readonly<Record<string, number>>;
  /** What is served from now on. */
  dump: Dump;
  announce(problem: Problem): Promise<void>;
  /** Writes the registration's file, as a thread does when it starts to serve. */
  register(): void;
  /** Writes the last dump, as a thread does that ends; gives its path. */
  leave(dump: Dump): string;
  /** What an overview tells of the thread itself, if anything. */
  told: Pick<Overview, "started" | "cost" | "handles">;
  /** Closes the connections; others may follow. */
  breakOff(): void;
  /** From now on lets those who greet wait, until it is told to answer. */
  keepWaiting(): void;
  answer(): void;
  /** From now on can't prove anything. */
  beBusy(): void;
  /** From now on ends as soon as it is greeted. */
  hangUp(): void;
  /** Ends as a process does: the socket closes. */
  end(): void;
  close(): Promise<void>;
}

interface State {
  dump: Dump;
  hangsUp: boolean;
  isBusy: boolean;
  told: WireServer["told"];
  /** Set while nobody is greeted; ends that. */
  keepsWaiting?: { readonly until: Promise<void>; readonly end: () => void };
}

/** Serves in a folder of its own, unless one is given, which stays. */
export async function startWireServer(
  dump: Dump,
  change: Partial<Registration> = {},
  given?: string,
): Promise<WireServer> {
  const folder = given ?? mkdtempSync(path.join(tmpdir(), "unknot-wire-"));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const endpoint =
    process.platform === "win32" ? `\\\\.\\pipe\\${path.basename(folder)}` : path.join(folder, "1.sock");
  const registration: Registration = {
    version: wireVersion,
    pid: dump.process.pid,
    threadId: 0,
    parentPid: 1,
    title: dump.process.title,
    cwd: "/app",
    node: "v22.23.3",
    startedAt: 1,
    endpoint,
    token: "right",
    session: "launch-1",
    ...change,
  };
  const sockets = new Set<Socket>();
  const connections = new Set<MessageConnection>();
  const asked: Record<string, number> = {};
  const state: State = { dump, hangsUp: false, isBusy: false, told: {} };
  const server = createServer((socket) => {
    sockets.add(socket);
    const rpc = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    connections.add(rpc);
    rpc.onError(() => {});
    rpc.onClose(() => connections.delete(rpc));
    const answer = <Method extends keyof Wire>(
      method: Method,
      reply: (params: Wire[Method]["params"]) => Wire[Method]["result"],
    ) =>
      rpc.onRequest<unknown, void>(method, (params: Wire[Method]["params"]): unknown => {
        asked[method] = (asked[method] ?? 0) + 1;
        return reply(params);
      });
    rpc.onRequest("hello", async ({ token }: Wire["hello"]["params"]) => {
      asked["hello"] = (asked["hello"] ?? 0) + 1;
      await state.keepsWaiting?.until;
      if (state.hangsUp) socket.destroy();
      if (token !== "right") throw new ResponseError(ErrorCodes.InvalidRequest, "wrong token");
      return state.dump.process;
    });
    answer("overview", (params) => ({
      ...overview(state.dump, params),
      ...state.told,
    }));
    answer("list", (params) => listTasks(state.dump, params));
    answer("stacks", (params) => stackTree(state.dump, params));
    answer("prove", () => ({ done: !state.isBusy }));
    answer("dump", ({ by }) => ({ ...state.dump, by }));
    rpc.listen();
  });
  await new Promise<void>((resolve) => server.listen(endpoint, resolve));
  const end = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return {
    folder,
    registration,
    asked,
    get dump() {
      return state.dump;
    },
    set dump(next) {
      state.dump = next;
    },
    get told() {
      return state.told;
    },
    set told(next) {
      state.told = next;
    },
    breakOff() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    keepWaiting() {
      let end = () => {};
      const until = new Promise<void>((resolve) => {
        end = resolve;
      });
      state.keepsWaiting = { until, end };
    },
    answer() {
      state.keepsWaiting?.end();
      delete state.keepsWaiting;
    },
    async announce(problem) {
      await Promise.all([...connections].map((rpc) => rpc.sendNotification("problem", problem)));
    },
    register: () => void write(folder, fileName(registration), registration),
    leave(dump) {
      const last: LastDump = {
        version: wireVersion,
        startedAt: registration.startedAt,
        session: registration.session ?? "",
        dump,
      };
      return write(folder, fileName(registration).replace(".json", ".last.json"), last);
    },
    beBusy: () => {
      state.isBusy = true;
    },
    hangUp: () => {
      state.hangsUp = true;
    },
    end,
    async close() {
      if (server.listening) {
        const closed = new Promise((resolve) => server.once("close", resolve));
        end();
        await closed;
      }
      if (given === undefined) rmSync(folder, { recursive: true, force: true });
      else rmSync(path.join(folder, fileName(registration)), { force: true });
    },
  };
}

function fileName({ pid, threadId }: Registration): string {
  return `${pid}-${threadId}.json`;
}

function write(folder: string, name: string, value: unknown): string {
  const file = path.join(folder, name);
  writeFileSync(`${file}.part`, JSON.stringify(value));
  renameSync(`${file}.part`, file);
  return file;
}
