import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { ProcessInfo } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import { type Wire, wireVersion } from "@unknot/protocol/wire.ts";
import type { MessageConnection } from "vscode-jsonrpc/node";

/** What the server answers with. */
export type Answers = {
  readonly [Method in "dump" | "overview" | "list" | "stacks" | "prove"]: (
    params: Wire[Method]["params"],
  ) => Promise<Wire[Method]["result"]>;
};

export interface DumpServer {
  /** How many clients have said hello. */
  readonly clients: number;
  announce(problem: Problem): void;
}

export interface ServerOptions {
  readonly endpoint: string;
  readonly token: string;
  readonly process: () => ProcessInfo;
  readonly answers: Answers;
  /** Called when the endpoint can be connected to. */
  readonly listening: () => void;
}

const mostConnections = 32;
/** Who does not say hello within this time is cut off. */
const helloMs = 10_000;

/** Serves dumps on a Unix socket or a named pipe. JSON-RPC is loaded when the first client comes. */
export function serveDumps(options: ServerOptions): DumpServer {
  const { endpoint } = options;
  const clients = new Set<MessageConnection>();
  const server: Server = createServer((socket) => void serve(socket, options, clients));
  server.maxConnections = mostConnections;
  // Nobody can ask then; the program runs on and its last dump is written all the same.
  server.on("error", () => {});
  if (process.platform !== "win32") rmSync(endpoint, { force: true });
  server.listen(endpoint, () => {
    try {
      if (process.platform !== "win32") chmodSync(endpoint, 0o600);
      options.listening();
    } catch {
      server.close();
    }
  });
  return {
    get clients() {
      return clients.size;
    },
    announce(problem) {
      for (const client of clients) client.sendNotification("problem", problem).catch(() => {});
    },
  };
}

async function serve(socket: Socket, options: ServerOptions, clients: Set<MessageConnection>): Promise<void> {
  socket.on("error", () => socket.destroy());
  try {
    const rpc = await import("vscode-jsonrpc/node");
    const connection = rpc.createMessageConnection(
      new rpc.SocketMessageReader(socket),
      new rpc.SocketMessageWriter(socket),
    );
    let greeted = false;
    const impatience = setTimeout(() => socket.destroy(), helloMs);
    const refuse = (message: string): never => {
      // The answer goes out first.
      setTimeout(() => socket.destroy(), 100);
      throw new rpc.ResponseError(rpc.ErrorCodes.InvalidRequest, message);
    };
    connection.onError(() => {});
    connection.onClose(() => {
      clearTimeout(impatience);
      clients.delete(connection);
      connection.dispose();
    });
    connection.onRequest("hello", (params: Wire["hello"]["params"]) => {
      if (params?.version !== wireVersion)
        return refuse(`this process speaks version ${wireVersion} of the wire`);
      if (params.token !== options.token) return refuse("the token is wrong");
      greeted = true;
      clearTimeout(impatience);
      clients.add(connection);
      return options.process();
    });
    for (const [method, answer] of Object.entries(options.answers)) {
      connection.onRequest(method, (params: unknown) =>
        greeted ? (answer as (params: unknown) => Promise<unknown>)(params) : refuse("'hello' comes first"),
      );
    }
    connection.listen();
  } catch {
    socket.destroy();
  }
}
