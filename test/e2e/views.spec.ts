// The panel's views of a program with very many tasks: filter, groups, waits, snapshots, the page of graph and stacks.
// Every name in the program is made up for the run.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { reportFailures } from "./failures.ts";
import { madeUpNames } from "./random-program.ts";
import { launch, type Workbench } from "./workbench.ts";

const name = madeUpNames();
const [crowd, keeper, till, few, door, late] = [name(), name(), name(), name(), name(), name()] as const;
const queueing = 100_000;
const waiting = 300;
/** With the one that keeps them waiting. */
const total = queueing + waiting + 1;

/** `keeper` never leaves the till, for which a crowd queues; `few` wait at a door, and `late` ones when a file is there. */
const program = `import { existsSync } from "node:fs";
import { Mutex } from "async-mutex";

const ${till} = new Mutex();
const ${door} = new Mutex();

async function ${keeper}(): Promise<void> {
  await ${till}.acquire();
  await ${door}.acquire();
  await new Promise(() => {});
}
async function ${crowd}(): Promise<void> {
  await ${till}.acquire();
}
async function ${few}(): Promise<void> {
  await ${door}.acquire();
}
async function ${late}(): Promise<void> {
  await ${door}.acquire();
}
void ${keeper}();
await new Promise((resolve) => setTimeout(resolve, 50));
for (let count = 0; count < ${queueing}; count++) void ${crowd}();
for (let count = 0; count < ${waiting}; count++) void ${few}();
const watch = setInterval(() => {
  if (!existsSync("more")) return;
  clearInterval(watch);
  for (let count = 0; count < 40; count++) void ${late}();
}, 100);
setInterval(() => {}, 60_000);
`;

const lineOf = (text: string) => program.split("\n").findIndex((line) => line.includes(text)) + 1;

describe("the panel's views", () => {
  let folder: string;
  let code: Workbench;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "unknot-views-"));
    writeFileSync(path.join(folder, "main.ts"), program);
    writeFileSync(path.join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
    mkdirSync(path.join(folder, ".vscode"));
    const configuration = { type: "node", request: "launch", name: "Crowd" };
    writeFileSync(
      path.join(folder, ".vscode", "launch.json"),
      JSON.stringify({
        version: "0.2.0",
        configurations: [
          { ...configuration, program: `\${workspaceFolder}/main.ts`, cwd: `\${workspaceFolder}` },
        ],
      }),
    );
    code = await launch({
      workspace: folder,
      packages: ["async-mutex", "tslib"],
      viewport: { width: 1800, height: 1300 },
    });
    await code.openFile("main.ts");
    await code.runCommand("Unknot: Focus on Tasks View");
  });
  reportFailures(() => code);
  after(async () => {
    await code?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const message = (text: string) =>
    code.page.locator("[id='workbench.parts.panel'] .tree-explorer-viewlet-tree-view .message", {
      hasText: text,
    });
  const filterFor = async (text: string) => {
    await code.runCommand("Unknot: Filter Tasks");
    await code.fillQuickInput(text);
    await code.key("Enter");
  };

  it("show 100,000 tasks by where they wait", async () => {
    await code.startDebugging("Crowd");
    await code.treeRow(`${thousands(queueing)} × ${crowd}`).waitFor({ timeout: 90_000 });
  });

  it("answer first what holds up the most, with thousands told apart", async () => {
    await code.runCommand("Unknot: Focus on Diagnosis View");
    // Starting so many blocks the loop, which comes first for as long as that takes.
    await code.treeRow("turns, 99 of 100").waitFor();
    const rows = await code.treeRows();
    assert.match(rows[0] ?? "", new RegExp(`${keeper}.*100,300 tasks wait behind`, "s"), rows.join("\n"));
  });

  it("filter 100,000 tasks, say so, and show all of them again", async () => {
    await filterFor(`name:${few}`);
    await code.treeRow(`${waiting} × ${few}`).waitFor();
    await message(`${waiting} of ${thousands(total)} tasks`).waitFor();
    await code.treeRow(`× ${crowd}`).waitFor({ state: "detached" });
    await code.runCommand("Unknot: Filter Tasks");
    await code.fillQuickInput("age>soon");
    await code.page
      .locator(".quick-input-list .monaco-list-row", { hasText: "'age>' needs a time" })
      .waitFor();
    await code.key("Enter");
    await code.key("Escape");
    await message(`name:${few}`).waitFor();
    await code.runCommand("Unknot: Clear Filter of Tasks");
    await code.treeRow(`${thousands(queueing)} × ${crowd}`).waitFor();
  });

  it("group and page with the keyboard alone", async () => {
    await code.runCommand("Unknot: Focus on Tasks View");
    await code.key("Home", "g");
    await code.fillQuickInput("not grouped");
    await code.key("Enter");
    await code.treeRow(`× ${crowd}`).waitFor({ state: "detached" });
    await code.runCommand("Unknot: Focus on Tasks View");
    await code.key("End");
    const more = code.treeRow(`200 of ${thousands(total)} shown`);
    await more.waitFor();
    await code.key("Enter");
    await more.waitFor({ state: "detached" });
    await code.key("End");
    await code.treeRow(`400 of ${thousands(total)} shown`).waitFor();
    await code.key("g");
    await code.fillQuickInput("where they wait");
    await code.key("Enter");
    await code.treeRow(`${thousands(queueing)} × ${crowd}`).waitFor();
  });

  it("name what is waited for, who holds it and who waits in which order", async () => {
    await filterFor(`name:${few}`);
    await code.runCommand("Unknot: Focus on Waits View");
    const lock = code.treeRow(new RegExp(`^'${door}'.*mutex.*held.*300 wait`, "s"));
    await lock.click();
    await code.waitForLine(lineOf(`const ${door}`));
    await lock.locator(".monaco-tl-twistie").click();
    await code.treeRow(`holds it: ${keeper}`).click();
    await code.waitForLine(lineOf(`await ${door}.acquire`));
    await code.treeRow(`1. ${few}`).click();
    await code.waitForLine(lineOf(`function ${few}`) + 1);
    await code.runCommand("Unknot: Clear Filter of Tasks");
  });

  it("keep moments under names, and say what has come since", async () => {
    const take = async (title: string) => {
      await code.runCommand("Unknot: Take Snapshot");
      await code.fillQuickInput(title);
      await code.key("Enter");
      await code.treeRow(new RegExp(`^${title}`)).waitFor();
    };
    await take("calm");
    writeFileSync(code.file("more"), "");
    await code.treeRow(`40 × ${late}`).waitFor();
    await take("rush");
    const calm = code.treeRow(/^calm/);
    await calm.hover();
    await calm.locator(".codicon-git-compare").click();
    await code.fillQuickInput("rush");
    await code.key("Enter");
    await code.treeRow(/^calm → rush/).waitFor();
    await code.treeRow(`0 → 40 × ${late}`).click();
    await code.waitForLine(lineOf(`function ${late}`) + 1);
    await code.screenshot("views-compared");
  });

  it("draw who waits for whom, for the keyboard and in words too", async () => {
    await code.openFile("main.ts");
    await code.runCommand("Unknot: Show Wait-For Graph");
    const page = await code.webviewWith(".vertex");
    const policy = await page.locator("meta[http-equiv]").getAttribute("content");
    assert.match(policy ?? "", /^default-src 'none'; style-src [^;]+; script-src 'nonce-[\w-]{24}'$/);
    const waiter = page.locator(".vertex.task", { hasText: crowd }).first();
    await waiter.focus();
    await code.key("ArrowRight");
    const focused = page.locator(".vertex:focus");
    assert.match((await focused.getAttribute("aria-label")) ?? "", new RegExp(till));
    await code.key("ArrowRight");
    assert.match((await focused.getAttribute("aria-label")) ?? "", new RegExp(keeper));
    await code.screenshot("views-graph");
    await code.key("Enter");
    await code.waitForLine(lineOf("new Promise(() => {})"));
    await page.locator(".toggle", { hasText: "As Text" }).click();
    await page.locator(".twin li", { hasText: `'${till}' is held by ${keeper}` }).waitFor();
    await page.locator(".toggle", { hasText: "As Text" }).click();
  });

  it("draw the stacks, zoom and lead to their lines", async () => {
    await code.runCommand("Unknot: Show Stacks of Tasks");
    const page = await code.webviewWith(".frame");
    const frame = page.locator(".frame", { hasText: crowd });
    assert.match((await frame.getAttribute("aria-label")) ?? "", /100,000 tasks · mutex\.lock/);
    await frame.focus();
    await page.locator(".status", { hasText: crowd }).waitFor();
    await code.key("Space");
    await page.locator(".toggle", { hasText: "Show All Stacks" }).waitFor();
    await page.locator(".frame", { hasText: crowd }).focus();
    await code.key("Enter");
    await code.waitForLine(lineOf(`function ${crowd}`) + 1);
    await code.screenshot("views-stacks");
  });
});

function thousands(amount: number): string {
  return amount.toLocaleString("en-US");
}
