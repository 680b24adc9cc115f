import path from "node:path";
import * as vscode from "vscode";

/** Starts the file of the active editor with the debugger, traced whatever the settings say. */
export async function runFileTraced(wanted: vscode.Uri | undefined): Promise<void> {
  const uri = wanted ?? vscode.window.activeTextEditor?.document.uri;
  if (uri?.scheme !== "file") {
    await vscode.window.showInformationMessage("Open the file to run first: one that is saved on disk.");
    return;
  }
  await vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString())?.save();
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  await vscode.debug.startDebugging(folder, {
    type: "node",
    request: "launch",
    name: path.basename(uri.fsPath),
    program: uri.fsPath,
    cwd: folder?.uri.fsPath ?? path.dirname(uri.fsPath),
    __unknotTraced: true,
  });
}
