import {
  cancelCheckCommand,
  checkWorkspaceCommand,
  type WorkspaceSummary,
  writeBaselineCommand,
} from "@unknot/protocol/workspace-check.ts";
import * as vscode from "vscode";
import { languages } from "../language/languages.ts";
import { summaryText } from "./summary-text.ts";

/**
 * Findings in files that are not open are one line beside the language of the editor, which opens them. They are
 * looked for when somebody asks.
 */
export function registerWorkspaceCheck(): vscode.Disposable {
  const status = vscode.languages.createLanguageStatusItem(
    "unknot.workspace",
    languages.map((language) => ({ language })),
  );
  status.name = "Unknot in the workspace";
  showIdle(status);
  return vscode.Disposable.from(
    status,
    vscode.commands.registerCommand("unknot.checkWorkspace", async () => {
      const summary = await ask(status, checkWorkspaceCommand);
      if (summary?.complete) await offer(summary);
    }),
    vscode.commands.registerCommand("unknot.writeBaseline", async () => {
      const summary = await ask(status, writeBaselineCommand);
      if (!summary?.complete) return;
      const [file] = summary.written;
      const message = `Unknot: ${summary.baselined} findings are in the baseline from now on.`;
      const open = file === undefined ? [] : ["Open Baseline"];
      const chosen = await vscode.window.showInformationMessage(message, ...open);
      if (chosen !== undefined && file !== undefined)
        await vscode.window.showTextDocument(vscode.Uri.file(file));
    }),
  );
}

/** Asks the language server and shows how it goes; undefined when it can't. */
async function ask(
  status: vscode.LanguageStatusItem,
  command: string,
): Promise<WorkspaceSummary | undefined> {
  status.text = "Unknot: checking the workspace";
  status.busy = true;
  status.command = { command: cancelCheckCommand, title: "Cancel" };
  try {
    const known = await vscode.commands.getCommands(true);
    // The server's own commands are there as long as it runs; without an open file it does not.
    if (!known.includes(command)) await vscode.commands.executeCommand("unknot.restartServer");
    const summary = await vscode.commands.executeCommand<WorkspaceSummary>(command);
    showOutcome(status, summary);
    return summary;
  } catch (error) {
    showIdle(status);
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(`Unknot: The workspace can't be checked: ${reason}`);
    return undefined;
  }
}

function showIdle(status: vscode.LanguageStatusItem): void {
  status.text = "Unknot: open files only";
  status.busy = false;
  status.command = { command: "unknot.checkWorkspace", title: "Check Workspace" };
}

function showOutcome(status: vscode.LanguageStatusItem, summary: WorkspaceSummary): void {
  status.text = `Unknot: ${summaryText(summary)}`;
  status.busy = false;
  status.command =
    summary.elsewhere.findings > 0
      ? { command: "workbench.actions.view.problems", title: "Show" }
      : { command: "unknot.checkWorkspace", title: "Check Workspace" };
}

async function offer(summary: WorkspaceSummary): Promise<void> {
  const actions = summary.elsewhere.findings > 0 ? (["Show", "Write Baseline"] as const) : [];
  const chosen = await vscode.window.showInformationMessage(`Unknot: ${summaryText(summary)}.`, ...actions);
  if (chosen === "Show") await vscode.commands.executeCommand("workbench.actions.view.problems");
  if (chosen === "Write Baseline") await vscode.commands.executeCommand("unknot.writeBaseline");
}
