import { outlineOf } from "@unknot/dump/formats/taskdump-outline.ts";
import { plain } from "@unknot/dump/names.ts";
import * as vscode from "vscode";
import { findFile } from "../places.ts";
import { capturedAtIn, changedText } from "./source-changes.ts";

/** Of more files nobody looks whether they have changed. */
const mostFiles = 200;

/** Above a dump: opens it in the panel, and says when its sources have changed since it was taken. */
export function registerDumpLenses(dumps: vscode.DocumentSelector): vscode.Disposable {
  const top = new vscode.Range(0, 0, 0, 0);
  const changed = new vscode.EventEmitter<void>();
  return vscode.Disposable.from(
    changed,
    vscode.workspace.onDidSaveTextDocument(() => changed.fire()),
    vscode.languages.registerCodeLensProvider(dumps, {
      onDidChangeCodeLenses: changed.event,
      async provideCodeLenses(document) {
        const open = new vscode.CodeLens(top, {
          title: "$(list-tree) Open in the Unknot Panel",
          command: "unknot.showTaskDump",
          arguments: [document.uri],
        });
        const text = changedText(await changedSince(document));
        if (text === undefined) return [open];
        return [open, new vscode.CodeLens(top, { title: `$(warning) ${text}`, command: "" })];
      },
    }),
  );
}

/** The names of the sources of a dump that were written after it was taken. */
async function changedSince(document: vscode.TextDocument): Promise<readonly string[]> {
  const text = document.getText();
  const capturedAt = capturedAtIn(text);
  if (capturedAt === undefined) return [];
  const files = [...new Set(outlineOf(text).places.map(({ place }) => place.file))].slice(0, mostFiles);
  const looked = await Promise.all(
    files.map(async (file) => {
      const found = await findFile({ file });
      if (!found) return [];
      const { mtime } = await vscode.workspace.fs.stat(found);
      return mtime > capturedAt ? [plain(file.slice(file.lastIndexOf("/") + 1))] : [];
    }),
  );
  return looked.flat();
}
