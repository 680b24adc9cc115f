import { plain } from "@unknot/dump/names.ts";
import * as vscode from "vscode";
import { menuText } from "./program-text.ts";
import type { Session } from "./sessions/session.ts";
import { titleOf } from "./views/tree/session-title.ts";

/** The wanted one of those that can be asked, the only one, else the one that the user picks. */
export async function chooseSession(
  askable: readonly Session[],
  wanted: string | undefined,
  placeHolder: string,
): Promise<Session | undefined> {
  const [first, ...others] = askable;
  if (!first) {
    await vscode.window.showInformationMessage("No traced program is there: start one with the debugger.");
    return undefined;
  }
  const named = askable.find((session) => session.id === wanted);
  if (named || others.length === 0) return named ?? first;
  const picked = await vscode.window.showQuickPick(
    askable.map((session) => ({
      label: menuText(plain(session.process.title) || titleOf(session.snapshot())),
      description: `process ${session.process.pid}`,
      session,
    })),
    { placeHolder },
  );
  return picked?.session;
}
