// Renders media/icon.svg as the marketplace's PNG: `node test/e2e/render-icon.ts`, after a change of the drawing.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { install } from "./install.ts";

const media = fileURLToPath(new URL("../../media", import.meta.url));
const size = 256;

const installed = install();
if (!installed.ok) throw new Error(installed.why);
const browser = await chromium.launch({
  executablePath: installed.environment.chromium,
  args: ["--no-sandbox"],
});
const page = await browser.newPage({ viewport: { width: size, height: size } });
const drawing = readFileSync(path.join(media, "icon.svg"), "utf8");
await page.setContent(`<body style="margin:0;background:transparent">${drawing}</body>`);
await page.screenshot({ path: path.join(media, "icon.png"), omitBackground: true });
await browser.close();
