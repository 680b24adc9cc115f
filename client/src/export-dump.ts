import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gzipSync } from "node:zlib";
import { writeDumpJson } from "@unknot/dump/formats/dump-json.ts";
import { writeGoroutines } from "@unknot/dump/formats/goroutine-text.ts";
import { encodePprof, type PprofProfile, pprofProfiles } from "@unknot/dump/formats/pprof.ts";
import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import { plain } from "@unknot/dump/names.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import * as vscode from "vscode";
import { messageText } from "./program-text.ts";

interface Format extends vscode.QuickPickItem {
  /** With what the file's name ends. */
  readonly ending: string;
  readonly write: (dump: Dump) => Iterable<string | Uint8Array>;
}

const profileWords: Readonly<Record<PprofProfile, string>> = {
  tasks: "every task, by its stack",
  deadlock: "members of deadlocks",
  leak: "tasks that surely never go on",
  floating: "tasks that have ended and that nothing awaits",
  block: "where tasks have waited, since the start",
  mutex: "who held what others waited for, since the start",
};

const formats: readonly Format[] = [
  {
    label: "Task dump, every task",
    detail: "Text for people, mail and version control; opens in this panel again",
    ending: "taskdump",
    write: (dump) => writeTaskdump(dump, { mode: "full" }),
  },
  {
    label: "Task dump, by where they wait",
    detail: "The same, with one block for all tasks of a place",
    ending: "taskdump",
    write: (dump) => writeTaskdump(dump, { mode: "grouped" }),
  },
  {
    label: "JSON",
    detail: "Everything, for programs; opens in this panel again",
    ending: "json",
    write: (dump) => writeDumpJson(dump),
  },
  {
    label: "Goroutines",
    detail: "For tools that read Go's dumps: panicparse, roumon, goroutine-inspect",
    ending: "txt",
    write: (dump) => writeGoroutines(dump),
  },
  ...pprofProfiles.map(
    (profile): Format => ({
      label: `pprof, ${profile}`,
      detail: `For go tool pprof and speedscope: ${profileWords[profile]}`,
      ending: "pb.gz",
      write: (dump) => [gzipSync(encodePprof(dump, { profile }))],
    }),
  ),
];

/** Asks for a format and a file, then takes the dump and writes it. */
export async function exportDump(take: () => Promise<Dump>): Promise<void> {
  const format = await vscode.window.showQuickPick(formats, { title: "Export Task Dump" });
  if (!format) return;
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const name = `tasks.${format.ending}`;
  const target = await vscode.window.showSaveDialog({
    title: "Export Task Dump",
    ...(folder ? { defaultUri: vscode.Uri.joinPath(folder.uri, name) } : {}),
  });
  if (!target) return;
  try {
    const dump = await take();
    await pipeline(Readable.from(format.write(dump)), createWriteStream(target.fsPath));
    const open = "Open";
    const choice = await vscode.window.showInformationMessage(
      messageText(`The tasks are in '${plain(target.fsPath)}'.`),
      ...(format.ending === "pb.gz" ? [] : [open]),
    );
    if (choice === open) await vscode.window.showTextDocument(target);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await vscode.window.showErrorMessage(messageText(`The tasks were not exported: ${plain(why)}`));
  }
}
