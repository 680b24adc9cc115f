import type { TaskPage } from "@unknot/protocol/task-list.ts";
import * as vscode from "vscode";
import { openPlace } from "../../places.ts";
import type { Launches } from "../../sessions/launches.ts";
import { firstOverviewMs, type SessionSnapshot } from "../../sessions/session.ts";
import { timeOf } from "./clock-time.ts";
import type { ListRoots } from "./list-rows.ts";
import { createPages } from "./pages.ts";
import { type Below, linesOf, markdownOf, type Row } from "./row.ts";

/** After a change that is drawn at once, those of so long are drawn together. */
const drawEveryMs = 50;

/** Where a view's rows come from. */
export interface RowSource {
  readonly roots: () => ListRoots;
  /** The rows of a level of a list; of a view without lists there are none. */
  readonly rowsOfPage?: (session: SessionSnapshot, below: Below, page: TaskPage) => readonly Row[];
}

export interface Tree extends vscode.Disposable {
  readonly view: vscode.TreeView<Row>;
  /** The user wants to see something else. */
  redraw(): void;
  /** The program goes on; nothing is drawn while updates are paused. */
  update(): void;
}

/** The trees of the panel: they look alike, and a row of each answers to the same commands. */
export interface Trees extends vscode.Disposable {
  add(
    id: string,
    source: RowSource,
    options?: { readonly before?: (view: vscode.TreeView<Row>) => void },
  ): Tree;
  /** Registers a command on a row: the one it was invoked on, else the one selected in the view that has the focus. */
  onRow(command: string, run: (row: Row) => unknown): vscode.Disposable;
}

export function createTrees(launches: Launches): Trees {
  const pages = createPages(launches);
  const trees = new Map<string, vscode.TreeView<Row>>();
  const redraws = new Set<() => void>();
  let paused = false;
  const look = () => launches.watch("view", !paused && [...trees.values()].some(({ visible }) => visible));
  const pause = (next: boolean) => {
    paused = next;
    setContext("unknot.updatesPaused", paused);
    look();
    const diagnosis = trees.get("unknot.diagnosis");
    if (diagnosis) diagnosis.message = paused ? `Updates are paused, as of ${timeOf(Date.now())}.` : "";
    if (!paused) for (const redraw of redraws) redraw();
  };

  /** When each process was first seen that has told nothing yet. */
  const seen = new Map<string, number>();
  /**
   * By when the first overviews should be there that are under way. VS Code draws a change at once, and those that follow
   * only when there were none for 200 ms; so what is worth seeing should be the first.
   */
  const firstOverviewsBy = (now: number): number => {
    const sessions = launches.list().flatMap((launch) => launch.sessions);
    const awaited = sessions.filter(
      ({ state, overview }) => !overview && (state.kind === "connecting" || state.kind === "live"),
    );
    for (const id of seen.keys()) if (!sessions.some((session) => session.id === id)) seen.delete(id);
    for (const { id } of awaited) if (!seen.has(id)) seen.set(id, now);
    const since = awaited.map(({ id }) => seen.get(id) ?? now);
    return since.length === 0 ? now : Math.max(...since) + firstOverviewMs;
  };

  const onRow: Trees["onRow"] = (command, run) =>
    // Invoked on a row, or by a key that names its view.
    vscode.commands.registerCommand(command, (on?: Row | string) => {
      const row = typeof on === "object" ? on : selected(on);
      return row && run(row);
    });
  const selected = (id: string | undefined): Row | undefined =>
    id === undefined
      ? [...trees.values()].flatMap(({ visible, selection }) => (visible ? (selection[0] ?? []) : []))[0]
      : trees.get(id)?.selection[0];

  const commands = vscode.Disposable.from(
    vscode.commands.registerCommand("unknot.pauseUpdates", () => pause(true)),
    vscode.commands.registerCommand("unknot.resumeUpdates", () => pause(false)),
    onRow("unknot.tasks.goToAwait", (row) => row.place && openPlace(row.place)),
    onRow("unknot.tasks.goToHolder", (row) => row.task?.holder && openPlace(row.task.holder)),
    onRow("unknot.tasks.goToCreator", (row) => row.task?.creator && openPlace(row.task.creator)),
    onRow("unknot.tasks.copy", (row) => vscode.env.clipboard.writeText(linesOf(row).join("\n"))),
    onRow("unknot.tasks.showMore", ({ level }) => {
      if (level === undefined) return;
      pages.showMore(level);
      for (const redraw of redraws) redraw();
    }),
    onRow("unknot.tasks.copyMarkdown", (row) => vscode.env.clipboard.writeText(markdownOf(row))),
  );

  return {
    onRow,
    add(id, source, { before } = {}) {
      const drawn = new vscode.EventEmitter<undefined>();
      const parents = new WeakMap<Row, Row>();
      const load = async (below: Below): Promise<readonly Row[]> => {
        const session = launches.session(below.session)?.snapshot();
        if (!session?.overview) return [];
        const page = await pages.page(below, session.overview.capturedAt);
        return page ? (source.rowsOfPage?.(session, below, page) ?? []) : [];
      };
      const rootRows = async (): Promise<Row[]> => {
        const roots = source.roots();
        return [...(roots.kind === "rows" ? roots.rows : await load(roots.below))];
      };
      const childrenOf = async (row: Row): Promise<Row[]> => {
        const own = row.children?.() ?? [];
        const children = row.below ? [...own, ...(await load(row.below))] : [...own];
        for (const child of children) parents.set(child, row);
        return children;
      };
      const view = vscode.window.createTreeView<Row>(id, {
        showCollapseAll: true,
        treeDataProvider: {
          onDidChangeTreeData: drawn.event,
          getChildren: async (row) => (row ? childrenOf(row) : rootRows()),
          getParent: (row) => parents.get(row),
          getTreeItem: treeItem,
          resolveTreeItem(item, row) {
            item.tooltip = row.tooltip?.() ?? row.spoken;
            return item;
          },
        },
      });
      trees.set(id, view);
      let timer: NodeJS.Timeout | undefined;
      let dueAt = 0;
      let drawnAt = Number.NEGATIVE_INFINITY;
      const draw = () => {
        timer = undefined;
        drawnAt = performance.now();
        pages.keepOnly((id) => launches.session(id) !== undefined);
        before?.(view);
        drawn.fire(undefined);
      };
      const redraw = () => {
        const now = performance.now();
        const at = Math.max(now, drawnAt + drawEveryMs, firstOverviewsBy(now));
        if (timer !== undefined && dueAt <= at) return;
        clearTimeout(timer);
        dueAt = at;
        timer = setTimeout(draw, at - now);
      };
      redraws.add(redraw);
      look();
      const parts = vscode.Disposable.from(view, drawn, view.onDidChangeVisibility(look));
      return {
        view,
        redraw,
        update() {
          if (!paused) redraw();
        },
        dispose() {
          clearTimeout(timer);
          trees.delete(id);
          redraws.delete(redraw);
          parts.dispose();
        },
      };
    },
    dispose: () => commands.dispose(),
  };
}

export function setContext(key: string, value: boolean): void {
  void vscode.commands.executeCommand("setContext", key, value);
}

function treeItem(row: Row): vscode.TreeItem {
  const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const parent = row.children !== undefined || row.below !== undefined;
  const item = new vscode.TreeItem(row.label, parent ? (row.open ? Expanded : Collapsed) : None);
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
    ...(row.problem === undefined ? [] : ["explained"]),
    ...(row.offers === undefined ? [] : [row.offers]),
  ].join(" ");
  item.accessibilityInformation = { label: row.spoken };
  if (row.description !== undefined) item.description = row.description;
  const command = row.place
    ? "unknot.tasks.goToAwait"
    : row.kind === "more"
      ? "unknot.tasks.showMore"
      : row.offers === "why"
        ? "unknot.why"
        : undefined;
  if (command !== undefined) item.command = { command, title: "Open", arguments: [row] };
  return item;
}
