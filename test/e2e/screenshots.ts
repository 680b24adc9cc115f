// Pictures of the views in all themes and sizes, to be looked at: `node test/e2e/screenshots.ts [folder]`, after
// `npm run build`. `--readme` also renews the picture of the README.
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { root } from "@unknot/scripts/build.ts";
import { launch, type Workbench } from "./workbench.ts";

const { values, positionals } = parseArgs({
  options: { readme: { type: "boolean" } },
  allowPositionals: true,
});
const folder = path.resolve(positionals[0] ?? path.join(root, ".e2e", "pictures"));
process.env["UNKNOT_E2E_PICTURES"] = folder;

const looks = [
  { name: "dark", theme: "Default Dark Modern", width: 1280, height: 800 },
  { name: "light", theme: "Default Light Modern", width: 1280, height: 800 },
  { name: "contrast", theme: "Default High Contrast", width: 1280, height: 800 },
  { name: "contrast-light", theme: "Default High Contrast Light", width: 1280, height: 800 },
  { name: "narrow", theme: "Default Dark Modern", width: 640, height: 800 },
  { name: "wide", theme: "Default Light Modern", width: 1900, height: 900 },
] as const;

const workspace = fileURLToPath(new URL("./fixtures/shop", import.meta.url));

for (const { name, theme, width, height } of looks) {
  const code = await launch({
    workspace,
    packages: ["async-mutex", "tslib", "ts-chan"],
    viewport: { width, height },
    settings: {
      "workbench.colorTheme": theme,
      "workbench.activityBar.location": "hidden",
      "window.commandCenter": false,
    },
  });
  try {
    await takePictures(code, name);
  } finally {
    await code.close();
  }
}
if (values.readme) {
  const images = path.join(root, "docs", "images");
  mkdirSync(images, { recursive: true });
  copyFileSync(path.join(folder, "dark-deadlock.png"), path.join(images, "task-dump.png"));
}
console.log(`pictures: ${folder}`);

async function takePictures(code: Workbench, look: string): Promise<void> {
  await code.runCommand("View: Toggle Primary Side Bar Visibility");
  await code.openFile("src/orders.ts");
  await code.runCommand("Unknot: Focus on Task Dump View");
  await code.screenshot(`${look}-empty`);
  await code.startDebugging("Shop");
  await code.treeRow(/^Deadlock/).waitFor();
  await code.treeRow(/postman/).waitFor();
  await code.treeRow(/^reserve/).click();
  await code.waitForLine(8);
  await code.runCommand("Notifications: Clear All Notifications");
  await code.screenshot(`${look}-deadlock`);
  await code.runCommand("Unknot: Focus on Task Dump View");
  await code.key("ArrowRight");
  await code.treeRow(/^Held by/).waitFor();
  await code.runCommand("View: Toggle Maximized Panel");
  await code.screenshot(`${look}-task`);
  await code.runCommand("View: Toggle Maximized Panel");
  await code.runCommand("Unknot: Take Task Dump");
  await code.page.locator(".tabs-container .tab.active", { hasText: ".taskdump" }).waitFor();
  await code.screenshot(`${look}-taskdump`);
  await code.runCommand("Debug: Pause");
  await code.waitForPause();
  await code.treeRow(/^Paused/).waitFor();
  await code.screenshot(`${look}-paused`);
  await code.stopDebugging();
  await code.treeRow(/^Ended/).waitFor();
  await code.screenshot(`${look}-ended`);
}
