import * as vscode from "vscode";
import type { ViewContext } from "../view-context.ts";
import { rowsOf } from "./model.ts";

/** Registers the Contention view. */
export function register({ launches, trees }: ViewContext): vscode.Disposable {
  const tree = trees.add("unknot.contention", {
    roots: () => ({ kind: "rows", rows: rowsOf(launches.list()) }),
  });
  return vscode.Disposable.from(tree, launches.onChange(tree.update));
}
