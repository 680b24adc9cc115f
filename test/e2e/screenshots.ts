// Pictures to be looked at, after `npm run build`:
//   npm run screenshots -- [folder]        the views in all themes and sizes; --look dark takes only those of one
//   npm run screenshots -- --readme        the README's pictures, in docs/images
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { root } from "@unknot/scripts/build.ts";
import { type LaunchOptions, launch, type Workbench } from "./workbench.ts";

const { values, positionals } = parseArgs({
  options: { readme: { type: "boolean" }, look: { type: "string", multiple: true } },
  allowPositionals: true,
});
const folder = values.readme
  ? path.join(root, "docs", "images")
  : path.resolve(positionals[0] ?? path.join(root, ".e2e", "pictures"));
process.env["UNKNOT_E2E_PICTURES"] = folder;

const shop = fileURLToPath(new URL("./fixtures/shop", import.meta.url));
const examples = path.join(root, "examples");

interface Look {
  readonly name: string;
  readonly theme: string;
  readonly width: number;
  readonly height: number;
}

const looks: readonly Look[] = [
  { name: "dark", theme: "Default Dark Modern", width: 1280, height: 800 },
  { name: "light", theme: "Default Light Modern", width: 1280, height: 800 },
  { name: "contrast", theme: "Default High Contrast", width: 1280, height: 800 },
  { name: "contrast-light", theme: "Default High Contrast Light", width: 1280, height: 800 },
  { name: "narrow", theme: "Default Dark Modern", width: 640, height: 800 },
  { name: "wide", theme: "Default Light Modern", width: 1900, height: 900 },
];

if (values.readme) {
  await readmePictures();
} else {
  for (const look of looks.filter(({ name }) => values.look?.includes(name) ?? true))
    await takePictures(look);
}
console.log(`pictures: ${folder}`);

/** Opens a window in this look with nothing beside the editor and the panel. */
async function openWindow(
  { theme, width, height }: Look,
  options: Pick<LaunchOptions, "workspace" | "scale">,
): Promise<Workbench> {
  const code = await launch({
    ...options,
    packages: ["async-mutex", "tslib", "ts-chan", "p-limit", "yocto-queue", "@types/node", "undici-types"],
    viewport: { width, height },
    settings: {
      "workbench.colorTheme": theme,
      "workbench.activityBar.location": "hidden",
      "workbench.layoutControl.enabled": false,
      "window.commandCenter": false,
      "editor.scrollbar.horizontal": "hidden",
    },
  });
  await code.runCommand("View: Toggle Primary Side Bar Visibility");
  return code;
}

/** About 1,400 pixels wide, with text that is large enough where the README shows it at half the size. */
async function readmePictures(): Promise<void> {
  const look = { name: "readme", theme: "Default Dark Modern", width: 1040, height: 620 };
  const warning = await openWindow(look, { workspace: examples, scale: 1.35 });
  try {
    await warning.openFile("lock-after-error/broken.ts");
    await showInlineWarning(warning);
    await warning.screenshot("warning");
  } finally {
    await warning.close();
  }
  const dump = await openWindow(look, { workspace: shop, scale: 1.35 });
  try {
    await dump.openFile("src/orders.ts");
    await dump.runCommand("Unknot: Focus on Diagnosis View");
    await dump.resizePanel(280);
    await showDeadlock(dump);
    await dump.screenshot("task-dump");
  } finally {
    await dump.close();
  }
}

/** Opens the first problem of the active file in its place, with the path that leads to it. */
async function showInlineWarning(code: Workbench): Promise<void> {
  await code.squiggles("warning").or(code.squiggles("error")).first().waitFor();
  await code.goToLine(1);
  await code.key("F8");
  await code.page.locator(".marker-widget .related-info-block, .marker-widget .filename").first().waitFor();
}

/** Starts the shop, whose orders and refunds lock each other out, and goes to the line of the first task. */
async function showDeadlock(code: Workbench): Promise<void> {
  await code.openFile("src/orders.ts");
  await code.startDebugging("Shop");
  await code.runCommand("Unknot: Focus on Diagnosis View");
  await code.treeRow(/^Deadlock/).waitFor();
  await code.treeRow(/postman/).waitFor();
  await code.treeRow(/^reserve/).click();
  await code.waitForLine(9);
  // What is typed before the editor has the focus would be typed into it.
  await code.page.locator(".editor-group-container.active .monaco-editor.focused").waitFor();
  await code.runCommand("Notifications: Clear All Notifications");
}

async function takePictures(look: Look): Promise<void> {
  const { name } = look;
  const code = await openWindow(look, { workspace: shop });
  try {
    await code.openFile("src/orders.ts");
    await showInlineWarning(code);
    await code.screenshot(`${name}-warning`);
    await code.key("Escape");
    await showQuickFixes(code);
    await code.screenshot(`${name}-fixes`);
    await code.key("Escape");
    await showHover(code);
    await code.screenshot(`${name}-hover`);
    await code.key("Escape");
    await code.showProblems();
    await code.problemRows.filter({ hasText: "unknot" }).first().waitFor();
    await code.screenshot(`${name}-problems`);
    await code.runCommand("Unknot: Focus on Diagnosis View");
    await code.screenshot(`${name}-empty`);
    await showDeadlock(code);
    await code.screenshot(`${name}-deadlock`);
    await takeViews(code, name);
    await code.runCommand("Unknot: Take Task Dump");
    await code.page.locator(".tabs-container .tab.active", { hasText: ".taskdump" }).waitFor();
    await code.screenshot(`${name}-taskdump`);
    await code.pause();
    await code.treeRow(/^Paused/).waitFor();
    await code.screenshot(`${name}-paused`);
    await code.stopDebugging();
    await code.treeRow(/^Ended/).waitFor();
    await code.screenshot(`${name}-ended`);
    await code.startDebugging("Crowd");
    // Under a debugger, and beside other work, 100,000 tasks take their time to begin.
    await code.treeRow(/^99,999 ×/).waitFor({ timeout: 120_000 });
    await code.screenshot(`${name}-crowd`);
    await takePage(code, `${name}-crowd`);
    await code.runCommand("Unknot: Filter Tasks");
    const [, id] = /task (\d+)/.exec(await code.treeRow(/^visitor \(task/).innerText()) ?? [];
    await code.fillQuickInput(`id:${id}`);
    await code.key("Enter");
    await code.treeRow(/^99,999 ×/).waitFor({ state: "detached" });
    await code.screenshot(`${name}-crowd-filtered`);
    await code.runCommand("Unknot: Clear Filter of Tasks");
    await code.stopDebugging();
  } finally {
    await code.close();
  }
}

/** Every view of the panel, one after the other, with the whole window to itself. */
async function takeViews(code: Workbench, name: string): Promise<void> {
  await code.runCommand("View: Toggle Maximized Panel");
  const twistie = (row: RegExp) => code.treeRow(row).locator(".monaco-tl-twistie");
  await twistie(/^reserve/).click();
  await code.treeRow(/^Held by/).waitFor();
  await code.screenshot(`${name}-task`);
  await code.runCommand("Unknot: Filter Tasks");
  await code.fillQuickInput("state:mutex wait>10ms");
  await code.screenshot(`${name}-filter`);
  await code.key("Enter");
  await code.treeRow("× postman").waitFor({ state: "detached" });
  await code.screenshot(`${name}-filtered`);
  await code.runCommand("Unknot: Clear Filter of Tasks");
  await code.runCommand("Unknot: Focus on Waits View");
  await code.treeRow(/^'letters'/).waitFor();
  await code.screenshot(`${name}-waits`);
  await code.runCommand("Unknot: Focus on Contention View");
  await code.treeRow(/^Waited in sum/).waitFor();
  await code.screenshot(`${name}-contention`);
  await takeSnapshot(code, "after the start");
  await takeSnapshot(code, "a little later");
  await code.runCommand("Unknot: Compare Snapshots");
  for (const side of ["after the start", "a little later"]) {
    await code.fillQuickInput(side);
    await code.key("Enter");
  }
  await code.treeRow(/^after the start → a little later/).waitFor();
  await code.screenshot(`${name}-snapshots`);
  await code.runCommand("View: Toggle Maximized Panel");
  await takePage(code, name);
}

async function takeSnapshot(code: Workbench, title: string): Promise<void> {
  await code.runCommand("Unknot: Take Snapshot");
  await code.fillQuickInput(title);
  await code.key("Enter");
  await code.treeRow(new RegExp(`^${title}`)).waitFor();
}

/** The page of the wait-for graph and of the stacks, drawn and in words. */
async function takePage(code: Workbench, name: string): Promise<void> {
  for (const [command, part] of [
    ["Unknot: Show Wait-For Graph", "vertex"],
    ["Unknot: Show Stacks of Tasks", "frame"],
  ] as const) {
    await code.runCommand(command);
    const page = await code.webviewWith(`.${part}`);
    await code.screenshot(`${name}-${part}`);
    await page.locator(".toggle", { hasText: "As Text" }).click();
    await page.locator(".twin").first().waitFor();
    await code.screenshot(`${name}-${part}-text`);
    await page.locator(".toggle", { hasText: "As Text" }).click();
  }
  await code.key("Control+F4");
}

async function showQuickFixes(code: Workbench): Promise<void> {
  await code.key("Control+.");
  await code.page.locator(".action-widget .monaco-list-row").first().waitFor();
}

async function showHover(code: Workbench): Promise<void> {
  await code.key("Control+K", "Control+I");
  await code.page.locator(".monaco-hover .hover-row").first().waitFor();
}
