import * as vscode from "vscode";

/** `unknot.enable` for a file. */
export function isEnabled(uri: vscode.Uri): boolean {
  return vscode.workspace.getConfiguration("unknot", uri).get("enable", true);
}
