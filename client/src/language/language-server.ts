import {
  type DescribedResource,
  type ResourcesParams,
  resourcesRequest,
} from "@unknot/protocol/described-resource.ts";
import { type SeenProblem, type SeenProblems, seenNotification } from "@unknot/protocol/seen.ts";
import { type ServerStatus, statusNotification } from "@unknot/protocol/status.ts";
import * as vscode from "vscode";
import {
  LanguageClient,
  type LanguageClientOptions,
  type ServerOptions,
  State,
  TransportKind,
} from "vscode-languageclient/node";
import { rulePageLinks } from "../rule-pages/register.ts";
import { languages } from "./languages.ts";

/** The language server as the rest of the extension sees it. */
export interface LanguageServer {
  restart(): Promise<void>;
  /** What programs were seen to do has changed. */
  tellSeen(): void;
  /** The locks and channels of a document; undefined when the server can't say. */
  resources(
    document: vscode.TextDocument,
    token: vscode.CancellationToken,
  ): Promise<readonly DescribedResource[] | undefined>;
  stop(): Promise<void>;
}

/**
 * Starts the language server on VS Code's own Node and shows its state beside the language of the editor. A server
 * that dies is started again, five times within three minutes at most. `seen` is what programs were seen to do;
 * `analyzed` hears whenever the server has looked at what is open.
 */
export async function startLanguageServer(
  module: string,
  log: vscode.LogOutputChannel,
  seen: () => readonly SeenProblem[],
  analyzed: () => void,
): Promise<LanguageServer> {
  const run = { module, transport: TransportKind.ipc };
  const server: ServerOptions = { run, debug: { ...run, options: { execArgv: ["--inspect=6009"] } } };
  const options: LanguageClientOptions = {
    documentSelector: languages.flatMap((language) => [
      { scheme: "file", language },
      { scheme: "untitled", language },
    ]),
    outputChannel: log,
    initializationOptions: { rulePages: rulePageLinks },
    diagnosticPullOptions: { onChange: true, onFocus: true },
  };
  const client = new LanguageClient("unknot", "Unknot", server, options);
  const status = createStatus();
  const tellSeen = () => {
    if (!client.isRunning()) return;
    const told = client.sendNotification(seenNotification, { problems: seen() } satisfies SeenProblems);
    // The server may end meanwhile; the next one is told when it starts.
    told.catch((error: unknown) => log.debug(String(error)));
  };
  const shown = vscode.Disposable.from(
    status,
    client.onDidChangeState(({ newState }) => {
      showState(status, newState);
      if (newState === State.Running && seen().length > 0) tellSeen();
    }),
    client.onNotification(statusNotification, (next: ServerStatus) => {
      showStatus(status, next);
      if (next.state !== "busy") analyzed();
    }),
  );
  const start = async () => {
    try {
      await client.start();
    } catch (error) {
      // The client has said so, and the status item shows it; a restart tries again.
      log.error(`The language server did not start: ${String(error)}`);
    }
  };
  await start();
  return {
    tellSeen,
    async resources(document, token) {
      if (!client.isRunning()) return undefined;
      const params: ResourcesParams = { textDocument: { uri: document.uri.toString() } };
      try {
        return await client.sendRequest<readonly DescribedResource[]>(resourcesRequest, params, token);
      } catch (error) {
        // It was cancelled, or the analysis could not be done, which the server says itself.
        log.debug(`${resourcesRequest}: ${String(error)}`);
        return undefined;
      }
    },
    restart: () => (client.isRunning() ? client.restart() : start()),
    async stop() {
      shown.dispose();
      if (client.isRunning()) await client.dispose();
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

const showOutput = { command: "unknot.showOutput", title: "Show Output" };
const restart = { command: "unknot.restartServer", title: "Restart Language Server" };

/** What the process of the server does. */
function showState(status: vscode.LanguageStatusItem, state: State): void {
  const stopped = state === State.Stopped || state === State.StartFailed;
  status.text = stopped ? "Unknot: stopped" : "Unknot";
  status.detail = state === State.Starting ? "starting" : "";
  status.busy = state === State.Starting;
  status.severity = stopped ? vscode.LanguageStatusSeverity.Error : vscode.LanguageStatusSeverity.Information;
  status.command = stopped ? restart : showOutput;
}

/** What the server says of itself. */
function showStatus(status: vscode.LanguageStatusItem, { state, message = "" }: ServerStatus): void {
  const { Error: failed, Warning: warning, Information: information } = vscode.LanguageStatusSeverity;
  status.text =
    state === "stopped" ? "Unknot: no findings" : state === "limited" ? "Unknot: limited" : "Unknot";
  status.detail = message;
  status.busy = state === "busy";
  status.severity = state === "stopped" ? failed : state === "limited" ? warning : information;
  status.command = state === "stopped" ? restart : showOutput;
}
