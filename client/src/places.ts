import { plain } from "@unknot/dump/names.ts";
import type { Place } from "@unknot/protocol/place.ts";
import * as vscode from "vscode";
import { globName, likeliest } from "./moved-paths.ts";
import { messageText } from "./program-text.ts";

/** Opens the file of a place, in a column if one is named, and puts the cursor there; says so when it is no file or is gone. */
export async function openPlace(place: Place, column?: vscode.ViewColumn): Promise<void> {
  if (!uriOf(place)) return sayUnopened(place, "it is not a file");
  const uri = await findFile(place);
  if (!uri) return sayUnopened(place, "it may have moved since the dump");
  const position = positionOf(place);
  try {
    await vscode.window.showTextDocument(uri, {
      selection: new vscode.Range(position, position),
      ...(column === undefined ? {} : { viewColumn: column }),
    });
  } catch {
    await sayUnopened(place, "the editor does not show it");
  }
}

/** More files of one name are not looked at. */
const mostFiles = 500;

/**
 * The file of a place: the one of that path, else the one of the workspace whose path ends the same for the longest,
 * since a dump may come from a container or another machine. Undefined when there is none, or no best one.
 */
export async function findFile(place: Pick<Place, "file">): Promise<vscode.Uri | undefined> {
  const uri = uriOf(place);
  if (!uri) return undefined;
  try {
    await vscode.workspace.fs.stat(uri);
    return uri;
  } catch {
    const name = globName(place.file.slice(place.file.lastIndexOf("/") + 1));
    const files = await vscode.workspace.findFiles(`**/${name}`, "**/node_modules/**", mostFiles);
    const best = likeliest(
      place.file,
      files.map((file) => vscode.workspace.asRelativePath(file, false)),
    );
    return best === undefined ? undefined : files[best];
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
