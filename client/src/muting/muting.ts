import path from "node:path";
import { isMuted, type MutingRule, ruleFor, rulesOf } from "@unknot/protocol/muting.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import * as vscode from "vscode";
import { uriOf } from "../places.ts";
import { menuText, messageText } from "../program-text.ts";
import { configName, createConfigMuting, withRule } from "./config-rules.ts";

/** Problems that the user or the team does not want to see, by the setting and by `unknot.config.json`. */
export interface Muting extends vscode.Disposable {
  isMuted(problem: Problem): boolean;
  /** Other problems than before may be muted. */
  readonly onChange: vscode.Event<void>;
  /** Writes a rule into the workspace's settings; without a workspace into the user's. */
  muteInSettings(problem: Problem): Promise<void>;
  /** Writes a rule into the configuration that the problem's file belongs to, or into a new one of its workspace folder. */
  muteInProject(problem: Problem): Promise<void>;
  /** Leads to where a rule is written. */
  showRules(): Promise<void>;
}

export function createMuting(): Muting {
  const readSetting = () => rulesOf(vscode.workspace.getConfiguration("unknot").get("mutedProblems"));
  const changed = new vscode.EventEmitter<void>();
  const configs = createConfigMuting();
  let setting = readSetting();
  const forget = () => {
    configs.forget();
    changed.fire();
  };
  const files = vscode.workspace.createFileSystemWatcher(`**/${configName}`);
  const registered = vscode.Disposable.from(
    changed,
    files,
    files.onDidChange(forget),
    files.onDidCreate(forget),
    files.onDidDelete(forget),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration("unknot.mutedProblems")) return;
      setting = readSetting();
      changed.fire();
    }),
  );
  return {
    isMuted: (problem) => isMuted(problem, setting) || configs.mutes(problem),
    onChange: changed.event,
    async muteInSettings(problem) {
      const folders = vscode.workspace.workspaceFolders ?? [];
      const rule = ruleFor(
        problem,
        folders.map(({ uri }) => uri.path),
      );
      const configuration = vscode.workspace.getConfiguration("unknot");
      const { Global, Workspace } = vscode.ConfigurationTarget;
      const target = folders.length > 0 ? Workspace : Global;
      const { workspaceValue, globalValue } = configuration.inspect("mutedProblems") ?? {};
      const before = rulesOf(target === Workspace ? workspaceValue : globalValue);
      await configuration.update("mutedProblems", [...before, rule], target);
    },
    async muteInProject(problem) {
      const config = configFor(problem, configs.configOf);
      if (!config) {
        await vscode.window.showInformationMessage(
          `Open the folder that the problem is in: its '${configName}' is written there.`,
        );
        return;
      }
      const rule = ruleFor(problem, [path.posix.dirname(config.path)]);
      if (await writeRule(config, rule)) forget();
    },
    async showRules() {
      const chosen = await chooseRule(setting, configs.withRules());
      if (chosen?.config) await vscode.window.showTextDocument(chosen.config);
      else if (chosen)
        await vscode.commands.executeCommand("workbench.action.openSettings", "unknot.mutedProblems");
    },
    dispose: () => registered.dispose(),
  };
}

/** The configuration to write to, which may not be there yet. */
function configFor(
  { at: [place] }: Problem,
  configOf: (file: string) => string | undefined,
): vscode.Uri | undefined {
  const uri = place && uriOf(place);
  const found = uri && configOf(uri.fsPath);
  if (found !== undefined) return vscode.Uri.file(found);
  const folder = uri && vscode.workspace.getWorkspaceFolder(uri);
  return folder && vscode.Uri.joinPath(folder.uri, configName);
}

/** Whether it is written; the user is told where it can't be. */
async function writeRule(config: vscode.Uri, rule: MutingRule): Promise<boolean> {
  const edit = new vscode.WorkspaceEdit();
  edit.createFile(config, { ignoreIfExists: true });
  await vscode.workspace.applyEdit(edit);
  const document = await vscode.workspace.openTextDocument(config);
  const text = withRule(document.getText(), rule, indentIn(document));
  const open = "Open File";
  if (text === undefined) {
    const choice = await vscode.window.showErrorMessage(
      `'${configName}' is not the JSON that a rule could be put into.`,
      open,
    );
    if (choice === open) await vscode.window.showTextDocument(document);
    return false;
  }
  const whole = new vscode.Range(
    new vscode.Position(0, 0),
    document.lineAt(document.lineCount - 1).range.end,
  );
  const change = new vscode.WorkspaceEdit();
  change.replace(config, whole, text);
  if (!(await vscode.workspace.applyEdit(change)) || !(await document.save())) {
    await vscode.window.showErrorMessage(`'${configName}' could not be written.`);
    return false;
  }
  void vscode.window
    .showInformationMessage(messageText(`${ruleText(rule)} is muted in '${configName}'.`), open)
    .then(async (choice) => {
      if (choice === open) await vscode.window.showTextDocument(document);
    });
  return true;
}

/** One step of indentation, as the first indented line has it. */
function indentIn(document: vscode.TextDocument): string {
  return /^([ \t]+)\S/m.exec(document.getText())?.[1] ?? "  ";
}

function ruleText({ problem, file }: MutingRule): string {
  return file === undefined ? `'${problem}'` : `'${problem}' in '${file}'`;
}

interface RuleItem extends vscode.QuickPickItem {
  /** Where it stands; in the settings if absent. */
  readonly config?: vscode.Uri;
}

async function chooseRule(
  setting: readonly MutingRule[],
  configs: ReturnType<ReturnType<typeof createConfigMuting>["withRules"]>,
): Promise<RuleItem | undefined> {
  const items: readonly RuleItem[] = [
    ...setting.map((rule) => ({
      label: menuText(ruleText(rule)),
      description: "setting unknot.mutedProblems",
    })),
    ...configs.flatMap(({ file, rules }) => {
      const config = vscode.Uri.file(file);
      const description = vscode.workspace.asRelativePath(config);
      return rules.map((rule) => ({ label: menuText(ruleText(rule)), description, config }));
    }),
  ];
  // One place needs no choice.
  const places = new Set(items.map(({ description }) => description));
  if (places.size <= 1) return items[0];
  return vscode.window.showQuickPick(items, { placeHolder: "What is muted, and where that is written" });
}
