// The Diagnosis view of a program that is traced with F5 alone, in the moments when it matters. Every name in the
// program is made up for the run.
import assert from "node:assert/strict";
import { tracerWorkerName } from "@unknot/protocol/wire.ts";
import { reportFailures } from "./failures.ts";
import { pastimes, type RandomProgram, writeRandomProgram } from "./random-program.ts";
import { launch, type Workbench } from "./workbench.ts";

describe("the Diagnosis view", () => {
  let program: RandomProgram;
  let code: Workbench;

  before(async () => {
    program = writeRandomProgram();
    code = await launch({ workspace: program.folder, packages: ["async-mutex", "tslib"] });
    await code.openFile(program.main);
  });
  reportFailures(() => code);
  after(async () => {
    await code?.close();
    program.remove();
  });

  afterEach(() => code.stopAnyDebugging());

  const whileMainThread = {
    spin: "spins",
    atomics: "sits in Atomics.wait",
    breakpoint: "is paused at a breakpoint",
  };
  for (const pastime of pastimes) {
    it(`shows the deadlock first while the main thread ${whileMainThread[pastime]}, and jumps to its lines`, async () => {
      const [one, other] = program.tasks;
      if (pastime === "breakpoint") {
        await code.openFile(program.main);
        await code.toggleBreakpoint(program.breakpointLine);
      }
      await code.showProblems();
      await code.startDebugging(program.configuration(pastime));
      const notification = code.notifications.filter({ hasText: `'${one.name}'` });
      await notification.getByText("Show Tasks").click();

      const deadlock = code.treeRow(/^Deadlock/);
      // The program before has left its last dump there, which VS Code may draw once more.
      await deadlock.waitFor();
      await code.treeRow(/^Ended/).waitFor({ state: "detached" });
      await deadlock.waitFor();
      if (pastime === "breakpoint") {
        const stack = await code.waitForPause();
        assert.ok(
          stack.some((row) => row.includes(`${program.breakpointLine}`)),
          stack.join("|"),
        );
        await code.treeRow(/^Paused by the debugger/).waitFor();
        await code.runCommand("View: Show Run and Debug");
        const sessions = await code.page.locator(".debug-call-stack .monaco-list-row").allInnerTexts();
        assert.ok(!sessions.some((row) => row.includes(tracerWorkerName)), sessions.join("|"));
        await code.runCommand("Unknot: Focus on Diagnosis View");
      } else {
        await code.treeRow(/^The event loop has not turned for/).waitFor();
      }

      const rows = await code.treeRows();
      const first = rows.findIndex((row) => row.startsWith("Deadlock"));
      assert.ok(first <= (pastime === "breakpoint" ? 1 : 0), rows.join("\n"));
      for (const { name, holds } of program.tasks) {
        assert.ok(rows[first]?.includes(`'${name}'`) && rows[first].includes(`'${holds}'`), rows[first]);
      }
      for (const [task, holder] of [
        [one, other],
        [other, one],
      ] as const) {
        const row = rows.find((text) => text.startsWith(task.name)) ?? "";
        assert.ok(row.includes(`waits for mutex '${task.wants}', held by ${holder.name}`), row);
        assert.ok(row.includes(`${task.file}:${task.line}`), row);
        await code.treeRow(new RegExp(`^${task.name}`)).click();
        await code.page.locator(".tabs-container .tab.active", { hasText: task.file }).waitFor();
        await code.waitForLine(task.line);
        await code.waitForMark("1 task waits here for");
      }
      await code.screenshot(`panel-${pastime}`);
      await code.stopDebugging();
      await code.treeRow(/^Ended/).waitFor();
      await deadlock.waitFor();
    });
  }

  it("puts the deadlock into Problems, at the line that waits", async () => {
    await code.filterProblems("Unknot run");
    const problem = await code.waitForProblem("Unknot run");
    assert.ok(
      program.tasks.some(({ line }) => problem.includes(`Ln ${line},`)),
      problem,
    );
  });
});
