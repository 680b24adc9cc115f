import { constants, setPriority } from "node:os";
import * as vscode from "vscode";
import {
  LanguageClient,
  type LanguageClientOptions,
  type ServerOptions,
  State,
  TransportKind,
  vsdiag,
} from "vscode-languageclient/node";
import { isEnabled } from "./enabled.ts";
import { languages } from "./languages.ts";

/** The language server as the rest of the extension sees it. */
export interface LanguageServer {
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the language server on VS Code's own Node and shows its state beside the language of the editor. A server
 * that dies is started again, five times within three minutes at most.
 */
export async function startLanguageServer(
  module: string,
  log: vscode.LogOutputChannel,
): Promise<LanguageServer> {
  const run = { module, transport: TransportKind.ipc };
  const server: ServerOptions = { run, debug: { ...run, options: { execArgv: ["--inspect=6009"] } } };
  const options: LanguageClientOptions = {
    documentSelector: languages.flatMap((language) => [
      { scheme: "file", language },
      { scheme: "untitled", language },
    ]),
    outputChannel: log,
    diagnosticPullOptions: { onChange: true, onFocus: true },
    middleware: {
      provideDiagnostics: (document, previous, token, next) =>
        isEnabled("uri" in document ? document.uri : document)
          ? next(document, previous, token)
          : { kind: vsdiag.DocumentDiagnosticReportKind.full, items: [] },
    },
    synchronize: { configurationSection: "unknot" },
  };
  const client = new LanguageClient("unknot", "Unknot", server, options);
  const status = createStatus();
  const stateChanges = client.onDidChangeState(({ newState }) => {
    showState(status, newState);
    if (newState === State.Running) lowerPriority(client.serverProcess?.pid, log);
  });
  await client.start();
  return {
    restart: () => client.restart(),
    async stop() {
      stateChanges.dispose();
      status.dispose();
      await client.dispose();
    },
  };
}

function createStatus(): vscode.LanguageStatusItem {
  const status = vscode.languages.createLanguageStatusItem(
    "unknot.status",
    languages.map((language) => ({ language })),
  );
  status.name = "Unknot";
  showState(status, State.Starting);
  return status;
}

function showState(status: vscode.LanguageStatusItem, state: State): void {
  const stopped = state === State.Stopped || state === State.StartFailed;
  status.busy = state === State.Starting;
  status.text = stopped ? "Unknot: stopped" : state === State.Starting ? "Unknot: starting" : "Unknot";
  status.severity = stopped ? vscode.LanguageStatusSeverity.Error : vscode.LanguageStatusSeverity.Information;
  status.command = stopped
    ? { command: "unknot.restartServer", title: "Restart Language Server" }
    : { command: "unknot.showOutput", title: "Show Output" };
}

/** Typing comes before analysis. */
function lowerPriority(pid: number | undefined, log: vscode.LogOutputChannel): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch (error) {
    log.debug(`The server keeps its priority: ${String(error)}`);
  }
}
