import path from "node:path";
import { plain } from "@unknot/dump/names.ts";
import * as vscode from "vscode";
import { menuText } from "../program-text.ts";
import type { Launches } from "./launches.ts";
import { registeredThreads } from "./runtime-folder-watch.ts";

/** Lets the user choose one of the traced processes that run, and shows it. Whether one is shown. */
export async function attachToTraced(launches: Launches, folder: string): Promise<boolean> {
  const threads = registeredThreads(folder);
  if (threads.length === 0) {
    await vscode.window.showInformationMessage(
      "No traced process runs: a program is traced from its start or not at all. Start it with 'unknot run -- program' or 'node --import unknot/register program'.",
    );
    return false;
  }
  const picked = await vscode.window.showQuickPick(
    threads.map((thread) => ({
      label: menuText(plain(path.basename(thread.title))),
      description: `process ${thread.pid}${thread.threadId === 0 ? "" : `, worker thread ${thread.threadId}`}`,
      detail: menuText(plain(thread.cwd)),
      thread,
    })),
    { placeHolder: "The traced process to show the tasks of", matchOnDescription: true, matchOnDetail: true },
  );
  if (!picked) return false;
  launches.attach(picked.thread);
  return true;
}
