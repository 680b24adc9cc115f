// `npm start -- --web`: VS Code's workbench with the packed extension and a copy of examples/, for a browser on this
// machine, which is opened where there is a desktop. Runs until Ctrl+C, then removes what it made. Expects
// `npm run build` to have run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { root } from "@unknot/scripts/build.ts";
import { startCodeServer } from "./code-server.ts";
import { installServer } from "./install.ts";
import { packageUnderTest } from "./package-under-test.ts";

const installed = installServer();
if (installed.ok) {
  // Whoever asks it to end while it starts is heard, too.
  const asked = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const server = await startCodeServer({
    environment: installed.environment,
    vsix: await packageUnderTest(),
    workspace: path.join(root, "examples"),
    packages: ["async-mutex", "p-limit", "yocto-queue", "ts-chan", "tslib"],
  });
  const url = `${server.url}?${new URLSearchParams({ folder: server.folders.workspace })}`;
  const how = opensBrowser(url) ? "It opens in your browser; if not, go to" : "Open";
  console.log(`\n   ${how} ${url}\n   Ctrl+C ends it and removes what it made.`);
  await Promise.race([asked, once(server.process, "exit")]);
  await server.close();
  // Nothing else is to be waited for: a browser that was opened goes on by itself.
  process.exit();
} else {
  console.error(`   VS Code can't run for a browser here: ${installed.why}.`);
  console.error("   Where VS Code itself is installed, `npm start` opens it with the extension.");
  process.exitCode = 1;
}

/** Whether there is a desktop whose browser was asked for the page. */
function opensBrowser(url: string): boolean {
  const { DISPLAY, WAYLAND_DISPLAY, BROWSER } = process.env;
  if (BROWSER === "none" || (DISPLAY === undefined && WAYLAND_DISPLAY === undefined)) return false;
  const opener = spawn("xdg-open", [url], { stdio: "ignore", detached: true });
  // Without the command there is the address.
  opener.on("error", () => {});
  opener.unref();
  return true;
}
