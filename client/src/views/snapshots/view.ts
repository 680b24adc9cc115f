import { createWriteStream, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { writeDumpJson } from "@unknot/dump/formats/dump-json.ts";
import { plain } from "@unknot/dump/names.ts";
import * as vscode from "vscode";
import { chooseSession } from "../../choose-session.ts";
import { exportDump } from "../../export-dump.ts";
import { menuText, messageText } from "../../program-text.ts";
import { momentOf } from "../../sessions/session.ts";
import { readDump } from "../../task-dump.ts";
import { timeOf } from "../tree/clock-time.ts";
import type { ViewContext } from "../view-context.ts";
import { type NamedSide, rowsOf, sidesOf } from "./model.ts";
import { createSnapshots } from "./snapshots.ts";

/** A dump of more tasks is not kept, only its groups: it would take the extension's host minutes and a gigabyte. */
const mostTasks = 200_000;

/** Registers the Snapshots view. What it keeps is there as long as the window. */
export function register({ launches, trees, storage, log }: ViewContext): vscode.Disposable {
  const snapshots = createSnapshots();
  const folder = path.join(storage.fsPath, "snapshots", String(process.pid));
  const drop = (file: string | undefined) => file !== undefined && rmSync(file, { force: true });
  const tree = trees.add("unknot.snapshots", {
    roots: () => ({ kind: "rows", rows: rowsOf(launches.list(), snapshots) }),
  });
  const show = () => vscode.commands.executeCommand("unknot.snapshots.focus");

  const take = async (sessionId?: string) => {
    const session = await chooseSession(launches.askable(), sessionId, "The process to take a snapshot of");
    if (!session) return;
    await session.refresh();
    const { overview, process: from } = session.snapshot();
    if (!overview) return;
    const name = await vscode.window.showInputBox({
      title: "Take Snapshot",
      prompt: "The snapshot is taken. Its name:",
      value: `at ${timeOf(overview.capturedAt)}`,
    });
    if (name === undefined) return;
    let file: string | undefined;
    if (overview.total <= mostTasks) {
      try {
        mkdirSync(folder, { recursive: true });
        const target = path.join(folder, `${overview.capturedAt}-${from.pid}-${from.threadId}.json`);
        const dump = await session.dump("panel");
        await pipeline(Readable.from(writeDumpJson(dump)), createWriteStream(target));
        file = target;
      } catch (error) {
        log.warn(`The dump of a snapshot was not kept: ${error instanceof Error ? error.message : error}`);
      }
    }
    const dropped = snapshots.add({
      name: name.trim() || "snapshot",
      process: from,
      total: overview.total,
      moment: momentOf(overview),
      ...(file === undefined ? {} : { file }),
    });
    for (const old of dropped) drop(old.file);
    await show();
  };

  const pickSide = async (sides: readonly NamedSide[], placeHolder: string) => {
    const picked = await vscode.window.showQuickPick(
      sides.map((side) => ({
        label: menuText(plain(side.name)),
        description: menuText(side.detail),
        side,
      })),
      { title: "Compare Snapshots", placeHolder },
    );
    return picked?.side;
  };
  const compare = async (id: string | undefined) => {
    const sides = sidesOf(launches.list(), snapshots);
    if (sides.length < 2) {
      await vscode.window.showInformationMessage(
        "There are no two moments to compare yet: take a snapshot of a traced program.",
      );
      return;
    }
    const one = sides.find((side) => side.id === id) ?? (await pickSide(sides, "Compare this one…"));
    if (!one) return;
    const other = await pickSide(
      sides.filter((side) => side !== one),
      `…with '${plain(one.name)}'`,
    );
    if (!other) return;
    snapshots.compare(one, other);
    await show();
  };

  const exportOne = async (id: string | undefined) => {
    const snapshot = snapshots.list().find((each) => each.id === id);
    if (!snapshot) {
      const session = await chooseSession(launches.askable(), id, "The process whose tasks to export");
      if (session) await exportDump(() => session.dump("panel"));
      return;
    }
    const { file, name } = snapshot;
    if (file === undefined) {
      await vscode.window.showWarningMessage(
        messageText(`Of '${plain(name)}' only the groups were kept, since there were too many tasks.`),
      );
      return;
    }
    await exportDump(() => readDump(vscode.Uri.file(file)));
  };

  return vscode.Disposable.from(
    tree,
    { dispose: () => rmSync(folder, { recursive: true, force: true }) },
    launches.onChange(tree.update),
    snapshots.onChange(tree.redraw),
    vscode.commands.registerCommand("unknot.snapshots.take", (row?: { readonly session?: string }) =>
      take(row?.session),
    ),
    vscode.commands.registerCommand("unknot.snapshots.compare", (row?: { readonly id?: string }) =>
      compare(row?.id),
    ),
    vscode.commands.registerCommand(
      "unknot.export",
      (row?: { readonly id?: string; readonly session?: string }) => exportOne(row?.session ?? row?.id),
    ),
    trees.onRow("unknot.snapshots.rename", async ({ id }) => {
      const snapshot = snapshots.list().find((each) => each.id === id);
      if (!snapshot) return;
      const name = await vscode.window.showInputBox({ title: "Rename Snapshot", value: snapshot.name });
      if (name?.trim()) snapshots.rename(id, name.trim());
    }),
    trees.onRow("unknot.snapshots.remove", ({ id }) => drop(snapshots.remove(id)?.file)),
  );
}
