import { url } from "node:inspector";

/** A debugger is attached, or VS Code's is about to be. */
export function isUnderDebugger(): boolean {
  return url() !== undefined || process.env["VSCODE_INSPECTOR_OPTIONS"] !== undefined;
}
