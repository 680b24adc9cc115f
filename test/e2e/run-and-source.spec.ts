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

  it("shows above and in the hover of a lock where it is used, and what the program does with it", async () => {
    const [one, other] = program.tasks;
    const lens = (text: string) => code.page.locator(".codelens-decoration", { hasText: text });
    // Also of the file with which everything starts.
    await code.page.reload();
    await code.ready();
    await code.openFile(program.locks.file);
    // Only what is on the screen is drawn.
    await code.goToLine(program.locks.lineOf(one.wants), 1);
    const order = `acquired in 2 places, before and after ${one.holds}`;
    await lens(order).waitFor();
    await code.startDebugging(program.configuration("breakpoint"));
    await lens("1 task waits for it, for").first().waitFor();
    await code.goToLine(program.locks.lineOf(one.wants), "export const ".length + 2);
    const hover = code.page.locator(".monaco-hover:not(.hidden)");
    await code.retry(async () => {
      await code.key("Control+K", "Control+I");
      await hover.getByText("made at").waitFor({ timeout: 5000 });
    });
    await hover.getByText(`${one.file}:${one.line}`).first().waitFor();
    const running = hover.getByText("In the running program");
    await running.waitFor();
    // Spaces of the text are shown as others.
    assert.match(
      (await running.innerText()).replaceAll("\u00a0", " "),
      new RegExp(`held by ${other.name} for .*1 task waits for it`),
    );
    await code.screenshot("hover-on-a-lock");
    await code.key("Escape");
    await code.stopDebugging();
    await lens("1 task waits for it, for").waitFor({ state: "detached" });
  });

  it("opens the places where it is used from there", async () => {
    const [one] = program.tasks;
    await code.page.locator(".codelens-decoration a", { hasText: `before and after ${one.holds}` }).click();
    const peek = code.page.locator(".peekview-widget");
    await peek.locator(".monaco-list-row", { hasText: one.file }).first().waitFor();
    await code.screenshot("peers-of-a-lock");
    await code.key("Escape");
    await peek.waitFor({ state: "detached" });
    await code.openFile(one.file);
    await code.goToLine(one.line, one.column);
    await code.runCommand("Unknot: Show Channel Peers");
    await peek.locator(".monaco-list-row", { hasText: program.locks.file }).first().waitFor();
    await code.key("Escape");
    await peek.waitFor({ state: "detached" });
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
