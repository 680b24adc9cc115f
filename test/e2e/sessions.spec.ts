// What the Diagnosis view says of debug sessions that are more, or less, than one traced program.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { root } from "@unknot/scripts/build.ts";
import { reportFailures } from "./failures.ts";
import { launch, type Workbench } from "./workbench.ts";

const programs = {
  "waits.ts": `async function slow(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
await slow();
`,
  "idles.ts": `async function lazy(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
await lazy();
`,
  "team.ts": `import { isMainThread, Worker } from "node:worker_threads";
async function boss(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
async function hand(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
if (isMainThread) {
  for (let count = 0; count < 2; count++) new Worker(new URL(import.meta.url));
  await boss();
} else await hand();
`,
  // Ends at once with a task pending, so that it always leaves a last dump.
  "done.ts": "async function undone(): Promise<void> {\n  await new Promise(() => {});\n}\nawait undone();\n",
  "old.mjs": "setInterval(() => {}, 1000);\n",
};

describe("the Diagnosis view of several sessions", () => {
  let folder: string;
  let code: Workbench;
  let outside: ChildProcess | undefined;

  const run = (name: string, program: string, more: object = {}) => ({
    type: "node",
    request: "launch",
    name,
    program: `\${workspaceFolder}/${program}`,
    ...more,
  });
  const configurations = [
    run("Slowly", "waits.ts"),
    run("Lazily", "idles.ts"),
    run("Get done", "done.ts"),
    run("As a team", "team.ts"),
    run("On an old Node", "old.mjs", { runtimeExecutable: `\${workspaceFolder}/old/node` }),
  ];
  const compounds = [{ name: "Both", configurations: ["Slowly", "Lazily"], stopAll: true }];
  const launchFile = (more: readonly object[] = []) =>
    JSON.stringify({ version: "0.2.0", configurations: [...configurations, ...more], compounds });

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "unknot-sessions-"));
    for (const [name, text] of Object.entries(programs)) writeFileSync(path.join(folder, name), text);
    writeFileSync(path.join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
    mkdirSync(path.join(folder, ".vscode"));
    writeFileSync(path.join(folder, ".vscode", "launch.json"), launchFile());
    // Calls itself old, and as an old one would, runs without the tracer.
    mkdirSync(path.join(folder, "old"));
    writeFileSync(
      path.join(folder, "old", "node"),
      '#!/bin/sh\n[ "$1" = --version ] && echo v18.20.8 && exit\nUNKNOT_TRACE=0 exec node "$@"\n',
    );
    chmodSync(path.join(folder, "old", "node"), 0o755);
    // Tall, because the tree draws only the rows that are on the screen.
    code = await launch({ workspace: folder, viewport: { width: 1400, height: 1500 } });
    await code.openFile("waits.ts");
    await code.runCommand("View: Show Run and Debug");
    await code.runCommand("Unknot: Focus on Diagnosis View");
  });
  reportFailures(() => code);
  afterEach(() => {
    outside?.kill();
    return code.stopAnyDebugging();
  });
  after(async () => {
    await code?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The process ids of what is debugged, in the order of the Call Stack view. */
  const debugged = async (): Promise<readonly string[]> => {
    const rows = await code.page.locator(".debug-call-stack .monaco-list-row").allInnerTexts();
    return rows.flatMap((row) => /\[(\d+)\]/.exec(row)?.[1] ?? []);
  };

  it("shows both programs of a compound, and both after they have ended", async () => {
    await code.startDebugging("Both");
    for (const row of [/^waits\.ts \(\d+\)/, /^slow/, /^idles\.ts \(\d+\)/, /^lazy/]) {
      await code.treeRow(row).waitFor();
    }
    await code.stopDebugging();
    await code.treeRow(/^Ended/, 1).waitFor();
    await code.treeRow(/^slow/).waitFor();
    await code.treeRow(/^lazy/).waitFor();
  });

  it("keeps the one of two programs that goes on", async () => {
    await code.startDebugging("Slowly");
    await code.treeRow(/^slow/).waitFor();
    await code.treeRow(/^Ended/).waitFor({ state: "detached" });
    await code.startDebugging("Get done");
    await code.treeRow(/^(waits|done)\.ts \(\d+\)/, 1).waitFor();
    await code.treeRow(/^Ended/).waitFor();
    await code.treeRow(/^slow/).waitFor();
    assert.equal((await code.treeRows()).filter((row) => row.startsWith("Ended")).length, 1);
    await code.stopDebugging();
  });

  it("keeps the selected row while the program goes on, and answers to the keyboard", async () => {
    await code.startDebugging("Slowly");
    await code.treeRow(/^Ended/).waitFor({ state: "detached" });
    const row = code.treeRow(/^slow/);
    await row.click();
    await code.waitForLine(2);
    const now = await row.innerText();
    await code.treeRow(now).waitFor({ state: "detached" });
    await code.page.locator("[id='workbench.parts.panel'] .selected", { hasText: /^slow/ }).waitFor();
    await code.goToLine(1);
    await code.runCommand("Unknot: Focus on Tasks View");
    await code.key("ArrowRight");
    await code.treeRow(/^Awaits at/).waitFor();
    await code.key("ArrowDown", "Enter");
    await code.waitForLine(2);
    await code.stopDebugging();
  });

  it("shows the tasks of a program's worker threads, too", async () => {
    await code.startDebugging("As a team");
    await code.treeRow(/^boss/).waitFor();
    for (const thread of ["team\\.ts \\(", "team\\.ts worker \\d+ \\("])
      await code.treeRow(new RegExp(`^${thread}`)).waitFor();
    await code.waitUntil(
      async () => (await code.treeRows()).filter((row) => row.startsWith("hand")).length === 2,
    );
    await code.stopDebugging();
  });

  it("puts a restarted program in the place of its first run", async () => {
    await code.startDebugging("Slowly");
    await code.treeRow(/^slow/).waitFor();
    const [first] = await debugged();
    assert.ok(first);
    await code.key("Control+Shift+F5");
    const processes = code.page.locator(".debug-call-stack .monaco-list-row");
    await processes.filter({ hasText: "waits.ts [", hasNotText: `[${first}]` }).waitFor();
    await processes.filter({ hasText: `[${first}]` }).waitFor({ state: "detached" });
    const [second] = await debugged();
    assert.notEqual(second, first);
    await code.treeRow(/^Ended/).waitFor({ state: "detached" });
    await code.treeRow(/^slow/).waitFor();
    assert.equal((await code.treeRows()).filter((row) => row.startsWith("slow")).length, 1);
    await code.runCommand("Unknot: Take Task Dump");
    await code.page.locator(".tabs-container .tab.active", { hasText: `${second}-` }).waitFor();
    await code.key("Control+F4");
    await code.stopDebugging();
  });

  it("says why a program on an old Node is not traced", async () => {
    await code.startDebugging("On an old Node");
    const row = code.treeRow(/^'On an old Node' runs untraced/);
    await row.waitFor();
    assert.match(await row.innerText(), /Node 18\.20\.8 can't be traced: Node 22\.15 or newer is needed/);
    await code.stopDebugging();
  });

  it("shows a traced program that was started in a terminal, once it is asked to", async () => {
    outside = spawn(
      process.execPath,
      ["--import", path.join(root, "dist", "npm", "register.cjs"), path.join(folder, "waits.ts")],
      { stdio: "ignore", env: { ...process.env, TMPDIR: code.temporary } },
    );
    const registration = path.join(code.temporary, `unknot-${userInfo().uid}`, `${outside.pid}-0.json`);
    await code.waitUntil(async () => existsSync(registration));
    await code.runCommand("Unknot: Attach to Traced Process");
    const row = code.page.locator(".quick-input-list .monaco-list-row", {
      hasText: `process ${outside.pid}`,
    });
    await row.click();
    await code.treeRow(new RegExp(`^waits\\.ts \\(${outside.pid}\\)|^slow`)).waitFor();
    outside.kill();
    await code.treeRow(/^Ended/).waitFor();
  });

  it("runs the file of the editor traced, without any configuration", async () => {
    await code.openFile("idles.ts");
    await code.runCommand("Unknot: Run Current File Traced");
    await code.treeRow(/^lazy/).waitFor();
    await code.stopDebugging();
  });

  it("leaves a program alone that the debugger is attached to", async () => {
    const before = await code.treeRows();
    outside = spawn(process.execPath, ["--inspect=127.0.0.1:0", path.join(folder, "old.mjs")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const port = await inspectorPort(outside);
    writeFileSync(
      code.file(".vscode/launch.json"),
      launchFile([{ type: "node", request: "attach", name: "From outside", address: "127.0.0.1", port }]),
    );
    await code.startDebugging("From outside");
    await code.debugToolbar.locator(".codicon-debug-disconnect").waitFor();
    assert.deepEqual(await code.treeRows(), before);
    await code.stopDebugging();
    assert.equal(outside.exitCode, null);
  });
});

function inspectorPort(program: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let told = "";
    program.stderr?.on("data", (data) => {
      told += String(data);
      const port = /ws:\/\/127\.0\.0\.1:(\d+)/.exec(told)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    program.once("exit", () => reject(new Error(told)));
  });
}
