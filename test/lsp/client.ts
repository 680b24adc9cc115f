import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  createMessageConnection,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";
import type {
  ClientCapabilities,
  CodeAction,
  Diagnostic,
  DocumentDiagnosticReport,
  InitializeResult,
  Range,
  TextDocumentEdit,
} from "vscode-languageserver";

const server = fileURLToPath(new URL("../../server/src/lsp/main.ts", import.meta.url));

export const fullCapabilities: ClientCapabilities = {
  textDocument: {
    hover: { contentFormat: ["markdown", "plaintext"] },
    diagnostic: { relatedInformation: true, codeDescriptionSupport: true, tagSupport: { valueSet: [1] } },
  },
  workspace: {
    configuration: true,
    didChangeConfiguration: { dynamicRegistration: true },
    didChangeWatchedFiles: { dynamicRegistration: true },
    workspaceFolders: true,
    diagnostics: { refreshSupport: true },
    workspaceEdit: { documentChanges: true },
  },
  window: { workDoneProgress: true, showMessage: {} },
};

export interface ClientOptions {
  readonly folders: readonly string[];
  readonly capabilities?: ClientCapabilities;
  readonly settings?: unknown;
  readonly initializationOptions?: unknown;
  /** The process that the server is not to outlive; the test's own when absent. */
  readonly processId?: number;
  /** Another server than ours, from its sources. */
  readonly command?: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** A language client in front of a real server process. */
export interface TestClient {
  readonly process: ChildProcess;
  readonly initialized: InitializeResult;
  readonly connection: MessageConnection;
  /** What the server logged and showed, in order. */
  readonly logged: readonly string[];
  readonly shown: readonly string[];
  readonly statuses: readonly { readonly state: string; readonly message?: string }[];
  readonly progress: readonly { readonly kind: string; readonly message?: string }[];
  readonly refreshes: () => number;
  readonly registered: readonly string[];
  /** The last diagnostics that were sent for a document, with the version they are for. */
  readonly published: ReadonlyMap<
    string,
    { readonly version?: number; readonly diagnostics: readonly Diagnostic[] }
  >;
  open(uri: string, text: string, languageId?: string): Promise<void>;
  /** Replaces the whole text, or one range of it. */
  change(uri: string, text: string, range?: Range): Promise<void>;
  close(uri: string): Promise<void>;
  watch(changes: readonly { readonly uri: string; readonly type: 1 | 2 | 3 }[]): Promise<void>;
  configure(settings: unknown): Promise<void>;
  /** Asks for the diagnostics, again as long as the server wants to be asked again. */
  diagnostics(uri: string): Promise<readonly Diagnostic[]>;
  actions(uri: string, range: Range): Promise<readonly CodeAction[]>;
  text(uri: string): string;
  /** Applies the edit of an action to the open documents it is for. */
  apply(action: CodeAction): Promise<void>;
  /** TypeScript's processes below the server that are there now; Linux only. */
  typescriptPids(): readonly number[];
  /** The first of them, as soon as there is one. */
  typescriptPid(): Promise<number>;
  stop(): Promise<number | null>;
}

export const uriOf = (file: string): string => pathToFileURL(file).href;

export async function startClient(options: ClientOptions): Promise<TestClient> {
  const [command, ...args] = options.command ?? [process.execPath, server, "--stdio"];
  const process_ = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  const connection = createMessageConnection(
    new StreamMessageReader(process_.stdout),
    new StreamMessageWriter(process_.stdin),
  );
  const logged: string[] = [];
  const shown: string[] = [];
  const statuses: { state: string; message?: string }[] = [];
  const progress: { kind: string; message?: string }[] = [];
  const registered: string[] = [];
  const published = new Map<string, { version?: number; diagnostics: readonly Diagnostic[] }>();
  const texts = new Map<string, { text: string; version: number }>();
  let settings: unknown = options.settings ?? {};
  let refreshes = 0;

  process_.stderr.on("data", (data) => logged.push(String(data)));
  connection.onNotification("window/logMessage", ({ message }) => void logged.push(message));
  connection.onNotification("window/showMessage", ({ message }) => void shown.push(message));
  connection.onRequest("window/showMessageRequest", ({ message }) => {
    shown.push(message);
    return null;
  });
  connection.onNotification("unknot/status", (status) => void statuses.push(status));
  connection.onNotification("$/progress", ({ value }) => void progress.push(value));
  connection.onNotification(
    "textDocument/publishDiagnostics",
    ({ uri, ...rest }) => void published.set(uri, rest),
  );
  connection.onRequest("window/workDoneProgress/create", () => null);
  connection.onRequest("workspace/diagnostic/refresh", () => {
    refreshes += 1;
    return null;
  });
  connection.onRequest("client/registerCapability", ({ registrations }) => {
    registered.push(...registrations.map(({ method }: { method: string }) => method));
    return null;
  });
  connection.onRequest("workspace/configuration", ({ items }) => items.map(() => settings));
  connection.listen();

  const initialized = await connection.sendRequest<InitializeResult>("initialize", {
    processId: options.processId ?? process.pid,
    rootUri: null,
    capabilities: options.capabilities ?? fullCapabilities,
    workspaceFolders: options.folders.map((folder) => ({ uri: uriOf(folder), name: folder })),
    initializationOptions: options.initializationOptions ?? {},
  });
  await connection.sendNotification("initialized", {});

  const replace = async (uri: string, text: string): Promise<void> => {
    const version = (texts.get(uri)?.version ?? 0) + 1;
    texts.set(uri, { text, version });
    await connection.sendNotification("textDocument/didChange", {
      textDocument: { uri, version },
      contentChanges: [{ text }],
    });
  };

  const client: TestClient = {
    process: process_,
    initialized,
    connection,
    logged,
    shown,
    statuses,
    progress,
    refreshes: () => refreshes,
    registered,
    published,
    async open(uri, text, languageId = "typescript") {
      texts.set(uri, { text, version: 1 });
      await connection.sendNotification("textDocument/didOpen", {
        textDocument: { uri, languageId, version: 1, text },
      });
    },
    async change(uri, text, range) {
      if (range === undefined) return replace(uri, text);
      const before = texts.get(uri) ?? { text: "", version: 0 };
      const version = before.version + 1;
      const next = splice(before.text, range, text);
      texts.set(uri, { text: next, version });
      await connection.sendNotification("textDocument/didChange", {
        textDocument: { uri, version },
        contentChanges: [{ range, text }],
      });
    },
    close: (uri) => connection.sendNotification("textDocument/didClose", { textDocument: { uri } }),
    watch: (changes) => connection.sendNotification("workspace/didChangeWatchedFiles", { changes }),
    async configure(next) {
      settings = next;
      await connection.sendNotification("workspace/didChangeConfiguration", { settings: { unknot: next } });
    },
    async diagnostics(uri) {
      for (;;) {
        try {
          const report = await connection.sendRequest<DocumentDiagnosticReport>("textDocument/diagnostic", {
            textDocument: { uri },
          });
          return report.kind === "full" ? report.items : [];
        } catch (error) {
          const isRetry = error instanceof ResponseError && error.data?.retriggerRequest !== false;
          if (!isRetry) throw error;
        }
      }
    },
    actions: async (uri, range) =>
      (await connection.sendRequest<CodeAction[] | null>("textDocument/codeAction", {
        textDocument: { uri },
        range,
        context: { diagnostics: [] },
      })) ?? [],
    text: (uri) => texts.get(uri)?.text ?? "",
    async apply({ edit }) {
      for (const change of (edit?.documentChanges ?? []) as TextDocumentEdit[]) {
        const { uri, version } = change.textDocument;
        if (version !== texts.get(uri)?.version)
          throw new Error(`the edit is for version ${version} of ${uri}`);
        const last = [...change.edits].sort((a, b) => order(b.range) - order(a.range));
        let { text } = texts.get(uri) ?? { text: "" };
        for (const one of last) text = splice(text, one.range, "newText" in one ? one.newText : "");
        await replace(uri, text);
      }
    },
    typescriptPids: () => childrenOf(process_.pid ?? 0).filter((child) => !isGone(child)),
    async typescriptPid() {
      for (;;) {
        const [pid] = client.typescriptPids();
        if (pid !== undefined) return pid;
        await sleep(10);
      }
    },
    async stop() {
      if (process_.exitCode !== null || process_.signalCode !== null) return process_.exitCode;
      const exited = new Promise<number | null>((resolve) => process_.once("exit", resolve));
      await connection.sendRequest("shutdown");
      await connection.sendNotification("exit");
      return exited;
    },
  };
  return client;
}

const order = ({ start }: Range): number => start.line * 10_000 + start.character;

function splice(text: string, { start, end }: Range, newText: string): string {
  const offset = (position: Range["start"]): number => {
    const lines = text.split("\n").slice(0, position.line);
    return lines.reduce((sum, line) => sum + line.length + 1, 0) + position.character;
  };
  return text.slice(0, offset(start)) + newText + text.slice(offset(end));
}

/** True when a process has ended, also when nobody has taken note of it yet. Linux only. */
export function isGone(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

/** Child processes that any thread of a process has started. */
function childrenOf(pid: number): readonly number[] {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return [];
  return readdirSync(tasks).flatMap((task) => {
    try {
      return readFileSync(`${tasks}/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number);
    } catch {
      return [];
    }
  });
}
