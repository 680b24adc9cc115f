import * as vscode from "vscode";
import { openPlace } from "../../places.ts";
import { attachToTraced } from "../../sessions/attach.ts";
import { runtimeFolder } from "../../sessions/runtime-folder.ts";
import { showTaskDump, takeTaskDump } from "../../task-dump.ts";
import type { ViewContext } from "../view-context.ts";
import { problemCount, rowsOf, summaryOf } from "./model.ts";
import type { Row } from "./row.ts";

const viewId = "unknot.tasks";

/** Several changes of one moment are drawn once. */
const drawAfterMs = 50;

/** Registers the Task Dump view and its commands. */
export function register(context: ViewContext): vscode.Disposable {
  const { launches } = context;
  const drawn = new vscode.EventEmitter<undefined>();
  const parents = new WeakMap<Row, Row>();
  const childrenOf = (row: Row): readonly Row[] => {
    const children = row.children?.() ?? [];
    for (const child of children) parents.set(child, row);
    return children;
  };
  const view = vscode.window.createTreeView<Row>(viewId, {
    showCollapseAll: true,
    treeDataProvider: {
      onDidChangeTreeData: drawn.event,
      getChildren: (row) => [...(row ? childrenOf(row) : rowsOf(launches.list()))],
      getParent: (row) => parents.get(row),
      getTreeItem: treeItem,
      resolveTreeItem(item, row) {
        item.tooltip = row.tooltip?.() ?? row.spoken;
        return item;
      },
    },
  });

  const draw = () => {
    const list = launches.list();
    const problems = problemCount(list);
    view.description = summaryOf(list);
    view.badge =
      problems === 0
        ? undefined
        : { value: problems, tooltip: problems === 1 ? "1 problem" : `${problems} problems` };
    setContext("unknot.askable", launches.askable().length > 0);
    drawn.fire(undefined);
  };
  let timer: NodeJS.Timeout | undefined;
  const drawSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      draw();
    }, drawAfterMs);
  };

  /** Registers a command on a row: the one it was invoked on, else the selected one. */
  const onRow = (command: string, run: (row: Row) => unknown) =>
    vscode.commands.registerCommand(command, (invokedOn?: Row) => {
      const row = invokedOn ?? view.selection[0];
      return row && run(row);
    });

  launches.watch("view", view.visible);
  return vscode.Disposable.from(
    view,
    drawn,
    { dispose: () => clearTimeout(timer) },
    launches.onChange(drawSoon),
    view.onDidChangeVisibility(({ visible }) => launches.watch("view", visible)),
    vscode.commands.registerCommand("unknot.tasks.refresh", () => launches.refresh()),
    vscode.commands.registerCommand("unknot.takeTaskDump", (row?: Row) =>
      takeTaskDump(context, row?.session ?? view.selection[0]?.session),
    ),
    onRow("unknot.tasks.goToAwait", (row) => row.place && openPlace(row.place)),
    onRow("unknot.tasks.goToHolder", (row) => row.task?.holder && openPlace(row.task.holder)),
    onRow("unknot.tasks.goToCreator", (row) => row.task?.creator && openPlace(row.task.creator)),
    onRow("unknot.tasks.copy", (row) => vscode.env.clipboard.writeText(row.task?.text() ?? row.label)),
    vscode.commands.registerCommand("unknot.showTaskDump", async (uri?: vscode.Uri) => {
      if (await showTaskDump(launches, uri)) await vscode.commands.executeCommand(`${viewId}.focus`);
    }),
    vscode.commands.registerCommand("unknot.attach", async () => {
      if (await attachToTraced(launches, runtimeFolder())) {
        await vscode.commands.executeCommand(`${viewId}.focus`);
      }
    }),
    vscode.commands.registerCommand("unknot.tasks.compareFromNow", () => launches.compareFromNow()),
    onRow("unknot.tasks.closeDump", (row) => row.file !== undefined && launches.close(row.file)),
    onRow("unknot.tasks.showMore", (row) =>
      row.session === undefined || row.group === undefined
        ? undefined
        : launches.session(row.session)?.loadMore(row.group),
    ),
  );
}

function treeItem(row: Row): vscode.TreeItem {
  const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(row.label, row.children ? (row.open ? Expanded : Collapsed) : None);
  item.id = row.id;
  item.iconPath = new vscode.ThemeIcon(
    row.icon.name,
    row.icon.color === undefined ? undefined : new vscode.ThemeColor(row.icon.color),
  );
  item.contextValue = [
    row.kind,
    ...(row.file === undefined ? [] : ["file"]),
    ...(row.place ? ["place"] : []),
    ...(row.task?.holder ? ["holder"] : []),
    ...(row.task?.creator ? ["creator"] : []),
  ].join(" ");
  item.accessibilityInformation = { label: row.spoken };
  if (row.description !== undefined) item.description = row.description;
  const command = row.place
    ? "unknot.tasks.goToAwait"
    : row.kind === "more"
      ? "unknot.tasks.showMore"
      : undefined;
  if (command !== undefined) item.command = { command, title: "Open", arguments: [row] };
  return item;
}

function setContext(key: string, value: boolean): void {
  void vscode.commands.executeCommand("setContext", key, value);
}
