// Which programs are traced, as the user chooses: once, always, never, in terminals; and why one does not exit.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Locator } from "playwright-core";
import { runs, writeDebugWorkspace } from "./debug-workspace.ts";
import { reportFailures } from "./failures.ts";
import { launch, type Workbench } from "./workbench.ts";

const programs = {
  "waits.ts": `async function slow(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
await slow();
`,
  "polls.ts": `import { createServer } from "node:http";
function poll(): void {}
setInterval(poll, 60_000);

createServer().listen(0, "127.0.0.1");
`,
  "leaves-a-mark.ts": `import { writeFileSync } from "node:fs";
writeFileSync(process.argv[2]!, "ran");
`,
};

describe("choosing what is traced", () => {
  let folder: string;
  let code: Workbench;
  let elsewhere: ChildProcess;

  before(async () => {
    elsewhere = spawn(process.execPath, ["--inspect=0", "-e", "setInterval(() => {}, 1000)"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    folder = writeDebugWorkspace(programs, {
      configurations: [
        {
          type: "node",
          request: "attach",
          name: "Elsewhere",
          address: "127.0.0.1",
          port: await portOf(elsewhere),
        },
        runs("Wait", "waits.ts"),
        runs("Poll", "polls.ts"),
        runs("Mark", "leaves-a-mark.ts", { args: [`\${workspaceFolder}/mark`] }),
      ],
    });
    code = await launch({ workspace: folder });
    await code.openFile("waits.ts");
    await code.runCommand("Unknot: Focus on Diagnosis View");
  });
  reportFailures(() => code);
  afterEach(() => code.stopAnyDebugging());
  after(async () => {
    elsewhere?.kill();
    await code?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const traced = () => code.statusItem(/^\s*Traced\s*$/);
  const notTraced = () => code.statusItem("Not traced");
  /** Clicks again when the start of a session has taken the focus from the list. */
  const choose = (item: () => Locator, label: string) =>
    code.retry(async () => {
      await code.key("Escape");
      await item().click();
      const row = code.quickRows.filter({ hasText: label }).first();
      await row.waitFor({ timeout: 5000 });
      await row.click({ timeout: 5000 });
    });

  it("says where the panel is empty that a JavaScript Debug Terminal is not traced", async () => {
    const panel = code.page.locator("[id='workbench.parts.panel']");
    await code.runCommand("Debug: JavaScript Debug Terminal");
    await code.typeInTerminal("node waits.ts");
    await notTraced().waitFor();
    await code.runCommand("Unknot: Focus on Diagnosis View");
    await panel.getByText("The program in the JavaScript Debug Terminal is not traced").waitFor();
    await panel.getByText("Trace New Terminals", { exact: true }).waitFor();
    await code.screenshot("debug-terminal-untraced");
    await code.runCommand("Terminal: Kill All Terminals");
    await notTraced().waitFor({ state: "detached" });
    await code.runCommand("Unknot: Focus on Diagnosis View");
    await panel.getByText("Start Debugging", { exact: true }).waitFor();
  });

  it("offers to show the tasks of what a debugger attaches to, and says when it is not traced", async () => {
    await code.startDebugging("Elsewhere");
    const offer = code.statusItem("Show tasks");
    await offer.waitFor();
    await code.retry(async () => {
      await offer.click();
      await code.notifications.filter({ hasText: "No traced process runs" }).waitFor({ timeout: 5000 });
    });
    await code.runCommand("Notifications: Clear All Notifications");
    await code.stopDebugging();
    await offer.waitFor({ state: "detached" });
    assert.equal(elsewhere.exitCode, null);
  });

  it("takes one click, for once, always or never, and remembers it", async () => {
    await code.startDebugging("Wait");
    await code.treeRow(/^slow/).waitFor();
    await choose(traced, "Never");
    await code.stopDebugging();
    await code.startDebugging("Wait");
    await choose(notTraced, "Once");
    await traced().waitFor();
    await code.treeRow(/^Ended/).waitFor({ state: "detached" });
    await code.treeRow(/^slow/).waitFor();
    await code.stopDebugging();
    await code.startDebugging("Wait");
    await choose(notTraced, "Always");
    await traced().waitFor();
    await code.stopDebugging();
    await code.startDebugging("Wait");
    await choose(traced, "As the settings say");
    await code.stopDebugging();
    await traced().waitFor({ state: "detached" });
  });

  it("says why a program does not exit, and leads to the line that opened what keeps it alive", async () => {
    await code.startDebugging("Poll");
    await traced().waitFor();
    // Before it is connected there is nobody to ask.
    await code.treeRow(/^Ended/).waitFor({ state: "detached" });
    await code.runCommand("Unknot: Why Doesn't It Exit?");
    await code.pickRow("Start again and watch");
    const rows = code.quickRows;
    await rows.filter({ hasText: "an interval (every 60000 ms) keeps it alive" }).waitFor();
    await rows.filter({ hasText: "a server" }).waitFor();
    assert.match(await rows.filter({ hasText: "an interval" }).innerText(), /created at polls\.ts:3/);
    await code.screenshot("why");
    await code.pickRow("an interval");
    await code.waitForLine(3);
    await code.stopDebugging();
  });

  it("starts the chosen program again, not another that is debugged beside it", async () => {
    await code.startDebugging("Wait");
    await code.treeRow(/^slow/).waitFor();
    await code.startDebugging("Poll");
    await code.treeRow(/^polls\.ts/).waitFor();
    await code.runCommand("Unknot: Why Doesn't It Exit?");
    await code.pickRow("waits.ts");
    await code.pickRow("Start again and watch");
    // What the other program opened would come first.
    await code.quickRows.first().getByText("a timer (after 600000 ms) keeps it alive").waitFor();
    await code.screenshot("why-of-two");
    await code.pickRow("a timer");
    await code.waitForLine(2);
  });

  it("says it of the file in the editor, too", async () => {
    await code.openFile("polls.ts");
    await code.runCommand("Unknot: Why Doesn't It Exit?");
    await code.pickRow("an interval (every 60000 ms) keeps it alive");
    await code.waitForLine(3);
    await code.stopDebugging();
  });

  it("leaves terminals alone until it is asked to trace them", async () => {
    const before = await code.treeRows();
    await code.runCommand("Terminal: Create New Terminal");
    await code.typeInTerminal("echo options: [$NODE_OPTIONS]");
    await code.page.locator(".terminal-wrapper", { hasText: "options: []" }).first().waitFor();
    await code.runCommand("Unknot: Trace New Terminals");
    await code.page.locator(".terminal-tabs-entry").nth(1).waitFor();
    await code.typeInTerminal("echo options: [$NODE_OPTIONS]; npm --version; node waits.ts");
    await code.page.locator(".terminal-wrapper", { hasText: "unknot-shim.cjs" }).first().waitFor();
    await code.runCommand("Unknot: Focus on Diagnosis View");
    await code.treeRow(/^slow/).waitFor();
    const rows = await code.treeRows();
    assert.notDeepEqual(rows, before);
    assert.ok(!rows.some((row) => row.includes("npm")), rows.join("\n"));
    await code.runCommand("Unknot: Stop Tracing New Terminals");
    await code.waitUntil(async () => !code.saved(".vscode/settings.json").includes(": true"));
    await code.runCommand("Terminal: Kill All Terminals");
  });

  it("says that a program in a JavaScript Debug Terminal is not traced, and traces the next one with one click", async () => {
    const debugTerminal = async (tabs: number) => {
      await code.runCommand("Debug: JavaScript Debug Terminal");
      if (tabs > 1)
        await code.page
          .locator(".terminal-tabs-entry")
          .nth(tabs - 1)
          .waitFor();
      await code.typeInTerminal("node waits.ts");
    };
    await debugTerminal(1);
    await choose(notTraced, "Trace New Terminals");
    await code.page.locator(".terminal-tabs-entry").nth(1).waitFor();
    await debugTerminal(3);
    await code.runCommand("Unknot: Focus on Diagnosis View");
    // Rows of programs that ended before would look the same: those make room for what runs.
    await code.treeRow(/^Ended/).waitFor({ state: "detached" });
    await code.treeRow(/^slow/).waitFor();
    await code.screenshot("debug-terminal-traced");
    await code.runCommand("Unknot: Stop Tracing New Terminals");
    await code.waitUntil(async () => !code.saved(".vscode/settings.json").includes(": true"));
    await code.runCommand("Terminal: Kill All Terminals");
    await code.debugToolbar.waitFor({ state: "hidden" });
  });

  it("starts a program whose tracer has gone with the extension's folder", async () => {
    const [own] = readdirSync(code.extensions).filter((name) => name.startsWith("unknot."));
    assert.ok(own);
    renameSync(path.join(code.extensions, own), path.join(code.extensions, "elsewhere"));
    await code.startDebugging("Mark");
    await code.waitUntil(async () => existsSync(code.file("mark")));
    await code.debugToolbar.waitFor({ state: "hidden" });
  });
});

/** Where Node says that a debugger can attach. */
async function portOf({ stderr }: ChildProcess): Promise<number> {
  let said = "";
  stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  for (;;) {
    const port = /ws:\/\/[^:]+:(\d+)\//.exec(said)?.[1];
    if (port !== undefined) return Number(port);
    if (stderr) await once(stderr, "data");
  }
}

describe("a workspace that is not trusted", () => {
  let folder: string;
  let code: Workbench;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "unknot-untrusted-"));
    writeFileSync(
      path.join(folder, "drops.ts"),
      "async function save() {\n  await fetch('https://example.org');\n}\nexport function run() {\n  save();\n}\n",
    );
    code = await launch({ workspace: folder, untrusted: true });
    await code.openFile("drops.ts");
  });
  reportFailures(() => code);
  after(async () => {
    await code?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is told what is off and why; warnings work", async () => {
    await code.waitForProblem("floating-task");
    await code.runCommand("Unknot: Focus on Diagnosis View");
    const panel = code.page.locator("[id='workbench.parts.panel']");
    await panel.getByText("This workspace is not trusted").waitFor();
    await panel.getByText("Manage Workspace Trust").waitFor();
    assert.equal(await panel.getByText("Start Debugging").count(), 0);
    await code.screenshot("untrusted");
    await code.key("F1");
    await code.page.keyboard.type("Unknot: ");
    await code.quickRows.filter({ hasText: "Unknot: Check Workspace" }).waitFor();
    for (const off of [
      "Why Doesn't It Exit?",
      "Run Current File Traced",
      "Trace New Terminals",
      "Take Task Dump",
    ]) {
      assert.equal(await code.quickRows.filter({ hasText: off }).count(), 0, off);
    }
    await code.key("Escape");
  });
});
