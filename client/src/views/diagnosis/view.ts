import type { Problem } from "@unknot/protocol/problem.ts";
import { verdicts } from "@unknot/protocol/verdict.ts";
import * as vscode from "vscode";
import { messageText } from "../../program-text.ts";
import { proveLeaks } from "../../prove-leaks.ts";
import { attachToTraced } from "../../sessions/attach.ts";
import { liveSessions } from "../../sessions/launches.ts";
import { runtimeFolder } from "../../sessions/runtime-folder.ts";
import { showTaskDump, takeTaskDump } from "../../task-dump.ts";
import { setContext, type Tree } from "../tree/trees.ts";
import type { ViewContext } from "../view-context.ts";
import { certainties, explanations } from "./explanations.ts";
import { isWaiting, problemCount, rowsOf, summaryOf } from "./model.ts";

const viewId = "unknot.diagnosis";
/** How long something has been waited for is told in seconds. */
const secondMs = 1000;

/** Registers the Diagnosis view and the commands that bring processes and dumps into the panel. */
export function register(context: ViewContext): vscode.Disposable {
  const { launches, trees, muting } = context;
  let timer: NodeJS.Timeout | undefined;
  const tree: Tree = trees.add(
    viewId,
    { roots: () => ({ kind: "rows", rows: rowsOf(launches.list()) }) },
    {
      before(view) {
        const list = launches.list();
        clearTimeout(timer);
        if (isWaiting(list)) timer = setTimeout(tree.update, secondMs);
        const problems = problemCount(list);
        view.description = summaryOf(list);
        view.badge =
          problems === 0
            ? undefined
            : { value: problems, tooltip: problems === 1 ? "1 problem" : `${problems} problems` };
        setContext("unknot.askable", launches.askable().length > 0);
        setContext("unknot.provable", liveSessions(launches).length > 0);
      },
    },
  );
  const focus = () => vscode.commands.executeCommand(`${viewId}.focus`);
  return vscode.Disposable.from(
    tree,
    { dispose: () => clearTimeout(timer) },
    launches.onChange(tree.update),
    vscode.commands.registerCommand("unknot.tasks.refresh", () => launches.refresh()),
    vscode.commands.registerCommand("unknot.takeTaskDump", (row?: { readonly session?: string } | string) =>
      takeTaskDump(context, typeof row === "object" ? row.session : tree.view.selection[0]?.session),
    ),
    vscode.commands.registerCommand("unknot.proveLeaks", (row?: { readonly session?: string } | string) =>
      proveLeaks(launches, typeof row === "object" ? row.session : tree.view.selection[0]?.session),
    ),
    vscode.commands.registerCommand("unknot.showTaskDump", async (uri?: vscode.Uri) => {
      if (await showTaskDump(launches, uri)) await focus();
    }),
    vscode.commands.registerCommand("unknot.attach", async () => {
      if (await attachToTraced(launches, runtimeFolder())) await focus();
    }),
    vscode.commands.registerCommand("unknot.tasks.compareFromNow", () => launches.compareFromNow()),
    trees.onRow("unknot.stopConnecting", ({ session = "" }) => launches.session(session)?.stopConnecting()),
    trees.onRow("unknot.connectAgain", ({ session = "" }) => launches.session(session)?.connectAgain()),
    trees.onRow("unknot.problems.explain", ({ problem }) => problem && explain(problem)),
    trees.onRow("unknot.problems.mute", ({ problem }) => problem && muting.muteInSettings(problem)),
    trees.onRow("unknot.problems.muteInProject", ({ problem }) => problem && muting.muteInProject(problem)),
    vscode.commands.registerCommand("unknot.problems.showMuted", () => muting.showRules()),
    trees.onRow("unknot.tasks.closeDump", (row) => row.file !== undefined && launches.close(row.file)),
  );
}

/** Says what a problem means; of one that a rule finds in the source as well, that rule's page too. */
async function explain({ id, verdict, certainty, message }: Problem): Promise<void> {
  const page = "Open the Rule's Page";
  const hasPage = id !== verdict && (await vscode.commands.getCommands(true)).includes("unknot.explain");
  const choice = await vscode.window.showInformationMessage(
    `${verdicts[verdict][0]?.toUpperCase()}${verdicts[verdict].slice(1)}`,
    {
      modal: true,
      detail: [messageText(message), explanations[verdict], certainties[certainty]].join("\n\n"),
    },
    ...(hasPage ? [page] : []),
  );
  if (choice === page) await vscode.commands.executeCommand("unknot.explain", id);
}
