// Dump files: those of another machine, in the Diagnosis view and in the editor.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import { DumpBuilder, waits, wants } from "@unknot/dump/testing/dump-builder.ts";
import { reportFailures } from "./failures.ts";
import { launch, type Workbench } from "./workbench.ts";

/** Written in a container that has the sources in `/app`. */
const dump = new DumpBuilder()
  .mutex(4, "ledger", { task: 7, forMs: 182_900, site: "src/orders.ts:3" })
  .task(7, { name: "reserve", state: "IO wait", at: "src/orders.ts:4", wait: waits(182_400) })
  .task(8, { name: "charge", state: "mutex.lock", at: "src/billing.ts:2", wait: wants(4) })
  .task(9, { name: "charge", state: "mutex.lock", at: "src/billing.ts:2", wait: wants(4) })
  .build();
const text = [...writeTaskdump(dump, { mode: "full" })].join("");
const lines = text.split("\n");

/** The first line with this text, from 1, and the column of its last character, which is in the word to look up. */
function find(part: string): readonly [line: number, column: number] {
  const index = lines.findIndex((line) => line.includes(part));
  return [index + 1, (lines[index]?.indexOf(part) ?? 0) + part.length];
}

describe("dump files", () => {
  let folder: string;
  let code: Workbench;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "unknot-dumps-"));
    mkdirSync(path.join(folder, "src"));
    writeFileSync(path.join(folder, "hung.taskdump"), text);
    writeFileSync(
      path.join(folder, "go.taskdump"),
      "goroutine 7 [chan send, 4 minutes]:\nmain.worker(0x0)\n\t/go/main.go:6 +0x36\n",
    );
    writeFileSync(path.join(folder, "notes.taskdump"), "not a dump\n");
    writeFileSync(path.join(folder, "src", "orders.ts"), "export {};\n\nawait 1;\n        await 2;\n");
    writeFileSync(path.join(folder, "src", "billing.ts"), "export {};\n        await 2;\n");
    code = await launch({ workspace: folder, viewport: { width: 1400, height: 1000 } });
  });
  reportFailures(() => code);
  after(async () => {
    await code?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("are shown in the Diagnosis view, and lead to the workspace's own files", async () => {
    await code.openFile("hung.taskdump");
    await code.runCommand("Unknot: Open Task Dump");
    await code.treeRow(/^hung\.taskdump.*taken 2026-11-2/s).waitFor();
    const blocker = code.treeRow(
      "'ledger' is held for 3 min 2 s by 'reserve' at orders.ts:3; 2 tasks wait behind",
    );
    await blocker.click();
    await code.waitForLine(3);
    assert.match(await code.activeTab(), /orders\.ts/);
    await code.treeRow(/^2 × charge/).click();
    await code.waitForLine(2);
    assert.match(await code.activeTab(), /billing\.ts/);
  });

  it("have an outline, links to the source and definitions", async () => {
    await code.openFile("hung.taskdump");
    await code.key("Control+Shift+O");
    const rows = code.page.locator(".quick-input-list .monaco-list-row");
    for (const name of ["reserve", "charge", "ledger"])
      await rows.filter({ hasText: name }).first().waitFor();
    await code.key("Escape");
    await code.goToLine(...find("holding mutex#4"));
    await code.key("F12");
    await code.waitForLine(find("resource mutex#4")[0]);
    await code.goToLine(...find("/app/src/orders.ts:4"));
    await code.runCommand("Open Link");
    await code.waitForLine(4);
    assert.match(await code.activeTab(), /orders\.ts/);
  });

  it("open in the view by a link above them, which says when the sources differ", async () => {
    utimesSync(code.file("src/billing.ts"), new Date(0), new Date(0));
    utimesSync(code.file("src/orders.ts"), new Date(0), new Date(dump.capturedAt + 1000));
    await code.openFile("go.taskdump");
    await code.openFile("hung.taskdump");
    await code.goToLine(1);
    await code.page
      .locator(".codelens-decoration", { hasText: "Source differs: orders.ts was changed after the dump" })
      .waitFor();
    await code.page.locator(".codelens-decoration a", { hasText: "Open in the Unknot Panel" }).click();
    await code.treeRow(/^hung\.taskdump.*taken 2026-11-2/s).waitFor();
  });

  it("are closed by the button of their row", async () => {
    const row = code.treeRow(/^hung\.taskdump/);
    await row.hover();
    await row.locator(".codicon-close").click();
    await row.waitFor({ state: "detached" });
  });

  it("may be Go's, and what is none says so", async () => {
    await code.openFile("go.taskdump");
    await code.runCommand("Unknot: Open Task Dump");
    await code.treeRow(/^main\.worker.*chan send/s).waitFor();
    await code.openFile("notes.taskdump");
    await code.runCommand("Unknot: Open Task Dump");
    await code.page
      .locator(".notifications-toasts", { hasText: "'notes.taskdump' can't be shown" })
      .waitFor();
  });
});
