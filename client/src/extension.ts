import path from "node:path";
import type { SeenProblem } from "@unknot/protocol/seen.ts";
import type { LastDump, Registration } from "@unknot/protocol/wire.ts";
import * as vscode from "vscode";
import { installShim } from "./debugging/install-shim.ts";
import { registerDebugging } from "./debugging/provider.ts";
import { registerEditorMarks } from "./editor-marks/register.ts";
import { isEnabled } from "./language/enabled.ts";
import type { LanguageServer } from "./language/language-server.ts";
import { isAnalyzed } from "./language/languages.ts";
import { createMuting } from "./muting/muting.ts";
import { type AskResources, registerResources } from "./resources/register.ts";
import { registerRulePages, rulePagesIn } from "./rule-pages/register.ts";
import { registerRuntimeProblems } from "./runtime-problems.ts";
import { createLaunches, type Launches } from "./sessions/launches.ts";
import { runtimeFolder } from "./sessions/runtime-folder.ts";
import {
  type RuntimeFolderWatch,
  remainsRegistered,
  watchRuntimeFolder,
} from "./sessions/runtime-folder-watch.ts";
import { registerTaskdumpEditor } from "./taskdump-editor/register.ts";
import { registerTerminals, type TracedTerminals } from "./terminals/register.ts";
import { views } from "./views/index.ts";
import { createQueryState } from "./views/tree/query.ts";
import { createTrees } from "./views/tree/trees.ts";
import { registerWhy } from "./why/register.ts";
import { registerWorkspaceCheck } from "./workspace-check/register.ts";

let server: Promise<LanguageServer> | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Unknot", { log: true });
  const muting = createMuting();
  const launches = createLaunches({
    pollMs: 1000,
    membersPerGroup: 20,
    mostTasks: 5000,
    healthyAfterMs: 5000,
    isMuted: muting.isMuted,
    overdueMs: 5000,
    remains: (registration) => remainsRegistered(runtimeFolder(), registration),
    log: (line) => log.warn(line),
  });
  const dist = (...parts: string[]) => context.asAbsolutePath(path.join("dist", "extension", ...parts));
  const tracer = {
    folder: dist("tracer"),
    register: dist("tracer", "register.cjs"),
    shim: installShim(dist("shim.cjs"), context.globalStorageUri.fsPath),
  };
  const trees = createTrees(launches);
  const query = createQueryState();
  const debugging = registerDebugging(tracer, launches, context.workspaceState);
  const terminals = registerTerminals(context, tracer, launches);
  const rules = dist("rules");
  const language = registerLanguageServer(dist("server.mjs"), log);
  const storage = context.storageUri ?? context.globalStorageUri;
  context.subscriptions.push(
    log,
    launches,
    trees,
    ...views.map((register) =>
      register({ launches, trees, query, muting, extension: context.extensionUri, storage, log }),
    ),
    debugging,
    registerRulePages(rules),
    registerRuntimeProblems(launches, rulePagesIn(rules), language.tellSeen),
    registerTaskdumpEditor(),
    registerResources(launches, language.resources, language.onAnalyzed),
    registerEditorMarks(launches, vscode.Uri.joinPath(context.extensionUri, "media", "deadlock.svg")),
    muting,
    muting.onChange(launches.mutedOthers),
    terminals,
    registerWhy(launches, debugging),
    watchWhenLaunched(launches, terminals, log),
    language,
    registerWorkspaceCheck(),
    publishContexts(),
    vscode.commands.registerCommand("unknot.showOutput", () => log.show()),
  );
}

export async function deactivate(): Promise<void> {
  await (await server)?.stop();
}

interface LanguageRegistration extends vscode.Disposable {
  tellSeen(problems: readonly SeenProblem[]): void;
  readonly resources: AskResources;
  /** The server has looked at what is open. */
  readonly onAnalyzed: vscode.Event<void>;
}

/** Starts the language server with the first document that it can analyze, and tells it what runs have shown. */
function registerLanguageServer(module: string, log: vscode.LogOutputChannel): LanguageRegistration {
  let seen: readonly SeenProblem[] = [];
  const analyzed = new vscode.EventEmitter<void>();
  const start = () => {
    // Loaded here, because the client library would take a good part of the time to activate.
    server ??= import("./language/language-server.ts").then(({ startLanguageServer }) =>
      startLanguageServer(
        module,
        log,
        () => seen,
        () => analyzed.fire(),
      ),
    );
    return server;
  };
  const startFor = (document: vscode.TextDocument) => {
    if (!server && isAnalyzed(document.languageId) && isEnabled(document.uri)) void start();
  };
  const startForOpen = () => {
    for (const document of vscode.workspace.textDocuments) startFor(document);
  };
  startForOpen();
  const registered = vscode.Disposable.from(
    analyzed,
    vscode.workspace.onDidOpenTextDocument(startFor),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("unknot.enable")) startForOpen();
    }),
    vscode.commands.registerCommand("unknot.restartServer", async () => {
      if (server) await (await server).restart();
      else await start();
    }),
  );
  return {
    dispose: () => registered.dispose(),
    onAnalyzed: analyzed.event,
    resources: async (document, token) => (await server)?.resources(document, token),
    tellSeen(problems) {
      seen = problems;
      void server?.then((started) => started.tellSeen());
    },
  };
}

/**
 * Watches for traced programs from the first launch on, or from when terminals are traced: a window that does neither
 * watches nothing.
 */
function watchWhenLaunched(
  launches: Launches,
  terminals: TracedTerminals,
  log: vscode.LogOutputChannel,
): vscode.Disposable {
  let watch: RuntimeFolderWatch | undefined;
  const offer = (thread: Registration | LastDump) => {
    terminals.admit(thread);
    return launches.register(thread);
  };
  const look = () => {
    if (watch) watch.rescan();
    else watch = watchRuntimeFolder(runtimeFolder(), offer, (why) => log.warn(why));
  };
  return vscode.Disposable.from(launches.onStart(look), terminals.onWatch(look), {
    dispose: () => watch?.dispose(),
  });
}

/** What `when` clauses of the manifest ask for. */
function publishContexts(): vscode.Disposable {
  const set = (key: string, value: boolean) => void vscode.commands.executeCommand("setContext", key, value);
  const setTraces = () =>
    set(
      "unknot.tracesDebugSessions",
      vscode.workspace.getConfiguration("unknot.trace").get("debugSessions", true),
    );
  set("unknot.active", true);
  setTraces();
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration("unknot.trace.debugSessions")) setTraces();
  });
}
