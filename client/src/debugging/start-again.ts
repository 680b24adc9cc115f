import * as vscode from "vscode";

/** Ends a session and starts its program again, traced whatever the settings say. */
export async function startAgainTraced(
  session: vscode.DebugSession,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { workspaceFolder: folder, configuration: resolved } = session;
  const written = vscode.workspace
    .getConfiguration("launch", folder)
    .get<readonly vscode.DebugConfiguration[]>("configurations", [])
    .find(({ name }) => name === resolved.name);
  // One that was made up for the start, as by a test or F5 without a configuration, starts as it was resolved.
  const configuration = written ?? resolved;
  await vscode.debug.stopDebugging(session);
  await vscode.debug.startDebugging(folder, {
    ...configuration,
    env: { ...configuration["env"], ...env },
    __unknotTraced: true,
  });
}
