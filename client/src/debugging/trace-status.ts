import { plain } from "@unknot/dump/names.ts";
import * as vscode from "vscode";
import { messageText } from "../program-text.ts";
import { startAgainTraced } from "./start-again.ts";
import { type ChoiceStore, keepChoice, offersFor, withChoices } from "./trace-choice.ts";
import { launchOf, refusesTrace, type TraceSettings } from "./trace-configuration.ts";

/** A session that the user started, which is traced or could be. */
interface Started {
  readonly session: vscode.DebugSession;
  readonly traced: boolean;
}

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
    item.text = last.traced ? "$(list-tree) Traced" : "$(list-tree) Not traced";
    const what = last.traced ? "is traced by Unknot" : "is not traced by Unknot";
    item.tooltip = `'${last.session.name}' ${what}: click to choose once, always or never.`;
    item.show();
  };
  const setContext = () =>
    void vscode.commands.executeCommand("setContext", "unknot.debugsNode", started.length > 0);

  return vscode.Disposable.from(
    item,
    vscode.debug.onDidStartDebugSession((session) => {
      if (session.parentSession || !startsNode(session.configuration)) return;
      started = [{ session, traced: launchOf(session.configuration) !== undefined }, ...started];
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

function startsNode({ type, request }: vscode.DebugConfiguration): boolean {
  return request === "launch" && (type === "node" || type === "pwa-node" || type === "node-terminal");
}
