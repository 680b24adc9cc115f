import * as vscode from "vscode";
import { attachToTraced } from "../../sessions/attach.ts";
import { runtimeFolder } from "../../sessions/runtime-folder.ts";
import { showTaskDump, takeTaskDump } from "../../task-dump.ts";
import { setContext } from "../tree/trees.ts";
import type { ViewContext } from "../view-context.ts";
import { problemCount, rowsOf, summaryOf } from "./model.ts";

const viewId = "unknot.diagnosis";

/** Registers the Diagnosis view and the commands that bring processes and dumps into the panel. */
export function register(context: ViewContext): vscode.Disposable {
  const { launches, trees } = context;
  const tree = trees.add(
    viewId,
    { roots: () => ({ kind: "rows", rows: rowsOf(launches.list()) }) },
    {
      before(view) {
        const list = launches.list();
        const problems = problemCount(list);
        view.description = summaryOf(list);
        view.badge =
          problems === 0
            ? undefined
            : { value: problems, tooltip: problems === 1 ? "1 problem" : `${problems} problems` };
        setContext("unknot.askable", launches.askable().length > 0);
      },
    },
  );
  const focus = () => vscode.commands.executeCommand(`${viewId}.focus`);
  return vscode.Disposable.from(
    tree,
    launches.onChange(tree.redraw),
    vscode.commands.registerCommand("unknot.tasks.refresh", () => launches.refresh()),
    vscode.commands.registerCommand("unknot.takeTaskDump", (row?: { readonly session?: string } | string) =>
      takeTaskDump(context, typeof row === "object" ? row.session : tree.view.selection[0]?.session),
    ),
    vscode.commands.registerCommand("unknot.showTaskDump", async (uri?: vscode.Uri) => {
      if (await showTaskDump(launches, uri)) await focus();
    }),
    vscode.commands.registerCommand("unknot.attach", async () => {
      if (await attachToTraced(launches, runtimeFolder())) await focus();
    }),
    vscode.commands.registerCommand("unknot.tasks.compareFromNow", () => launches.compareFromNow()),
    trees.onRow("unknot.tasks.closeDump", (row) => row.file !== undefined && launches.close(row.file)),
  );
}
