// Tests that another extension debugs: traced like any program, with the results that they have without us.
import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { writeDebugWorkspace } from "./debug-workspace.ts";
import { reportFailures } from "./failures.ts";
import { packGuest } from "./guest-extension.ts";
import { launch, type Workbench } from "./workbench.ts";

const programs = {
  "hangs.test.mjs": `import { Mutex } from "async-mutex";
const stock = new Mutex();
const ledger = new Mutex();
async function reserve() {
  const release = await stock.acquire();
  await Promise.resolve();
  (await ledger.acquire())();
  release();
}
async function bill() {
  const release = await ledger.acquire();
  await Promise.resolve();
  (await stock.acquire())();
  release();
}
setInterval(() => {}, 1000);
await Promise.all([reserve(), bill()]);
`,
  "pauses.test.mjs": `async function add(one, other) {
  await null;
  return one + other;
}
const three = await add(1, 2);
console.log(three);
`,
  "passes.test.mjs": `async function look() {
  await null;
  const { NODE_OPTIONS, OWN, TESTED } = process.env;
  return [NODE_OPTIONS, OWN, TESTED, process.execArgv];
}
console.log(JSON.stringify(await look()));
`,
  "fails.test.mjs": `async function sum() {
  await null;
  throw new TypeError("not a number");
}
await sum();
`,
};

describe("tests that another extension debugs", () => {
  let folder: string;
  let guest: string;
  let code: Workbench;

  before(async () => {
    folder = writeDebugWorkspace(programs, { configurations: [] });
    guest = await packGuest("test-runner");
    code = await launch({
      workspace: folder,
      guests: [guest],
      packages: ["async-mutex", "tslib"],
      settings: { "testing.automaticallyOpenTestResults": "neverOpen" },
    });
    await code.openFile("hangs.test.mjs");
    await code.runCommand("Testing: Focus on Test Explorer View");
    await code.page.locator(".test-explorer .monaco-list-row").first().waitFor();
  });
  reportFailures(() => code);
  afterEach(() => code.stopAnyDebugging());
  after(async () => {
    await code?.close();
    for (const each of [folder, path.dirname(guest)]) rmSync(each, { recursive: true, force: true });
  });

  interface How {
    readonly start: "launch" | "terminal" | "below" | "attach";
    readonly pool: "process" | "thread";
    readonly env?: Readonly<Record<string, string>>;
  }
  const debugTest = async (file: string, how: Partial<How>) => {
    rmSync(code.file("results.json"), { force: true });
    writeFileSync(
      code.file("test-runner.json"),
      JSON.stringify({ start: "launch", pool: "process", ...how }),
    );
    await code.openFile(file);
    await code.runCommand("Test: Debug Tests in Current File");
    await code.debugToolbar.waitFor();
    // A terminal that is covered before it was seen does not start.
    if (how.start === "terminal")
      await code.page.locator(".terminal-wrapper", { hasText: "run.cjs" }).first().waitFor();
    await code.runCommand("Unknot: Focus on Diagnosis View");
  };

  for (const [start, pool] of [
    ["launch", "process"],
    ["launch", "thread"],
    ["terminal", "process"],
    ["below", "process"],
  ] as const) {
    it(`shows what a test waits for that hangs (${start}, ${pool})`, async () => {
      await debugTest("hangs.test.mjs", { start, pool });
      // What is shown of an earlier run makes room for this one.
      await code.treeRow(/^Ended/).waitFor({ state: "detached" });
      await code.treeRow(/^Deadlock D1: 'reserve' waits for 'ledger', which 'bill' holds/).waitFor();
      await code.statusItem(/^\s*Traced\s*$/).waitFor();
      // What starts the tests is none of the user's program.
      await code.treeRow(/^run\.cjs \(\d+\)\s*0 tasks/).waitFor();
    });
  }

  for (const pool of ["process", "thread"] as const) {
    it(`says that the test is paused, and not that it blocks its event loop (${pool})`, async () => {
      await code.openFile("pauses.test.mjs");
      await code.toggleBreakpoint(3);
      await debugTest("pauses.test.mjs", { pool });
      await code.waitForPause();
      await code.treeRow(/^Paused by the debugger/).waitFor();
      await code.treeRow(/^add\s*running/).waitFor();
      assert.ok(!(await code.treeRows()).some((row) => row.startsWith("The event loop has not turned")));
      await code.resume();
      await code.debugToolbar.waitFor({ state: "hidden" });
      await code.removeBreakpoint(3);
    });
  }

  const resultOf = async (file: string, how: Partial<How>) => {
    await debugTest(file, how);
    await code.debugToolbar.waitFor({ state: "hidden" });
    await code.waitUntil(async () => existsSync(code.file("results.json")));
    const { code: exit, output } = JSON.parse(code.saved("results.json")) as { code: number; output: string };
    // How Node writes frames of files with a map: docs/decisions/stack-traces-of-traced-programs.md.
    const plain = output.replaceAll("file://", "").replace(/<anonymous> \((.*)\)/g, "$1");
    // Comes at any time.
    return { exit, output: plain.replace(/^(Debugger|Waiting for|For help).*\n/gm, "") };
  };

  for (const pool of ["process", "thread"] as const) {
    it(`changes neither results nor variables (${pool})`, async () => {
      const untraced = { pool, env: { UNKNOT_TRACE: "0" } };
      const passes = [
        await resultOf("passes.test.mjs", { pool }),
        await resultOf("passes.test.mjs", untraced),
      ];
      const [one, other] = passes.map(({ output }) => JSON.parse(output) as readonly [string, ...unknown[]]);
      assert.match(one?.[0] ?? "", /unknot-shim\.cjs/);
      const options = one?.[0].replace(/ --require "[^"]*unknot-shim\.cjs"/, "");
      assert.deepEqual([options, ...(one?.slice(1) ?? [])], other);
      assert.match(options ?? "", /--no-warnings/);
      assert.deepEqual(
        passes.map(({ exit }) => exit),
        [0, 0],
      );
      const fails = await resultOf("fails.test.mjs", { pool });
      assert.match(fails.output, /TypeError: not a number\n {4}at sum \(.*fails\.test\.mjs:3:9\)/);
      assert.equal(fails.exit, 1);
      assert.deepEqual(fails, await resultOf("fails.test.mjs", untraced));
    });
  }

  it("leaves alone what the extension has started itself and attaches to", async () => {
    const { exit, output } = await resultOf("passes.test.mjs", { start: "attach" });
    assert.equal(exit, 0);
    assert.ok(!output.includes("unknot"), output);
    await debugTest("hangs.test.mjs", { start: "attach" });
    await code.statusItem("Show tasks").waitFor();
  });
});
