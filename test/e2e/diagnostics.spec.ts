// Warnings in the editor: while typing, in every kind of file, with their paths and fixes, and as the settings say.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { reportFailures } from "./failures.ts";
import { launch, type Workbench } from "./workbench.ts";

const workspace = fileURLToPath(new URL("./fixtures/diagnostics", import.meta.url));

describe("warnings in the editor", () => {
  let code: Workbench;

  before(async () => {
    code = await launch({ workspace, packages: ["async-mutex", "tslib"] });
  });
  reportFailures(() => code);
  after(async () => {
    await code?.close();
  });

  /** Types a line of its own below this line of the active editor. */
  const typeBelow = async (line: number, text: string) => {
    await code.goToLine(line, 200);
    await code.key("Enter");
    await code.page.keyboard.type(text);
    await code.key("Escape");
  };

  it("marks a task that nothing waits for, while the file is not saved", async () => {
    await code.openFile("src/orders.ts");
    await typeBelow(9, "save(order);");
    const row = await code.waitForProblem("floating-task");
    assert.match(row, /'save'/);
    assert.match(row, /Ln 10, Col 3/);
    const squiggles = code.squiggles("warning").or(code.squiggles("error"));
    await squiggles.first().waitFor();
    assert.equal(await squiggles.count(), 1);
    assert.doesNotMatch(code.saved("src/orders.ts"), /^ {2}save/m);
  });

  it("mends it from the fix menu, and nothing is left", async () => {
    await code.quickFix("floating-task", "Await 'save'");
    await code.waitForNoProblem("floating-task");
    assert.match(await code.editorText(), /^ {2}await save\(order\);$/m);
  });

  it("takes the warning back when the code is mended by hand", async () => {
    await code.openFile("src/orders.ts");
    await typeBelow(10, "save(ready);");
    await code.waitForProblem(/Ln 11, Col 3/);
    await code.goToLine(11, 3);
    await code.page.keyboard.type("await ");
    await code.waitForNoProblem("floating-task");
  });

  it("shows the path of a finding as related places", async () => {
    await code.openFile("src/accounts.ts");
    await code.goToLine(8, 26);
    await code.key("Shift+End");
    await code.page.keyboard.type("=> audit.runExclusive(() => accounts.runExclusive(record));");
    await code.waitForProblem("lock-order-inversion");
    const related = code.problemRows
      .filter({ hasText: "accounts.ts" })
      .filter({ hasText: /'(accounts|audit)'/ });
    await related.first().waitFor();
    await code.undoAll();
    await code.waitForNoProblem("lock-order-inversion");
  });

  it("reads JavaScript", async () => {
    await code.openFile("plain.js");
    await typeBelow(8, 'load("second");');
    assert.match(await code.waitForProblem("floating-task"), /Ln 9, Col 3/);
    await code.undoAll();
    await code.waitForNoProblem("floating-task");
  });

  it("reads a file that no tsconfig includes", async () => {
    await code.openFile("loose/script.ts");
    await typeBelow(8, 'load("second");');
    assert.match(await code.waitForProblem("floating-task"), /Ln 9, Col 3/);
  });

  it("follows the settings: the severity of a rule, off, and on again", async () => {
    await code.openFile("loose/script.ts");
    code.writeSettings({ "unknot.rules": { "floating-task": "information" } });
    await code.squiggles("info").first().waitFor();
    code.writeSettings({ "unknot.rules": { "floating-task": "off" } });
    await code.waitForNoProblem("floating-task");
    code.writeSettings({ "unknot.rules": { "floating-task": "error" } });
    await code.squiggles("error").first().waitFor();
    code.writeSettings({ "unknot.enable": false });
    await code.waitForNoProblem("floating-task");
    code.writeSettings({});
    await code.waitForProblem("floating-task");
  });

  it("keeps silent below a suppression comment", async () => {
    await code.openFile("loose/script.ts");
    await typeBelow(8, "// unknot-ignore-next-line floating-task -- the second one may fail");
    await code.waitForNoProblem("floating-task");
  });

  it("goes on after the server was restarted", async () => {
    await code.openFile("loose/script.ts");
    await code.undoAll();
    await typeBelow(8, 'load("third");');
    await code.waitForProblem("floating-task");
    await code.runCommand("Unknot: Restart Language Server");
    await code.goToLine(9, 3);
    await code.page.keyboard.type("void ");
    await code.waitForNoProblem("floating-task");
  });
});
