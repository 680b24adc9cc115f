import { createWriteStream, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { loadDumps } from "@unknot/dump/formats/load-dumps.ts";
import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import { plain } from "@unknot/dump/names.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import * as vscode from "vscode";
import { chooseSession } from "./choose-session.ts";
import { messageText } from "./program-text.ts";
import type { Launches } from "./sessions/launches.ts";
import type { ViewContext } from "./views/view-context.ts";

/** From so many tasks on, a dump that a person reads is written in groups. */
const mostTasksInFull = 2000;

/** Takes a dump of a session, of one that has ended its last, and opens it as a `.taskdump` file; asks which one when there are several. */
export async function takeTaskDump(
  { launches, storage }: ViewContext,
  sessionId: string | undefined,
): Promise<void> {
  const session = await chooseSession(launches.askable(), sessionId, "The process to take a dump of");
  if (!session) return;
  try {
    const dump = await session.dump("panel");
    const time = new Date(dump.capturedAt).toISOString().replace(/[:.]/g, "-");
    const file = path.join(storage.fsPath, "dumps", `${dump.process.pid}-${time}.taskdump`);
    makeRoom(path.dirname(file));
    const mode = dump.tasks.length > mostTasksInFull ? "grouped" : "full";
    await pipeline(Readable.from(writeTaskdump(dump, { mode })), createWriteStream(file));
    await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: false });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await vscode.window.showErrorMessage(messageText(`No dump was taken: ${plain(why)}`));
  }
}

/** A larger file would not fit into a string. */
const largestFile = 500_000_000;

/**
 * Shows a dump file in the Diagnosis view: the one given, that of the active editor, else one that the user chooses.
 * Whether something is shown; what can't be read is said.
 */
export async function showTaskDump(launches: Launches, wanted: vscode.Uri | undefined): Promise<boolean> {
  const uri = wanted ?? activeDump() ?? (await chooseFile());
  if (!uri) return false;
  const name = plain(path.basename(uri.path));
  const refuse = async (why: string) => {
    await vscode.window.showErrorMessage(messageText(`'${name}' can't be shown: ${plain(why)}`));
    return false;
  };
  try {
    if ((await vscode.workspace.fs.stat(uri)).size > largestFile)
      return await refuse("it is larger than 500 MB.");
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    const { dumps, notes } = loadDumps(text);
    if (dumps.length === 0) return await refuse(notes.join(" "));
    launches.open(uri.scheme === "file" ? uri.fsPath : uri.toString(), dumps);
    if (notes.length > 0) void vscode.window.showWarningMessage(messageText(`'${name}': ${notes.join(" ")}`));
    return true;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** The first dump of a file that was written by us. Throws when it can't be read. */
export async function readDump(uri: vscode.Uri): Promise<Dump> {
  const { dumps, notes } = loadDumps(new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)));
  const [dump] = dumps;
  if (dump === undefined) throw new Error(notes.join(" "));
  return dump;
}

function activeDump(): vscode.Uri | undefined {
  const document = vscode.window.activeTextEditor?.document;
  return document?.languageId === "taskdump" ? document.uri : undefined;
}

async function chooseFile(): Promise<vscode.Uri | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: "Open Task Dump",
    filters: { "Task dumps": ["taskdump", "json", "txt"], "All files": ["*"] },
  });
  return chosen?.[0];
}

/** So many dumps are kept; who wants one for longer saves it elsewhere. */
const mostDumps = 20;

function makeRoom(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const byAge = readdirSync(folder)
    .map((name) => path.join(folder, name))
    .sort((one, other) => statSync(one).mtimeMs - statSync(other).mtimeMs);
  for (const old of byAge.slice(0, Math.max(byAge.length - mostDumps + 1, 0))) rmSync(old, { force: true });
}
