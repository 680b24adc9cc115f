// `npm start`: shows the main job on the examples. Builds, prints what `unknot check` finds, runs the example that
// deadlocks under the tracer, and opens VS Code with the extension where `code` is there.
//   --web   opens VS Code's workbench for a browser instead
import { spawnSync } from "node:child_process";
import path from "node:path";
import { styleText } from "node:util";
import { buildAll, root } from "./build.ts";

const cli = path.join(root, "dist", "npm", "unknot.mjs");

/** Shows the command as a newcomer would type it, then runs it. The examples are broken, so its exit code is no news. */
function show(typed: string, args: readonly string[]): void {
  console.log(`\n${styleText("bold", `$ ${typed}`)}\n`);
  spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", cli, ...args], {
    cwd: root,
    stdio: "inherit",
  });
}

function say(text: string): void {
  console.log(`\n${text}`);
}

console.log("Building…");
await buildAll();

say("1. What the analyzer finds in examples/ without running anything:");
show("npx unknot check examples", ["check", "examples"]);

say("2. The same mistake at run time: two tasks take two locks in opposite orders.");
show("npx unknot run -- examples/two-locks/broken.ts", ["run", "--", "examples/two-locks/broken.ts"]);

const examples = path.join(root, "examples");
const look = "look at the squiggles, press F5 in two-locks/broken.ts, open the Task Dump.";
const code = process.platform === "win32" ? "code.cmd" : "code";
const found =
  spawnSync(code, ["--version"], { stdio: "ignore", shell: process.platform === "win32" }).status === 0;
if (process.argv.includes("--web")) {
  say(`3. VS Code in a browser, with the extension and the examples: ${look}`);
  const web = ["--disable-warning=ExperimentalWarning", "test/e2e/open-in-browser.ts"];
  process.exitCode = spawnSync(process.execPath, web, { cwd: root, stdio: "inherit" }).status ?? 1;
} else if (found) {
  say(`3. VS Code opens with the extension and the examples: ${look}`);
  spawnSync(
    code,
    [`--extensionDevelopmentPath=${root}`, examples, path.join(examples, "two-locks", "broken.ts")],
    { stdio: "inherit", shell: process.platform === "win32" },
  );
} else {
  say("3. There is no `code` command here. `npm start -- --web` shows VS Code in a browser, or:");
  console.log(
    "   `npm run package` makes dist/unknot-<platform>-<version>.vsix; install it with Extensions:",
  );
  console.log("   Install from VSIX… in VS Code, then open examples/ and press F5.");
}
