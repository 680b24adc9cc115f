import path from "node:path";
import * as vscode from "vscode";

/**
 * Starts the file of the active editor with the debugger, traced whatever the settings say. Whether it was started.
 */
export async function runFileTraced(
  wanted: vscode.Uri | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const uri = wanted ?? vscode.window.activeTextEditor?.document.uri;
  if (uri?.scheme !== "file") {
    await vscode.window.showInformationMessage("Open the file to run first: one that is saved on disk.");
    return false;
  }
  await vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString())?.save();
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  return vscode.debug.startDebugging(folder, {
    type: "node",
    request: "launch",
    name: path.basename(uri.fsPath),
    program: uri.fsPath,
    cwd: folder?.uri.fsPath ?? path.dirname(uri.fsPath),
    env,
    __unknotTraced: true,
  });
}
