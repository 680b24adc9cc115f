import { parseFilter } from "@unknot/dump/filter.ts";
import type { TaskPage } from "@unknot/protocol/task-list.ts";
import * as vscode from "vscode";
import { listRoots } from "../tree/list-rows.ts";
import { setContext } from "../tree/trees.ts";
import type { ViewContext } from "../view-context.ts";
import { chooseGrouping, chooseOrder, editFilter } from "./choose.ts";
import { messageOf, rowsOfPage, titleOfList } from "./model.ts";

const viewId = "unknot.tasks";

/** Registers the Tasks view with its filter, grouping and order. */
export function register({ launches, trees, query }: ViewContext): vscode.Disposable {
  /** The top of each session's list: what the message counts. */
  const tops = new Map<string, TaskPage>();
  const tree = trees.add(
    viewId,
    {
      roots: () => listRoots(launches.list(), "tasks", query.current),
      rowsOfPage(session, below, page) {
        if (below.request.under === undefined) {
          tops.set(session.id, page);
          tree.view.message = messageOf(query.current, [...tops.values()]) ?? "";
        }
        return rowsOfPage(session, below, page);
      },
    },
    {
      before(view) {
        for (const id of tops.keys()) if (!launches.session(id)) tops.delete(id);
        view.description = titleOfList(query.current);
      },
    },
  );
  const setQuery = () => {
    tops.clear();
    tree.view.message = messageOf(query.current, []) ?? "";
    setContext("unknot.filtered", query.current.filter !== "");
    tree.redraw();
  };
  return vscode.Disposable.from(
    tree,
    launches.onChange(tree.update),
    query.onChange(setQuery),
    vscode.commands.registerCommand("unknot.tasks.filter", async (given?: unknown) => {
      // Other commands give a filter; keys give the name of their view.
      const text =
        typeof given === "object" && given !== null && "filter" in given
          ? String(given.filter)
          : await editFilter(query.current.filter);
      if (text === undefined || !parseFilter(text).ok) return;
      query.change({ filter: text.trim() });
    }),
    vscode.commands.registerCommand("unknot.tasks.clearFilter", () => query.change({ filter: "" })),
    vscode.commands.registerCommand("unknot.tasks.groupBy", async () => {
      const by = await chooseGrouping(query.current.by);
      if (by !== undefined) query.change({ by });
    }),
    vscode.commands.registerCommand("unknot.tasks.sortBy", async () => {
      const order = await chooseOrder(query.current);
      if (order !== undefined) query.change(order);
    }),
  );
}
