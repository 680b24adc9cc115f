import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import type { Launches } from "../sessions/launches.ts";
import { askNodeVersion, canBeTraced, type NodeVersion, runsTypeScript } from "./node-version.ts";
import { hideOwnVariables } from "./own-variables.ts";
import { runFileTraced } from "./run-file.ts";
import { withChoices } from "./trace-choice.ts";
import {
  isFromTerminal,
  isNode,
  isReported,
  isTracerWorker,
  launchOf,
  nodeOptionsOf,
  runsTypeScriptAsIs,
  type TracerFiles,
  type TraceSettings,
  threadOf,
  wantsTrace,
  withSkippedTracer,
  withTracer,
} from "./trace-configuration.ts";

import { registerTraceStatus } from "./trace-status.ts";

/** The types whose providers run after variables are substituted: js-debug turns `node` into `pwa-node` before. */
const types = ["pwa-node", "node-terminal"];

export interface Debugging extends vscode.Disposable {
  /** The debug session that a launch was started by; undefined once it has ended, or when it was started elsewhere. */
  sessionOf(launch: string): vscode.DebugSession | undefined;
}

/** Puts the tracer into every debug configuration that starts a Node program, and follows the debug sessions. */
export function registerDebugging(files: TracerFiles, launches: Launches, state: vscode.Memento): Debugging {
  const untraced = new Map<string, string>();
  const started = new Map<string, vscode.DebugSession>();
  const provider: vscode.DebugConfigurationProvider = {
    // js-debug reports every worker thread. The tracer's own needs no debugger: it goes on without one.
    resolveDebugConfiguration: (_, configuration) =>
      isTracerWorker(configuration) ? undefined : configuration,
    async resolveDebugConfigurationWithSubstitutedVariables(folder, configuration) {
      // A program in a terminal may be traced (`unknot.trace.terminals`); it is too late to change that here.
      if (isFromTerminal(configuration)) return withSkippedTracer(configuration, files);
      if (!wantsTrace(configuration, withChoices(readSettings(folder), state))) return configuration;
      const version = await versionFor(configuration);
      if (version && !runsTypeScript(version) && runsTypeScriptAsIs(configuration)) {
        if (!(await mayStart(folder, configuration, version, state))) return undefined;
      }
      const id = randomUUID();
      if (version && !canBeTraced(version)) {
        untraced.set(id, `Node ${version.text} can't be traced: Node 22.15 or newer is needed.`);
      }
      return withTracer(configuration, files, id, await envFileOptions(configuration));
    },
  };
  const registered = vscode.Disposable.from(
    registerTraceStatus(state, readSettings),
    ...types.map((type) => vscode.debug.registerDebugConfigurationProvider(type, provider)),
    ...types.map((type) =>
      vscode.debug.registerDebugAdapterTrackerFactory(type, {
        createDebugAdapterTracker: (session) => followDebugger(session, launches),
      }),
    ),
    vscode.commands.registerCommand("unknot.runFile", (file?: vscode.Uri) => runFileTraced(file)),
    vscode.debug.onDidStartDebugSession((session) => {
      const id = launchBy(session);
      if (id === undefined) return;
      const why = untraced.get(id);
      untraced.delete(id);
      started.set(id, session);
      launches.start({ id, name: session.name, ...(why === undefined ? {} : { untraced: why }) });
    }),
    vscode.debug.onDidTerminateDebugSession((session) => {
      const id = launchBy(session);
      if (id === undefined) return;
      started.delete(id);
      launches.end(id);
    }),
  );
  return { dispose: () => registered.dispose(), sessionOf: (launch) => started.get(launch) };
}

function readSettings(folder: vscode.WorkspaceFolder | undefined): TraceSettings {
  const settings = vscode.workspace.getConfiguration("unknot.trace", folder);
  return {
    debugSessions: settings.get("debugSessions", true),
    configurations: settings.get("configurations", {}),
  };
}

/** The version of the Node that will run the program, when the configuration names Node itself. */
async function versionFor(configuration: vscode.DebugConfiguration): Promise<NodeVersion | undefined> {
  const { type, runtimeExecutable = "node", env, cwd } = configuration;
  if (type !== "pwa-node" || !isNode(runtimeExecutable)) return undefined;
  return askNodeVersion(
    runtimeExecutable,
    { ...process.env, ...env },
    typeof cwd === "string" ? cwd : undefined,
  );
}

async function envFileOptions(configuration: vscode.DebugConfiguration): Promise<string | undefined> {
  const file: unknown = configuration["envFile"];
  if (typeof file !== "string" || file === "") return undefined;
  const text = await readFile(file, "utf8").catch(() => "");
  return nodeOptionsOf(text);
}

/**
 * Says that this Node can't run the TypeScript program and asks what to do. A launch goes on without a question when
 * js-debug may find compiled output for the program, and when the user has said so for this configuration before.
 */
async function mayStart(
  folder: vscode.WorkspaceFolder | undefined,
  configuration: vscode.DebugConfiguration,
  version: NodeVersion,
  startAnyway: vscode.Memento,
): Promise<boolean> {
  const program = String(configuration["program"]);
  const key = `startAnyway ${configuration.name} ${program}`;
  if (startAnyway.get(key) === true) return true;
  const { name } = path.parse(program);
  const compiled = new vscode.RelativePattern(
    folder ?? vscode.Uri.file(path.dirname(program)),
    `**/${name}.{js,mjs,cjs}`,
  );
  if ((await vscode.workspace.findFiles(compiled, "**/node_modules/**", 1)).length > 0) return true;
  const anyway = "Start Anyway";
  const open = "Open launch.json";
  void vscode.window
    .showErrorMessage(
      `Node ${version.text} can't run TypeScript by itself, so '${path.basename(program)}' was not started. Put Node 22.18 or newer first in PATH, or name one as "runtimeExecutable" in launch.json.`,
      anyway,
      open,
    )
    .then(async (choice) => {
      if (choice === open) await vscode.commands.executeCommand("workbench.action.debug.configure");
      if (choice !== anyway) return;
      await startAnyway.update(key, true);
      await vscode.debug.startDebugging(folder, configuration);
    });
  return false;
}

/** Requests after whose success a stopped thread runs again. */
const resuming = new Set([
  "continue",
  "next",
  "stepIn",
  "stepOut",
  "stepBack",
  "restartFrame",
  "goto",
  "disconnect",
]);

/**
 * Tells the launches when a process of theirs is stopped by the debugger, and keeps the tracer's own variables from the
 * editor, also of programs in terminals.
 */
function followDebugger(session: vscode.DebugSession, launches: Launches): vscode.DebugAdapterTracker {
  const id = launchAbove(session);
  if (id === undefined) return { onDidSendMessage: hideOwnVariables };
  // Names of sessions say more: `main.ts [4242] « Debug Tests`.
  const thread = threadOf(session.configuration.name, session.parentSession?.configuration.name);
  const setPaused = (paused: boolean) => {
    if (thread) launches.setPaused(id, thread, paused);
  };
  return {
    onDidSendMessage(message: { type?: string; event?: string; command?: string; success?: boolean }) {
      hideOwnVariables(message);
      if (message.type === "event") {
        if (message.event === "stopped") setPaused(true);
        if (message.event === "continued" || message.event === "terminated") setPaused(false);
      } else if (message.type === "response" && message.success && resuming.has(message.command ?? "")) {
        setPaused(false);
      }
    },
  };
}

/** The launch that this session began. One may be started below another session, as js-debug does with its own. */
function launchBy({ configuration }: vscode.DebugSession): string | undefined {
  return isReported(configuration) ? undefined : launchOf(configuration);
}

function launchAbove(session: vscode.DebugSession | undefined): string | undefined {
  for (let each = session; each; each = each.parentSession) {
    const id = launchOf(each.configuration);
    if (id !== undefined) return id;
  }
  return undefined;
}
