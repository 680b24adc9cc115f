import { plain } from "@unknot/dump/names.ts";
import * as vscode from "vscode";
import { messageText } from "../program-text.ts";
import { startAgainTraced } from "./start-again.ts";
import { type ChoiceStore, keepChoice, offersFor, withChoices } from "./trace-choice.ts";
import {
  isFromTerminal,
  isReported,
  launchOf,
  refusesTrace,
  type TraceSettings,
} from "./trace-configuration.ts";

/**
 * A session that the user started. What it launches is traced or could be; in a terminal, the next program could be; one
 * that it attaches to is traced if it was started so.
 */
interface Started {
  readonly session: vscode.DebugSession;
  readonly traced: boolean;
  readonly how: How;
}

type How = "launched" | "terminal" | "attached";

/**
 * Says in the status bar, while a Node program is debugged, whether it is traced; a click there chooses once, always or
 * never for its launch configuration. `settingsFor` is what the settings say.
 */
export function registerTraceStatus(
  store: ChoiceStore,
  settingsFor: (folder: vscode.WorkspaceFolder | undefined) => TraceSettings,
): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("unknot.traced", vscode.StatusBarAlignment.Left, 0);
  item.name = "Unknot: traced or not";
  item.command = "unknot.chooseTracing";
  let started: readonly Started[] = [];
  const show = () => {
    const [last] = started;
    if (!last) {
      item.hide();
      return;
    }
    item.text = `$(list-tree) ${last.how === "attached" ? "Show tasks" : last.traced ? "Traced" : "Not traced"}`;
    item.tooltip = tooltipOf(last);
    item.show();
  };
  const setContext = () => {
    const has = (wanted: How) => started.some(({ how }) => how === wanted);
    void vscode.commands.executeCommand("setContext", "unknot.debugsNode", has("launched"));
    void vscode.commands.executeCommand("setContext", "unknot.debugsUntracedTerminal", has("terminal"));
  };

  return vscode.Disposable.from(
    item,
    vscode.debug.onDidStartDebugSession((session) => {
      const { configuration } = session;
      const how = howItStarts(configuration);
      if (isReported(configuration) || how === undefined || (how === "terminal" && tracesTerminals())) return;
      started = [{ session, traced: launchOf(configuration) !== undefined, how }, ...started];
      show();
      setContext();
    }),
    vscode.debug.onDidTerminateDebugSession((session) => {
      started = started.filter((one) => one.session.id !== session.id);
      show();
      setContext();
    }),
    vscode.commands.registerCommand("unknot.chooseTracing", async () => {
      const [last] = started;
      if (!last) return;
      if (last.how === "terminal") {
        await offerTerminals(last.session);
        return;
      }
      if (last.how === "attached") {
        await vscode.commands.executeCommand("unknot.attach");
        return;
      }
      const { name, workspaceFolder } = last.session;
      const key = last.session.configuration.name;
      if (refusesTrace(last.session.configuration)) {
        await vscode.window.showInformationMessage(
          messageText(`'${plain(name)}' sets UNKNOT_TRACE=0 in its environment, which comes first.`),
        );
        return;
      }
      const settings = settingsFor(workspaceFolder);
      const offers = offersFor(
        last.traced,
        withChoices(settings, store).configurations[key],
        settings.debugSessions,
      );
      const chosen = await vscode.window.showQuickPick(offers, { placeHolder: `Trace '${name}'` });
      if (!chosen) return;
      if (chosen.keep !== undefined) {
        await keepChoice(store, key, chosen.keep === "none" ? undefined : chosen.keep);
      }
      if (!chosen.restarts) return;
      await startAgainTraced(last.session);
    }),
  );
}

function tracesTerminals(): boolean {
  return vscode.workspace.getConfiguration("unknot.trace").get("terminals", false);
}

/** The environment of a terminal that is open can't be changed any more (docs/decisions/terminals-are-asked-for.md). */
async function offerTerminals({ name }: vscode.DebugSession): Promise<void> {
  const trace = "Trace New Terminals";
  const chosen = await vscode.window.showQuickPick(
    [
      {
        label: trace,
        detail: "From the next terminal on, which opens now; those that are open stay as they are.",
      },
    ],
    { placeHolder: `'${plain(name)}' was started in a terminal that is not traced` },
  );
  if (chosen) await vscode.commands.executeCommand("unknot.traceTerminals");
}

function howItStarts(configuration: vscode.DebugConfiguration): How | undefined {
  const { type, request } = configuration;
  if (isFromTerminal(configuration)) return "terminal";
  if (type !== "node" && type !== "pwa-node" && type !== "node-terminal") return undefined;
  return request === "launch" ? "launched" : request === "attach" ? "attached" : undefined;
}

function tooltipOf({ session, traced, how }: Started): string {
  const name = `'${session.name}'`;
  switch (how) {
    case "launched":
      return `${name} is ${traced ? "" : "not "}traced by Unknot: click to choose once, always or never.`;
    case "terminal":
      return `${name} is not traced by Unknot: click to trace terminals.`;
    case "attached":
      return `${name} was running already: click to show its tasks, if it was started traced.`;
  }
}
