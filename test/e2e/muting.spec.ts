// Problems that a team does not want to see: muted from the panel by a rule in the configuration that the command line
// reads, too.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { reportFailures } from "./failures.ts";
import { type RandomProgram, writeRandomProgram } from "./random-program.ts";
import { launch, type Workbench } from "./workbench.ts";

describe("muting a problem in unknot.config.json", () => {
  let program: RandomProgram;
  let code: Workbench;

  before(async () => {
    program = writeRandomProgram();
    writeFileSync(
      path.join(program.folder, "unknot.config.json"),
      '{\n  // agreed upon\n  "exclude": ["generated"] // for now\n}\n',
    );
    code = await launch({ workspace: program.folder, packages: ["async-mutex", "tslib"] });
    await code.openFile(program.main);
    await code.runCommand("Unknot: Focus on Diagnosis View");
  });
  reportFailures(() => code);
  afterEach(() => code.stopAnyDebugging());
  after(async () => {
    await code?.close();
    program.remove();
  });

  const deadlock = () => code.treeRow(/^Deadlock/);
  const muted = () => code.treeRow(/^1 problem muted/);

  it("writes a rule that keeps what is there, and the problem is only counted from then on", async () => {
    await code.startDebugging(program.configuration("breakpoint"));
    await deadlock().waitFor();
    await code.pickFromMenuOf(deadlock(), "Mute Problems Like This in unknot.config.json", muted());
    await deadlock().waitFor({ state: "detached" });
    await code.notifications.filter({ hasText: "'lock-order-inversion'" }).getByText("Open File").click();
    await code.page.locator(".tabs-container .tab.active", { hasText: "unknot.config.json" }).waitFor();
    await code.screenshot("muted-in-configuration");
    const written = code.saved("unknot.config.json");
    assert.match(written, /^\{\n {2}\/\/ agreed upon\n {2}"exclude": \["generated"\], \/\/ for now\n/);
    const [, file] =
      /"mutedProblems": \[\n {4}\{ "problem": "lock-order-inversion", "file": "(.*)" \}\n {2}\]\n\}\n$/.exec(
        written,
      ) ?? [];
    assert.ok(
      program.tasks.some((task) => task.file === file),
      written,
    );
    // The schema of the extension knows the field.
    assert.equal(await code.squiggles("warning").count(), 0);
    assert.equal(await code.problemRows.filter({ hasText: "Unknot run" }).count(), 0);
  });

  it("leads from the count to the rule, and shows the problem again when the rule is gone", async () => {
    await code.openFile(program.main);
    await code.startDebugging(program.configuration("breakpoint"));
    await muted().waitFor();
    await muted().hover();
    await muted().locator(".action-label").click();
    await code.page.locator(".tabs-container .tab.active", { hasText: "unknot.config.json" }).waitFor();
    writeFileSync(code.file("unknot.config.json"), "{}\n");
    await deadlock().waitFor();
    await muted().waitFor({ state: "detached" });
  });
});
