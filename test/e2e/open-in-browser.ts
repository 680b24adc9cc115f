// `npm start -- --web`: VS Code's workbench with the packed extension and a copy of examples/, for a browser on this
// machine. Runs until Ctrl+C, then removes what it made. Expects `npm run build` to have run.
import { once } from "node:events";
import path from "node:path";
import { root } from "@unknot/scripts/build.ts";
import { startCodeServer } from "./code-server.ts";
import { install } from "./install.ts";
import { packageUnderTest } from "./package-under-test.ts";

const installed = install();
if (installed.ok) {
  const server = await startCodeServer({
    environment: installed.environment,
    vsix: await packageUnderTest(),
    workspace: path.join(root, "examples"),
    packages: ["async-mutex", "p-limit", "yocto-queue", "ts-chan", "tslib"],
  });
  const stopped = Promise.race([
    once(process, "SIGINT"),
    once(process, "SIGTERM"),
    once(server.process, "exit"),
  ]);
  const folder = new URLSearchParams({ folder: server.folders.workspace });
  console.log(`\n   Open ${server.url}?${folder}\n   Ctrl+C ends it and removes what it made.`);
  await stopped;
  await server.close();
} else {
  console.error(`VS Code can't run in a browser here: ${installed.why}.`);
  process.exitCode = 1;
}
