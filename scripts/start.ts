// `npm start`: shows the main job on the examples. Builds, prints what `unknot check` finds, runs the example that
// deadlocks under the tracer, and opens VS Code with the extension where `code` is there.
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

const code = process.platform === "win32" ? "code.cmd" : "code";
const found =
  spawnSync(code, ["--version"], { stdio: "ignore", shell: process.platform === "win32" }).status === 0;
if (found) {
  say(
    "3. VS Code opens with the extension and the examples: look at the squiggles, press F5, open the Task Dump.",
  );
  spawnSync(
    code,
    [
      `--extensionDevelopmentPath=${root}`,
      path.join(root, "examples"),
      path.join(root, "examples", "two-locks", "broken.ts"),
    ],
    {
      stdio: "inherit",
      shell: process.platform === "win32",
    },
  );
} else {
  say(
    "3. No `code` command here. `npm run package` makes dist/unknot-<platform>-<version>.vsix; install it with",
  );
  console.log("   Extensions: Install from VSIX… in VS Code, then open examples/ and press F5.");
}
