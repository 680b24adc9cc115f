// Drives a real VS Code workbench in headless Chromium: opens files, types, picks fixes, debugs, reads views.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Browser, chromium, type Frame, type Locator, type Page } from "playwright-core";
import { type CodeServer, type ServerOptions, startCodeServer } from "./code-server.ts";
import { install } from "./install.ts";
import { packageUnderTest } from "./package-under-test.ts";

const chromiumFlags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--mute-audio",
];

/** How long to wait for what a user would see; the mutant, which shows nothing, is given less. */
const patienceMs = Number(process.env["UNKNOT_E2E_PATIENCE_MS"] ?? 30_000);

export interface LaunchOptions extends Omit<ServerOptions, "environment" | "vsix"> {
  readonly viewport?: { readonly width: number; readonly height: number };
  /** Pixels of a picture per pixel of the page. */
  readonly scale?: number;
}

export type Workbench = Awaited<ReturnType<typeof launch>>;

/** Starts VS Code with the packed extension on a copy of `workspace` and waits until the window is drawn. */
export async function launch(options: LaunchOptions) {
  const installed = install();
  if (!installed.ok) throw new Error(`The editor tests can't run: ${installed.why}`);
  const { environment } = installed;
  const server = await startCodeServer({ ...options, environment, vsix: await packageUnderTest() });
  let browser: Browser | undefined;
  const consoleLines: string[] = [];
  try {
    browser = await chromium.launch({
      executablePath: environment.chromium,
      headless: true,
      args: chromiumFlags,
    });
    const context = await browser.newContext({
      viewport: options.viewport ?? { width: 1400, height: 900 },
      deviceScaleFactor: options.scale ?? 1,
    });
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.url });
    const page = await context.newPage();
    page.on("console", (message) => consoleLines.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => consoleLines.push(`pageerror: ${error.message}`));
    await page.goto(`${server.url}?${new URLSearchParams({ folder: server.folders.workspace })}`);
    const close = async () => {
      await browser?.close();
      return server.close();
    };
    const workbench = drive(page, server, { consoleLines, close });
    await workbench.ready();
    return workbench;
  } catch (error) {
    await browser?.close();
    await server.close();
    throw error;
  }
}

function drive(
  page: Page,
  server: CodeServer,
  rest: { readonly consoleLines: readonly string[]; readonly close: CodeServer["close"] },
) {
  const quickInput = page.locator('.quick-input-widget:not([style*="display: none"]) .quick-input-box input');
  const quickRows = page.locator(".quick-input-list .monaco-list-row");
  const editor = page.locator(".editor-group-container.active .monaco-editor");
  const problemRows = page.locator(".markers-panel .monaco-list-row");

  const treeRows = page.locator(
    "[id='workbench.parts.panel'] .tree-explorer-viewlet-tree-view .monaco-list-row",
  );

  const key = async (...keys: readonly string[]) => {
    for (const each of keys) await page.keyboard.press(each);
  };

  /** Tries again when the workbench stole the focus half way; it does so while it starts. */
  const retry = async <Result>(step: () => Promise<Result>, times = 4): Promise<Result> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await step();
      } catch (error) {
        if (attempt >= times) throw error;
        await page.waitForTimeout(300 * attempt);
      }
    }
  };

  /** Asks again and again, for what no locator can wait for. */
  const waitUntil = async (condition: () => Promise<boolean>, patience = patienceMs): Promise<void> => {
    const end = Date.now() + patience;
    while (!(await condition())) {
      if (Date.now() > end) throw new Error("It did not come about in time.");
      await page.waitForTimeout(50);
    }
  };

  /** Opens Quick Open, types, and clicks the first row with this text. */
  const pick = (opener: string, typed: string, row: string) =>
    retry(async () => {
      await key("Escape", opener);
      await quickInput.waitFor({ timeout: 3000 });
      await quickInput.fill(typed);
      const found = quickRows.filter({ hasText: row }).first();
      await found.waitFor({ timeout: 5000 });
      await found.click();
      // It goes, or asks for what the command wants to know.
      const isDone = async () =>
        !(await quickInput.isVisible()) ||
        (await quickInput.inputValue({ timeout: 1000 }).catch(() => "")) !== typed;
      await waitUntil(isDone, 5000);
    });

  /** Runs a command by the label that the Command Palette shows. */
  const runCommand = (label: string) => pick("F1", `>${label}`, label);

  const openFile = async (relative: string) => {
    const name = path.basename(relative);
    await retry(async () => {
      await pick("Control+P", relative, name);
      await page.locator(".tabs-container .tab.active", { hasText: name }).waitFor({ timeout: 5000 });
    });
    await editor.locator(".view-line").first().waitFor({ timeout: patienceMs });
  };

  /** Resolves when the cursor is on this line of the active editor. */
  const waitForLine = (line: number) =>
    page.locator("#status\\.editor\\.selection", { hasText: `Ln ${line},` }).waitFor({ timeout: 5000 });

  const goToLine = async (line: number, column = 1) => {
    await retry(async () => {
      await key("Escape", "Control+G");
      await quickInput.waitFor({ timeout: 3000 });
      await quickInput.fill(`:${line}:${column}`);
      await key("Enter");
      await quickInput.waitFor({ state: "hidden", timeout: 5000 });
      // Keys that are pressed before the editor has the focus again are lost.
      await page.locator(".editor-group-container.active .monaco-editor.focused").waitFor({ timeout: 5000 });
      await waitForLine(line);
    });
  };

  const showProblems = async () => {
    const panel = page.locator(".markers-panel");
    if (!(await panel.isVisible())) await runCommand("Problems: Focus on Problems View");
    await panel.waitFor({ timeout: patienceMs });
  };

  /** Waits until the Problems view has a row with this text and gives its full text. */
  const waitForProblem = async (text: string | RegExp) => {
    await showProblems();
    const row = problemRows.filter({ hasText: text }).first();
    await row.waitFor({ timeout: patienceMs });
    return row.innerText();
  };

  const waitForNoProblem = async (text: string | RegExp) => {
    await showProblems();
    await problemRows.filter({ hasText: text }).first().waitFor({ state: "detached", timeout: patienceMs });
  };

  /** Resolves when the workbench is drawn. */
  const ready = async () => {
    await page.locator(".monaco-workbench").waitFor({ timeout: 60_000 });
    await page.locator(".statusbar-item").first().waitFor({ timeout: 60_000 });
    await page.locator(".explorer-viewlet .monaco-list-row").first().waitFor({ timeout: 60_000 });
  };

  const stackFrames = page.locator(".debug-call-stack .stack-frame");

  const stopDebugging = async () => {
    await retry(async () => {
      // A session that has only just begun does not hear it.
      await key("Shift+F5");
      await page.locator(".debug-toolbar").waitFor({ state: "hidden", timeout: patienceMs / 3 });
    });
    // The next session's frames are not to be taken for those of this one.
    await stackFrames.first().waitFor({ state: "detached", timeout: patienceMs });
  };

  return {
    page,
    server,
    key,
    retry,
    waitUntil,
    runCommand,
    openFile,
    goToLine,
    waitForLine,
    editor,
    problemRows,
    showProblems,
    waitForProblem,
    waitForNoProblem,
    close: rest.close,

    ready,

    /** Loads the window anew, with a new extension host. */
    async reload() {
      await page.reload();
      await ready();
    },

    /** Types a line into the terminal that is shown, once its shell is ready. */
    async typeInTerminal(line: string) {
      const terminal = page.locator(".terminal-wrapper.active");
      await waitUntil(async () =>
        /[#$] *$/.test((await terminal.locator(".xterm-rows").innerText()).trimEnd()),
      );
      await terminal.locator(".xterm").click();
      await page.keyboard.type(`${line}\n`);
    },

    statusItem: (text: string | RegExp) => page.locator(".statusbar-item", { hasText: text }),

    /** Picks a row of the quick pick that is open. */
    async pickRow(text: string) {
      const row = quickRows.filter({ hasText: text }).first();
      await row.waitFor({ timeout: patienceMs });
      await row.click();
    },

    quickRows,
    stackFrames,

    /** Where VS Code and what it starts put temporary files; traced processes register below it. */
    temporary: server.folders.tmp,
    /** Where extensions are installed. */
    extensions: server.folders.extensions,
    /** The absolute path of a file of the workspace's copy. */
    file: (relative: string) => path.join(server.folders.workspace, relative),
    /** What stands on disk, which is not what the editor shows. */
    saved: (relative: string) => readFileSync(path.join(server.folders.workspace, relative), "utf8"),

    /** Writes the workspace's settings, as a user or a colleague's commit does. */
    writeSettings(settings: Readonly<Record<string, unknown>>) {
      const folder = path.join(server.folders.workspace, ".vscode");
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, "settings.json"), JSON.stringify(settings));
    },

    squiggles: (severity: "error" | "warning" | "info" | "hint"): Locator =>
      page.locator(`.monaco-editor .squiggly-${severity}`),

    /** Shows only the problems with this text: of a longer list only what fits on the screen is drawn. */
    async filterProblems(text: string) {
      await showProblems();
      await page.locator("[id='workbench.parts.panel'] .viewpane-filter input").fill(text);
    },

    /** Puts the cursor on a problem through its row, opens the fix menu there and picks one. */
    async quickFix(problem: string | RegExp, title: string) {
      await showProblems();
      await problemRows.filter({ hasText: problem }).first().dblclick();
      await page.locator(".editor-group-container.active .monaco-editor.focused").waitFor();
      const item = page.locator(".action-widget .monaco-list-row", { hasText: title }).first();
      await retry(async () => {
        await key("Control+.");
        await item.waitFor({ timeout: 4000 });
      });
      await item.click();
      await item.waitFor({ state: "detached", timeout: patienceMs });
    },

    /** The lines on the screen, from top to bottom. */
    async editorText() {
      const lines = await editor.locator(".view-lines .view-line").evaluateAll((elements) =>
        elements
          .map((line) => ({
            top: Number.parseFloat((line as unknown as { style: { top: string } }).style.top),
            text: (line.textContent ?? "").replaceAll("\u00a0", " "),
          }))
          .sort((a, b) => a.top - b.top)
          .map((line) => line.text),
      );
      return lines.join("\n");
    },

    /** Brings the active editor back to what is saved. */
    async undoAll() {
      await runCommand("File: Revert File");
      await page.locator(".tabs-container .tab.active.dirty").waitFor({ state: "detached" });
    },

    /** Line and column of the cursor, as the status bar shows them. */
    async cursor() {
      const text = await page.locator("#status\\.editor\\.selection").innerText();
      const [, line, column] = /Ln (\d+), Col (\d+)/.exec(text) ?? [];
      return { line: Number(line), column: Number(column) };
    },

    /** Resolves when such a text stands behind a line of the active editor, put there by the extension. */
    async waitForMark(text: string) {
      await page.waitForFunction(
        (wanted) => {
          // No types of the browser here: they would let product code use them, too.
          const { document, getComputedStyle } = globalThis as unknown as {
            document: { querySelectorAll(s: string): Iterable<object> };
            getComputedStyle(element: object, part: string): { content: string };
          };
          return [...document.querySelectorAll(".view-line span")].some((span) =>
            getComputedStyle(span, "::after").content.includes(wanted),
          );
        },
        text,
        { timeout: patienceMs },
      );
    },

    /** The name on the active tab, which stands there in parts. */
    activeTab: async () =>
      (await page.locator(".tabs-container .tab.active").innerText()).replaceAll("\n", ""),

    async toggleBreakpoint(line: number) {
      await goToLine(line);
      await key("F9");
      await page
        .locator(".codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified")
        .first()
        .waitFor({ timeout: patienceMs });
    },

    async removeBreakpoint(line: number) {
      await goToLine(line);
      await key("F9");
      await page
        .locator(".glyph-margin-widgets .codicon-debug-breakpoint")
        .first()
        .waitFor({ state: "detached" });
    },

    /** Starts a launch configuration by its name, or what F5 starts when there is none. */
    async startDebugging(name?: string) {
      if (name === undefined) await key("F5");
      else await pick("Control+P", `debug ${name}`, name);
    },

    /** Resolves when the debugger has stopped somewhere; gives the call stack's rows. */
    async waitForPause() {
      await page
        .locator(".debug-toolbar .action-item:not(.disabled) .codicon-debug-continue")
        .waitFor({ timeout: 60_000 });
      return page.locator(".debug-call-stack .monaco-list-row").allInnerTexts();
    },

    /** Asks the debugger to stop the running program; it does when the program does something next. */
    async pause() {
      // Before its button can be pressed, the key is one for something else.
      await page.locator(".debug-toolbar .action-item:not(.disabled) .codicon-debug-pause").waitFor();
      await key("F6");
    },

    /** Lets the paused program go on. */
    async resume() {
      await key("F5");
      await stackFrames.first().waitFor({ state: "detached", timeout: patienceMs });
    },

    /** Line and column of the top frame, once the debugger has stopped elsewhere than `before`. */
    async pausedAt(before: string | undefined) {
      const top = stackFrames.locator(".line-number").first();
      await top.waitFor();
      await page.waitForFunction(
        (last) => {
          // No types of the browser here: they would let product code use them, too.
          const { document } = globalThis as unknown as {
            document: { querySelector(s: string): { textContent: string } | null };
          };
          const text = document.querySelector(".debug-call-stack .stack-frame .line-number")?.textContent;
          return text !== undefined && text !== last;
        },
        before,
        { timeout: patienceMs },
      );
      // Before its buttons can be pressed, VS Code ignores the keys for them.
      await page.locator(".debug-toolbar .action-item:not(.disabled) .codicon-debug-step-over").waitFor();
      return top.innerText();
    },

    stopDebugging,

    /** Ends what a failed test has left running. */
    async stopAnyDebugging() {
      while (await page.locator(".debug-toolbar").isVisible()) await stopDebugging();
    },

    /** The rows of the tree in the panel that are on the screen: label and description. */
    treeRows: () => treeRows.allInnerTexts(),
    /** The first row with this text, or the one so many behind it. */
    treeRow: (text: string | RegExp, index = 0) => treeRows.filter({ hasText: text }).nth(index),

    /** Picks an entry of a row's context menu. */
    /** Picks from the context menu of a row until what that brings about is seen. */
    async pickFromMenuOf(row: Locator, entry: string, effect: Locator) {
      const item = page.locator(".monaco-menu .action-item", { hasText: entry }).first();
      await retry(async () => {
        if (await effect.isVisible()) return;
        // A list that is drawn anew closes the menu, also between the aim and the click, and one that has only just
        // opened ignores a click.
        if (!(await item.isVisible())) await row.click({ button: "right", timeout: patienceMs / 3 });
        await item.click({ timeout: patienceMs / 3 });
        await effect.waitFor({ timeout: patienceMs / 10 });
      });
    },

    async hidePanel() {
      const panel = page.locator("[id='workbench.parts.panel']");
      if (!(await panel.isVisible())) return;
      await runCommand("View: Hide Panel");
      await panel.waitFor({ state: "hidden", timeout: patienceMs });
    },

    /** Drags the edge between editor and panel until the panel is so many pixels high. */
    async resizePanel(height: number) {
      const box = await page.locator("[id='workbench.parts.panel']").boundingBox();
      if (!box) throw new Error("The panel is not shown.");
      const x = box.x + box.width / 2;
      // The edge is drawn a little above the panel.
      await page.mouse.move(x, box.y - 3);
      await page.mouse.down();
      await page.mouse.move(x, box.y + box.height - height, { steps: 5 });
      await page.mouse.up();
    },

    /** Puts a text into the quick pick or input box that is open, once it has the focus. */
    async fillQuickInput(text: string) {
      const input = page.locator('.quick-input-widget:not([style*="display: none"]) input:focus');
      await input.waitFor({ timeout: patienceMs });
      await input.fill(text);
    },

    /** The document of a webview that shows this. */
    async webviewWith(selector: string): Promise<Frame> {
      const end = Date.now() + patienceMs;
      while (Date.now() < end) {
        for (const frame of page.frames()) {
          const shows = await frame.locator(selector).first().isVisible();
          if (shows) return frame;
        }
        await page.waitForTimeout(100);
      }
      throw new Error(`No webview shows ${selector}.`);
    },

    debugToolbar: page.locator(".debug-toolbar"),
    notifications: page.locator(".notification-toast"),

    /** The picture's path. Pictures outlive the test; `UNKNOT_E2E_PICTURES` says where they go. */
    async screenshot(name: string) {
      const folder = process.env["UNKNOT_E2E_PICTURES"] ?? path.resolve(".e2e", "pictures");
      mkdirSync(folder, { recursive: true });
      const file = path.join(folder, `${name}.png`);
      await page.screenshot({ path: file });
      return file;
    },

    /** What to print when a test failed. */
    logs: (lines = 20) => `${server.logs(lines)}\n--- page\n${rest.consoleLines.slice(-lines).join("\n")}`,
  };
}
