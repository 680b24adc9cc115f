// `npm start -- --web`: what it opens, and what it leaves behind.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { install } from "./install.ts";
import { packageUnderTest } from "./package-under-test.ts";

const script = fileURLToPath(new URL("./open-in-browser.ts", import.meta.url));

describe("VS Code for a browser", () => {
  let running: ChildProcess | undefined;
  afterEach(() => running?.kill("SIGKILL"));

  it("is on loopback with the extension and the examples, and is gone after Ctrl+C", async () => {
    const installed = install();
    assert.ok(installed.ok);
    running = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script], {
      env: { ...process.env, BROWSER: "none", UNKNOT_E2E_VSIX: await packageUnderTest() },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    const address = /http:\/\/(\S+?):\d+\/\?folder=(\S+)/;
    for await (const chunk of running.stdout ?? []) {
      text += String(chunk);
      if (address.test(text) && text.includes("Ctrl+C")) break;
    }
    const [url = "", host, folder = ""] = address.exec(text) ?? [];
    assert.equal(host, "127.0.0.1", text);
    const workspace = decodeURIComponent(folder);
    assert.ok(existsSync(workspace));
    const browser = await chromium.launch({
      executablePath: installed.environment.chromium,
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
    try {
      const page = await browser.newPage();
      await page.goto(url);
      await page.locator(".explorer-viewlet .monaco-list-row", { hasText: "two-locks" }).waitFor();
      const input = page.locator(".quick-input-box input");
      const row = page.locator(".quick-input-list .monaco-list-row", { hasText: "Open Task Dump" });
      // While the workbench is being drawn, nobody hears the key, or somebody else takes the focus.
      await tried(5, async () => {
        await page.keyboard.press("Escape");
        await page.keyboard.press("F1");
        await input.waitFor({ timeout: 2000 });
        await input.fill(">Unknot: Open Task Dump");
        await row.waitFor({ timeout: 3000 });
      });
    } finally {
      await browser.close();
    }
    const ended = once(running, "exit");
    running.kill("SIGINT");
    assert.deepEqual(await ended, [0, null]);
    assert.ok(!existsSync(workspace), "the copy of the examples is removed");
  });
});

async function tried(times: number, step: () => Promise<void>): Promise<void> {
  for (let left = times; ; left--) {
    try {
      return await step();
    } catch (error) {
      if (left <= 1) throw error;
    }
  }
}
