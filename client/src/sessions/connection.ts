import { connect as connectSocket, type Socket } from "node:net";
import type { ProcessInfo } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import { type Registration, type Wire, wireVersion } from "@unknot/protocol/wire.ts";
import {
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
} from "vscode-jsonrpc/node";
import type { DumpSource } from "./dump-source.ts";
import { createEmitter, type Event, type Subscription } from "./event.ts";

/** An open wire to one traced thread. */
export interface Connection extends DumpSource, Subscription {
  readonly process: ProcessInfo;
  /** Whether the thread has looked which of its tasks can never go on; it may be too busy for that. */
  prove(): Promise<boolean>;
  readonly onProblem: Event<Problem>;
  /** Fires once when the other side is gone; requests under way are rejected. */
  readonly onClose: Event<void>;
}

/** Why there is no connection: the thread is gone, or it can't be talked to, which `message` explains. */
export class ConnectionError extends Error {
  readonly kind: "gone" | "version" | "refused";
  constructor(kind: ConnectionError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Connects to the thread that wrote the registration and says hello; throws a `ConnectionError`. */
export async function connect(registration: Registration): Promise<Connection> {
  if (registration.version !== wireVersion) {
    throw new ConnectionError(
      "version",
      `Process ${registration.pid} is traced by another version of Unknot: restart it, or update the older side.`,
    );
  }
  const socket = await openSocket(registration);
  const rpc = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  const problems = createEmitter<Problem>();
  const closed = createEmitter<void>();
  rpc.onNotification("problem", (problem: Problem) => problems.fire(problem));
  rpc.onClose(() => {
    rpc.dispose();
    closed.fire();
  });
  // The reader reports a broken socket as an error and then as closed; the second one is acted on.
  rpc.onError(() => {});
  rpc.listen();
  const request = <Method extends keyof Wire>(method: Method, params: Wire[Method]["params"]) =>
    rpc.sendRequest<Wire[Method]["result"]>(method, params);
  try {
    const process = await request("hello", { version: wireVersion, token: registration.token });
    return {
      process,
      request,
      prove: async () => (await request("prove", {})).done,
      onProblem: problems.event,
      onClose: closed.event,
      dispose() {
        rpc.dispose();
        socket.destroy();
      },
    };
  } catch (error) {
    rpc.dispose();
    socket.destroy();
    // An answer is an error with a code; everything else is the end of the connection.
    const gone = !(error instanceof ResponseError) || error.code === ErrorCodes.PendingResponseRejected;
    throw new ConnectionError(
      gone ? "gone" : "refused",
      gone ? `Process ${registration.pid} ended.` : `Process ${registration.pid} refused: ${text(error)}`,
    );
  }
}

function openSocket(registration: Registration): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(registration.endpoint);
    socket.once("connect", () => {
      socket.off("error", failed);
      resolve(socket);
    });
    const failed = (error: NodeJS.ErrnoException) => {
      const denied = error.code === "EACCES" || error.code === "EPERM";
      reject(
        denied
          ? new ConnectionError(
              "refused",
              `Process ${registration.pid} belongs to another user, who alone may look at it.`,
            )
          : new ConnectionError("gone", `Process ${registration.pid} does not answer: ${text(error)}`),
      );
    };
    socket.once("error", failed);
  });
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
