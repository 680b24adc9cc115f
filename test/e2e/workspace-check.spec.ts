// An old code base in the editor: what is open first, the rest as one line that opens it, and a baseline.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { reportFailures } from "./failures.ts";
import { launch, type Workbench } from "./workbench.ts";

const workspace = fileURLToPath(new URL("./fixtures/old-code", import.meta.url));

describe("the first day with an old code base", () => {
  let code: Workbench;

  before(async () => {
    code = await launch({ workspace });
  });
  reportFailures(() => code);
  after(async () => {
    await code?.close();
  });

  it("shows what is open, and the rest when it is asked for", async () => {
    await code.openFile("src/open.ts");
    await code.waitForProblem("floating-task");
    assert.equal(await code.problemRows.filter({ hasText: "closed.ts" }).count(), 0);
    await code.runCommand("Unknot: Check Workspace");
    const line = code.notifications.filter({ hasText: "2 more findings in 2 files that are not open" });
    await line.waitFor();
    await line.getByRole("button", { name: "Show" }).click();
    await code.waitForProblem("closed.ts");
    await code.waitForProblem("other.ts");
  });

  it("shows a finding once when its file is opened", async () => {
    await code.openFile("src/closed.ts");
    // While the file opens, what the check has sent makes way for what the editor asks for. That is over when the
    // editor knows what has been typed since.
    await code.goToLine(6, 200);
    await code.key("Enter");
    await code.page.keyboard.type("save();");
    await code.waitForProblem(/floating-task.*Ln 7/s);
    await code.squiggles("warning").nth(1).waitFor();
    assert.equal(await code.squiggles("warning").count(), 2);
    await code.undoAll();
    await code.problemRows.filter({ hasText: /floating-task.*Ln 7/s }).waitFor({ state: "detached" });
  });

  it("writes a baseline, after which only new findings are shown", async () => {
    await code.runCommand("Unknot: Write Baseline");
    await code.notifications.filter({ hasText: "3 findings are in the baseline" }).waitFor();
    await code.waitForNoProblem("floating-task");
    assert.match(code.saved("unknot-baseline.json"), /"src\/other\.ts"/);
    await code.openFile("src/open.ts");
    await code.goToLine(6, 200);
    await code.key("Enter");
    await code.page.keyboard.type("save();");
    assert.match(await code.waitForProblem("floating-task"), /Ln 7/);
  });
});
