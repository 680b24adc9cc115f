import { fileURLToPath } from "node:url";
import { launch } from "./workbench.ts";
process.env["UNKNOT_E2E_PICTURES"] = "/tmp/panelx";
const shop = fileURLToPath(new URL("./fixtures/shop", import.meta.url));
const [width, height] = (process.argv[2] ?? "1400x800").split("x").map(Number) as [number, number];
const name = process.argv[4] ?? "g";
const code = await launch({ workspace: shop, viewport: { width, height }, packages: ["async-mutex", "tslib", "ts-chan", "p-limit", "yocto-queue", "@types/node", "undici-types"],
  settings: { "workbench.colorTheme": process.argv[3] ?? "Default Dark Modern", "workbench.activityBar.location": "hidden" } });
try {
  await code.runCommand("View: Toggle Primary Side Bar Visibility");
  await code.openFile("src/orders.ts");
  await code.startDebugging("Shop");
  await code.runCommand("Unknot: Focus on Diagnosis View");
  await code.treeRow(/^Deadlock/).waitFor();
  await code.treeRow(/postman/).waitFor();
  await code.runCommand("Notifications: Clear All Notifications");
  await code.screenshot(`${name}-shop`);
  await code.runCommand("Unknot: Show Wait-For Graph");
  const find = async (selector: string) => { for (;;) { for (const frame of code.page.frames()) if (await frame.locator(selector).first().isVisible().catch(() => false)) return frame; await code.page.waitForTimeout(200); } };
  let frame = await find(".vertex");
  await code.screenshot(`${name}-graph`);
  await code.runCommand("View: Close Panel");
  await frame.locator(".toggle", { hasText: "As Text" }).click();
  await code.screenshot(`${name}-graph-text`);
  await frame.locator(".toggle", { hasText: "As Text" }).click();
  await code.screenshot(`${name}-graph-large`);
  await frame.locator("#tab-stacks").click();
  frame = await find(".frame");
  await code.screenshot(`${name}-stacks`);
} catch (e) { console.error(e); await code.screenshot("failed"); console.log(code.logs(30)); }
finally { await code.close(); }
