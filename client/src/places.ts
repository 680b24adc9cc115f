import { plain } from "@unknot/dump/names.ts";
import type { Place } from "@unknot/protocol/place.ts";
import * as vscode from "vscode";
import { messageText } from "./program-text.ts";

/** Opens the file of a place and puts the cursor there; says so when it is no file or is gone. */
export async function openPlace(place: Place): Promise<void> {
  const uri = uriOf(place);
  if (!uri) return sayUnopened(place, "it is not a file");
  const position = positionOf(place);
  try {
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(position, position) });
  } catch {
    await sayUnopened(place, "it may have moved since the dump");
  }
}

async function sayUnopened(place: Place, why: string): Promise<void> {
  await vscode.window.showWarningMessage(messageText(`'${plain(place.file)}' can't be opened: ${why}.`));
}

/** The file of a place; undefined for modules of Node and for what was loaded from elsewhere. */
export function uriOf(place: Pick<Place, "file">): vscode.Uri | undefined {
  return /^(\/|[A-Za-z]:\/)/.test(place.file) ? vscode.Uri.file(place.file) : undefined;
}

export function positionOf(place: Place): vscode.Position {
  return new vscode.Position(Math.max(place.line - 1, 0), Math.max(place.column - 1, 0));
}
