import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** A launch configuration for a program of the workspace, with what else it says. */
export function runs(name: string, program: string, more: object = {}): object {
  return { type: "node", request: "launch", name, program: `\${workspaceFolder}/${program}`, ...more };
}

/** Writes a workspace of ES modules with a launch.json; gives its folder, which the test removes. */
export function writeDebugWorkspace(
  programs: Readonly<Record<string, string>>,
  launches: { readonly configurations: readonly object[]; readonly compounds?: readonly object[] },
): string {
  const folder = mkdtempSync(path.join(tmpdir(), "unknot-debug-"));
  for (const [name, text] of Object.entries(programs)) writeFileSync(path.join(folder, name), text);
  writeFileSync(path.join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  mkdirSync(path.join(folder, ".vscode"));
  writeFileSync(
    path.join(folder, ".vscode", "launch.json"),
    JSON.stringify({ version: "0.2.0", ...launches }),
  );
  return folder;
}
