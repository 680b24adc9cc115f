import * as vscode from "vscode";
import { listRoots } from "../tree/list-rows.ts";
import type { ViewContext } from "../view-context.ts";
import { queryOf, rowsOfPage } from "./model.ts";

/** Registers the Waits view. */
export function register({ launches, trees, query }: ViewContext): vscode.Disposable {
  const tree = trees.add("unknot.waits", {
    roots: () => listRoots(launches.list(), "waits", queryOf(query.current)),
    rowsOfPage,
  });
  return vscode.Disposable.from(tree, launches.onChange(tree.update), query.onChange(tree.redraw));
}
