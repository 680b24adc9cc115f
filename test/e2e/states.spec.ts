// The ten states of the panel, each looked at in a real VS Code. A thread that serves the wire plays the program where a
// real one would get into the state only by accident.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { userInfo } from "node:os";
import path from "node:path";
import { startWireServer, type WireServer } from "@unknot/client/testing/wire-server.ts";
import { DumpBuilder, waits, wants } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Registration } from "@unknot/protocol/wire.ts";
import { writeDebugWorkspace } from "./debug-workspace.ts";
import { reportFailures } from "./failures.ts";
import { madeUpNames } from "./random-program.ts";
import { launch, type Workbench } from "./workbench.ts";

const name = madeUpNames();
const [handles, pool] = [name(), name()];

function waiting(count: number, named = pool): DumpBuilder {
  const builder = new DumpBuilder().resource("pool", 1, {
    name: named,
    capacity: 1,
    heldBy: [{ task: 1, forMs: 900 }],
  });
  builder.task(1, { name: handles, state: "IO wait", at: "http.ts:5", wait: waits(800) });
  for (let id = 2; id <= count; id++)
    builder.task(id, {
      name: `${handles}${id}`,
      state: "pool.acquire",
      at: `http.ts:${id}`,
      wait: wants(1, "acquire", 700),
    });
  return builder;
}

describe("the states of the panel", () => {
  let folder: string;
  let code: Workbench;
  let server: WireServer;
  let threads = 0;

  before(async () => {
    folder = writeDebugWorkspace({ "app.ts": "export {};\n" }, { configurations: [] });
    code = await launch({ workspace: folder });
    await code.openFile("app.ts");
    await code.runCommand("Unknot: Focus on Diagnosis View");
    // The one before may be shown above it for a while, and rows below the edge are not there.
    await code.resizePanel(600);
  });
  reportFailures(() => code);
  afterEach(() => server?.close());
  after(async () => {
    await code?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A process to attach to, which is this one under another name. */
  const serve = async (dump: Dump, change: Partial<Registration> = {}): Promise<string> => {
    const title = `${name()}.ts`;
    const threadId = ++threads;
    const shown = {
      ...dump,
      process: { ...dump.process, pid: process.pid, threadId, title: `/app/${title}` },
    };
    server = await startWireServer(
      shown,
      { threadId, title: shown.process.title, ...change },
      path.join(code.temporary, `unknot-${userInfo().uid}`),
    );
    server.register();
    return title;
  };
  const attach = async (title: string) => {
    // The list goes away when something else takes the focus.
    await code.waitUntil(async () => {
      await code.runCommand("Unknot: Attach to Traced Process");
      return code.quickRows
        .filter({ hasText: title })
        .waitFor({ timeout: 3000 })
        .then(
          () => true,
          () => false,
        );
    });
    await code.fillQuickInput(title);
    await code.key("Enter");
  };
  const row = (text: RegExp) => code.treeRow(text);
  const clickAction = async (text: RegExp) => {
    // Rows that are drawn anew show their actions only when the mouse moves again.
    await code.waitUntil(async () => {
      await row(text).hover();
      return row(text)
        .locator(".action-label")
        .first()
        .click({ timeout: 500 })
        .then(
          () => true,
          () => false,
        );
    });
  };

  it("empty: says what the panel is for, and what can be done", async () => {
    const panel = code.page.locator("[id='workbench.parts.panel']");
    for (const button of [
      "Start Debugging",
      "Run Current File",
      "Attach to Traced Process",
      "Open Task Dump",
    ])
      await panel.getByText(button, { exact: true }).first().waitFor();
    await panel.getByText("node --import unknot/register app.js").waitFor();
    await code.screenshot("state-empty");
  });

  it("connecting: tells to what, for how long and what is tried, and can be given up and begun again", async () => {
    const title = await serve(waiting(3).build());
    server.keepWaiting();
    await attach(title);
    const connecting = new RegExp(`^Connecting to ${title}.*for \\d+ s`, "s");
    await row(connecting).waitFor();
    await row(/^Tried/).waitFor();
    await code.screenshot("state-connecting");
    await clickAction(connecting);
    await row(/^No connection.*You have stopped connecting/s).waitFor();
    server.answer();
    await clickAction(/^No connection/);
    await row(/^No connection/).waitFor({ state: "detached" });
    await row(new RegExp(`'${pool}'`)).waitFor();
  });

  it("connected without tasks: says so, and offers to see what keeps the program alive", async () => {
    const title = await serve(new DumpBuilder().build());
    server.told = { handles: 2 };
    await attach(title);
    await row(/^No pending tasks/).waitFor();
    await row(/^Event loop.*turns/s).waitFor();
    await row(/^See what keeps it alive.*2 open handles/s).waitFor();
    await code.screenshot("state-no-tasks");
    await row(/^See what keeps it alive/).click();
    await code.quickRows.filter({ hasText: "Start again and watch" }).waitFor();
    await code.key("Escape");
  });

  it("live: tells how many tasks are started, that nothing was lost, what tracing costs and what is open", async () => {
    const own = name();
    const title = await serve(waiting(3, own).build());
    server.told = { started: 12_000, cost: { threadMs: 8, besideMs: 120 }, handles: 4 };
    await attach(title);
    await row(new RegExp(`'${own}'`)).waitFor();
    server.dump = { ...server.dump, capturedAt: server.dump.capturedAt + 1000 };
    server.told = { started: 12_345, cost: { threadMs: 20, besideMs: 150 }, handles: 5 };
    await code.runCommand("Unknot: Refresh Tasks");
    await row(/^Tasks started.*12,345 so far, none dropped/s).waitFor();
    await row(
      /^Cost of tracing.*about 1\.2 % of the program's thread, about 3\.0 % of a core beside it/s,
    ).waitFor();
    await row(/^See what keeps it alive.*5 open handles/s).waitFor();
    await code.screenshot("state-live");
  });

  it("paused by the user: says since when, and what was known stays as it was", async () => {
    const own = name();
    const title = await serve(waiting(3, own).build());
    await attach(title);
    await row(new RegExp(`'${own}'`)).waitFor();
    await code.runCommand("Unknot: Pause Updates of the Panel");
    const message = code.page
      .locator("[id='workbench.parts.panel']")
      .getByText(/Updates are paused, as of \d\d:\d\d:\d\d\./);
    await message.waitFor();
    const before = await code.treeRows();
    server.dump = waiting(9).build();
    await code.screenshot("state-paused");
    assert.deepEqual(await code.treeRows(), before);
    await code.runCommand("Unknot: Resume Updates of the Panel");
    await message.waitFor({ state: "detached" });
  });

  it("disconnected: keeps what was known while the process is there, connects again, and sees it end", async () => {
    // A name of its own: rows of the program before may still be there.
    const own = name();
    await attach(await serve(waiting(3, own).build()));
    await row(new RegExp(`'${own}'`)).waitFor();
    server.breakOff();
    await row(/^Disconnected.*the process is still there, as of/s).waitFor();
    await row(new RegExp(`'${own}'`)).waitFor();
    await code.screenshot("state-disconnected");
    await clickAction(/^Disconnected/);
    await row(/^Disconnected/).waitFor({ state: "detached" });
    await server.close();
    await row(/^Ended.*as of/s).waitFor();
    await code.screenshot("state-ended");
  });

  it("another version: says so, and what to do", async () => {
    await attach(await serve(waiting(3).build(), { version: 99 as never }));
    await row(
      /^No connection.*traced by another version of Unknot: restart it, or update the older side/s,
    ).waitFor();
    await code.screenshot("state-version");
  });

  it("refused: says so", async () => {
    await attach(await serve(waiting(3).build(), { token: "wrong" }));
    await row(/^No connection.*refused/s).waitFor();
    await code.screenshot("state-refused");
  });

  it("partial: says what is not seen", async () => {
    const coverage = {
      instrumented: ["async-mutex@0.5.0"],
      transformed: 4,
      untouched: [{ file: "/app/bundle.js", reason: "too large" }],
      blind: ["worker_threads (2)"],
      dropped: 7,
    };
    await attach(await serve(waiting(3).build({ coverage })));
    const told = row(/^Coverage.*1 file not traced, worker_threads \(2\) not seen, 7 events dropped/s);
    await told.waitFor();
    await code.screenshot("state-partial");
  });

  it("too many: shows a part and the number", async () => {
    await attach(await serve(waiting(12_345).build()));
    await code.runCommand("Unknot: Focus on Tasks View");
    await code.page
      .locator("[id='workbench.parts.panel']")
      .getByText(/12,345/)
      .first()
      .waitFor();
    // A view that was focused before its rows were there has lost the focus when they are.
    await code.waitUntil(async () => {
      await code.runCommand("Unknot: Focus on Tasks View");
      await code.key("End");
      return row(/^200 of 12,345 shown/)
        .waitFor({ timeout: 1000 })
        .then(
          () => true,
          () => false,
        );
    });
    await code.screenshot("state-too-many");
  });
});
