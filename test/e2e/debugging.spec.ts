// What tracing does to a debug session, and what it must not do.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { runs, writeDebugWorkspace } from "./debug-workspace.ts";
import { reportFailures } from "./failures.ts";
import { launch, type Workbench } from "./workbench.ts";

const programs = {
  "waits.ts": `async function slow(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
await slow();
`,
  "short.ts": 'console.log("done");\nexport {};\n',
  "stuck.ts": `async function never(): Promise<void> {
  await new Promise(() => {});
}
await never();
`,
  "ticks.ts": `let ticks = 0;
async function slow(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
setInterval(() => {
  ticks++;
}, 200);
await slow();
`,
  "steps.ts": `async function add(one: number, other: number): Promise<number> {
  return one + other;
}
const sum = await add(1, 2);
const twice = await add(sum, sum);
console.log(sum, twice);
`,
};

describe("debugging a traced program", () => {
  let folder: string;
  let code: Workbench;

  before(async () => {
    folder = writeDebugWorkspace(programs, {
      configurations: [
        runs("Wait", "waits.ts"),
        runs("End at once", "short.ts"),
        runs("Get stuck", "stuck.ts"),
        runs("Tick", "ticks.ts"),
        runs("Step traced", "steps.ts"),
        runs("Step as is", "steps.ts", { env: { UNKNOT_TRACE: "0" } }),
        runs("Old", "waits.ts", { runtimeExecutable: `\${workspaceFolder}/old/node` }),
        runs("Untraced", "waits.ts", { env: { UNKNOT_TRACE: "0" } }),
        { type: "node-terminal", request: "launch", name: "In a terminal", command: "node waits.ts" },
      ],
    });
    // A Node that runs no TypeScript; it is only asked for its version.
    mkdirSync(path.join(folder, "old"));
    writeFileSync(path.join(folder, "old", "node"), "#!/bin/sh\necho v20.20.2\n");
    chmodSync(path.join(folder, "old", "node"), 0o755);
    code = await launch({ workspace: folder });
    await code.openFile("waits.ts");
    await code.runCommand("Unknot: Focus on Diagnosis View");
  });
  reportFailures(() => code);
  afterEach(() => code.stopAnyDebugging());
  after(async () => {
    await code?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("shows its tasks, and takes a dump of them into an editor", async () => {
    await code.startDebugging("Wait");
    await code.treeRow(/^slow/).waitFor();
    await code.runCommand("Unknot: Take Task Dump");
    await code.page.locator(".tabs-container .tab.active", { hasText: ".taskdump" }).waitFor();
    await code.editor.getByText("waits.ts:2").first().waitFor();
    await code.stopDebugging();
    await code.key("Control+F4");
  });

  it("does not keep a program that ends at once", async () => {
    await code.startDebugging("End at once");
    await code.treeRow(/^('End at once' ended|Ended)/).waitFor();
    await code.debugToolbar.waitFor({ state: "hidden" });
  });

  it("shows what a program that could not go on was waiting for", async () => {
    await code.startDebugging("Get stuck");
    await code.treeRow(/^Ended/).waitFor();
    await code.treeRow(/^never/).waitFor();
    assert.ok((await code.treeRows()).some((row) => row.includes("stuck.ts:2")));
  });

  it("steps through the user's lines only, into tasks and out of them", async () => {
    await code.openFile("steps.ts");
    await code.toggleBreakpoint(4);
    const positionsOf = async (configuration: string, keys: readonly string[]) => {
      await code.startDebugging(configuration);
      const positions = [await code.pausedAt(undefined)];
      for (const key of keys) {
        await code.key(key);
        positions.push(await code.pausedAt(positions.at(-1)));
      }
      await code.stopDebugging();
      return positions;
    };
    const untraced = await positionsOf("Step as is", ["F11", "F10", "F10", "F11", "Shift+F11"]);
    assert.deepEqual(untraced, ["4:13", "2:3", "2:22", "5:21", "2:3", "6:1"]);
    // Without the `;` behind the value, and back at the call before going on, as in functions that are not async.
    const traced = await positionsOf("Step traced", ["F11", "F10", "F10", "F11", "Shift+F11", "F10"]);
    assert.deepEqual(traced, ["4:13", "2:3", "4:19", "5:15", "2:3", "5:21", "6:1"]);
    await code.openFile("steps.ts");
    await code.removeBreakpoint(4);
  });

  it("shows the call stack and the variables of the user's code only, as of an untraced program", async () => {
    await code.openFile("steps.ts");
    await code.toggleBreakpoint(2);
    const seenIn = async (configuration: string) => {
      await code.startDebugging(configuration);
      await code.pausedAt(undefined);
      await code.runCommand("View: Show Run and Debug");
      const variables = code.page.locator(".debug-variables .monaco-list-row");
      // VS Code opens the innermost scope by itself at most times.
      const local = variables.filter({ hasText: "Local: add" });
      await local.waitFor();
      if ((await local.getAttribute("aria-expanded")) === "false") await local.click();
      await variables.filter({ hasText: "other" }).first().waitFor();
      // The innermost frame is shown before the others are asked for.
      await code.stackFrames.filter({ hasText: "<anonymous>" }).first().waitFor();
      const seen = {
        stack: await code.stackFrames.allInnerTexts(),
        variables: await variables.allInnerTexts(),
      };
      await code.stopDebugging();
      return seen;
    };
    const untraced = await seenIn("Step as is");
    const traced = await seenIn("Step traced");
    assert.ok(untraced.stack.length > 0 && untraced.variables.some((row) => row.startsWith("one")));
    assert.deepEqual(traced, untraced);
    await code.openFile("steps.ts");
    await code.removeBreakpoint(2);
  });

  // An idle program does nothing but what it does itself: of anything else js-debug would make stops without an end.
  it("pauses in the program's own code, as often as one asks", async () => {
    await code.runCommand("Unknot: Focus on Diagnosis View");
    await code.startDebugging("Tick");
    await code.treeRow(/^Ended/).waitFor({ state: "detached" });
    await code.treeRow(/^slow/).waitFor();
    for (let times = 0; times < 3; times++) {
      await code.pause();
      assert.equal(await code.pausedAt(undefined), "6:3");
      await code.treeRow(/^Paused/).waitFor();
      await code.resume();
    }
    await code.stopDebugging();
  });

  it("traces a command in the debug terminal", async () => {
    await code.startDebugging("In a terminal");
    await code.page.locator(".terminal-wrapper", { hasText: "Debugger attached" }).first().waitFor();
    await code.runCommand("Unknot: Focus on Diagnosis View");
    await code.treeRow(/^Ended/).waitFor({ state: "detached" });
    await code.treeRow(/^slow/).waitFor();
    await code.stopDebugging();
  });

  it("leaves alone what is not to be traced", async () => {
    await code.treeRow(/^Ended/).waitFor();
    const before = await code.treeRows();
    await code.startDebugging("Untraced");
    await code.page.locator(".debug-call-stack .monaco-list-row", { hasText: "waits.ts" }).first().waitFor();
    // A traced program would by now have taken the place of the one that has ended.
    assert.deepEqual(await code.treeRows(), before);
    await code.stopDebugging();
  });

  it("says in one message that a Node is too old for a TypeScript program", async () => {
    await code.startDebugging("Old");
    const message = code.notifications.filter({ hasText: "Node 20.20.2 can't run TypeScript by itself" });
    await message.waitFor();
    assert.equal(await code.notifications.count(), 1);
    assert.ok(!(await code.debugToolbar.isVisible()));
  });
});
