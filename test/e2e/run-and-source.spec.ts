// What a run shows and what the source shows of the same mistake are linked, both ways. Every name in the program is
// made up for the run.
import assert from "node:assert/strict";
import { reportFailures } from "./failures.ts";
import { type RandomProgram, writeRandomProgram } from "./random-program.ts";
import { launch, type Workbench } from "./workbench.ts";

describe("a mistake that the source shows and a run shows", () => {
  let program: RandomProgram;
  let code: Workbench;

  before(async () => {
    program = writeRandomProgram();
    code = await launch({
      workspace: program.folder,
      packages: ["async-mutex", "tslib"],
      settings: { "unknot.rules": { "lock-release-not-in-finally": "off" } },
      // Of a longer list only what fits on the screen is drawn.
      viewport: { width: 1400, height: 1500 },
    });
  });
  reportFailures(() => code);
  after(async () => {
    await code?.close();
    program.remove();
  });

  it("is one problem of each, and each names the other", async () => {
    const [{ file, line }] = program.tasks;
    const inSource = new RegExp(`other way round elsewhere.*\\[Ln ${line}`, "s");
    await code.openFile(file);
    await code.showProblems();
    await code.resizePanel(700);
    assert.ok(!(await code.waitForProblem(inSource)).includes("A run has shown it."));
    await code.startDebugging(program.configuration("breakpoint"));
    const atRun = code.problemRows.filter({ hasText: "Unknot run" }).first();
    await atRun.waitFor();
    await code.waitForProblem(/other way round elsewhere.*A run has shown it\./s);
    await code.waitForProblem(/seen at run time: .* waits for /);
    await code.waitForProblem(/the same mistake as in the source: .* other way round elsewhere/);
    await code.screenshot("run-and-source");
    await code.stopDebugging();
    await code.waitForProblem(/other way round elsewhere.*A run has shown it\./s);
  });

  it("links to the rule's page, which opens to be read", async () => {
    const atRun = code.problemRows.filter({ hasText: "Unknot run" }).first();
    await atRun
      .locator(".code-link, a", { hasText: "lock-order-inversion" })
      .first()
      .click({
        modifiers: ["Alt"],
      });
    await code.page.locator(".tabs-container .tab", { hasText: "lock-order-inversion" }).waitFor();
    const shown = async () => {
      const headings = code.page
        .frames()
        .map((frame) => frame.locator("h1", { hasText: "Locks are taken in opposite orders" }).count());
      return (await Promise.allSettled(headings)).some((one) => one.status === "fulfilled" && one.value > 0);
    };
    await code.waitUntil(shown);
    await code.runCommand("Unknot: Explain Rule");
    await code.page
      .locator(".quick-input-list .monaco-list-row", { hasText: "floating-task" })
      .first()
      .click();
    await code.page.locator(".tabs-container .tab.active", { hasText: "floating-task" }).waitFor();
  });
});
