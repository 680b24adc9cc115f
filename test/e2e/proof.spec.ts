// Proofs that tasks can never go on, on demand, of a program that the debugger holds. Every name is made up for the run.
import { rmSync } from "node:fs";
import { runs, writeDebugWorkspace } from "./debug-workspace.ts";
import { reportFailures } from "./failures.ts";
import { blank, madeUpNames } from "./random-program.ts";
import { launch, type Workbench } from "./workbench.ts";

const name = madeUpNames();
const [job, listens, sleeps, main] = [name(), name(), name(), `${name()}.ts`];
const lines = [
  'import { EventEmitter, once } from "node:events";',
  ...blank(),
  `class ${job} extends EventEmitter {}`,
  `async function ${listens}(): Promise<void> {`,
  `  await once(new ${job}(), "done");`,
  "}",
  `async function ${sleeps}(): Promise<void> {`,
  "  await new Promise((resolve) => setTimeout(resolve, 3_600_000));",
  "}",
  ...blank(),
  `void ${listens}();`,
  `void ${sleeps}();`,
];

describe("proving leaks now", () => {
  let folder: string;
  let code: Workbench;

  before(async () => {
    folder = writeDebugWorkspace(
      {
        [main]: `${lines.join("\n")}\n`,
        "fine.ts": "await new Promise((resolve) => setTimeout(resolve, 3_600_000));\n",
      },
      { configurations: [runs("Lose", main), runs("Keep", "fine.ts")] },
    );
    code = await launch({ workspace: folder });
    await code.openFile(main);
    await code.runCommand("Unknot: Focus on Diagnosis View");
  });
  reportFailures(() => code);
  afterEach(() => code.stopAnyDebugging());
  after(async () => {
    await code?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("shows the task that went with the garbage, its line, and that the others may go on", async () => {
    await code.startDebugging("Lose");
    await code.treeRow(new RegExp(`^${listens}`)).waitFor();
    await code.runCommand("Unknot: Prove Leaks Now");
    const message = code.notifications.filter({ hasText: `'${listens}'` });
    await message.getByText("Show Diagnosis").click();
    const cause = code.treeRow(/^Nothing that is left can end this wait/);
    await cause.waitFor();
    await code.treeRow(/^Leak proof.*1 cause of tasks that can never go on/s).waitFor();
    await code.screenshot("leak-proved");
    await cause.click();
    await code.waitForLine(lines.findIndex((line) => line.includes("await once(")) + 1);
  });

  it("says so when nothing is lost", async () => {
    await code.startDebugging("Keep");
    await code.treeRow(/^fine\.ts|^No deadlock found/).waitFor();
    await code.treeRow(/^Ended/).waitFor({ state: "detached" });
    await code.runCommand("Unknot: Prove Leaks Now");
    await code.notifications.filter({ hasText: "No task of 'fine.ts' is proved to be lost" }).waitFor();
    await code.treeRow(/^Leak proof.*no task is proved to be lost/s).waitFor();
  });
});
