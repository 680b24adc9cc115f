import { randomUUID } from "node:crypto";
import type { LastDump, Registration } from "@unknot/protocol/wire.ts";
import * as vscode from "vscode";
import { nodeOptionsFor, type TracerFiles } from "../debugging/trace-configuration.ts";
import type { Launches } from "../sessions/launches.ts";

const setting = "trace.terminals";
const sessionKey = "terminalsSession";

/** Programs that are started in terminals, which are touched when the user has asked for it only. */
export interface TracedTerminals extends vscode.Disposable {
  /** Fires when there is something to watch for. */
  readonly onWatch: vscode.Event<void>;
  /** Makes room for a thread of a program in a terminal; to be told of every thread that registers. */
  admit(thread: Registration | LastDump): void;
}

export function registerTerminals(
  context: vscode.ExtensionContext,
  files: TracerFiles,
  launches: Launches,
): TracedTerminals {
  const environment = context.environmentVariableCollection;
  const watch = new vscode.EventEmitter<void>();
  const session = sessionOf(context.workspaceState);
  // A window that is opened anew asks the setting, not what an earlier one left.
  environment.persistent = false;

  const apply = () => {
    const traces = isOn();
    void vscode.commands.executeCommand("setContext", "unknot.tracesTerminals", traces);
    environment.clear();
    if (!traces) return;
    environment.description = "Node programs that are started here are traced by Unknot.";
    environment.append("NODE_OPTIONS", ` ${nodeOptionsFor(files)}`);
    environment.replace("UNKNOT_REGISTER", files.register);
    environment.replace("UNKNOT_SESSION", session);
    watch.fire();
  };
  const set = (traces: boolean) => vscode.workspace.getConfiguration("unknot").update(setting, traces);
  const endWhenAllHaveEnded = () => {
    const launch = launches.list().find(({ id }) => id === session);
    const isOver = launch?.sessions.every(({ state }) => state.kind === "ended" || state.kind === "failed");
    if (launch?.running && launch.sessions.length > 0 && isOver) launches.end(session);
  };

  const registered = vscode.Disposable.from(
    watch,
    launches.onChange(endWhenAllHaveEnded),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`unknot.${setting}`)) apply();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(apply),
    vscode.commands.registerCommand("unknot.traceTerminals", async () => {
      await set(true);
      await vscode.commands.executeCommand("workbench.action.terminal.new");
    }),
    vscode.commands.registerCommand("unknot.stopTracingTerminals", () => set(false)),
  );
  apply();
  return {
    onWatch(listener) {
      if (isOn()) listener();
      return watch.event(listener);
    },
    admit(thread) {
      if (thread.session !== session || launches.list().some(({ id, running }) => id === session && running))
        return;
      launches.start({ id: session, name: "Terminals" });
    },
    dispose: () => registered.dispose(),
  };
}

function isOn(): boolean {
  return vscode.workspace.isTrusted && vscode.workspace.getConfiguration("unknot").get(setting, false);
}

/** One name for the terminals of a workspace: programs that outlive the window are known again. */
function sessionOf(state: vscode.Memento): string {
  const known = state.get(sessionKey);
  if (typeof known === "string") return known;
  const made = `terminals-${randomUUID()}`;
  void state.update(sessionKey, made);
  return made;
}
