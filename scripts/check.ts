// `npm run check`: every static check, all of them even when one fails.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = (name: string) => path.join("node_modules", ".bin", name);
const script = (file: string, ...args: string[]) => [process.execPath, path.join("scripts", file), ...args];

const checks: readonly (readonly [string, readonly string[]])[] = [
  ["format and lint", [bin("biome"), "ci", "--error-on-warnings"]],
  ["types", [bin("tsc"), "-p", "."]],
  // A page has the types of a browser, which nothing else may use.
  ["types of the page", [bin("tsc"), "-p", path.join("client", "src", "views", "graph", "page")]],
  ["dependency arrows", script("dependencies.ts")],
  ["unused code", [bin("knip")]],
  ["generated files", script("generate.ts", "--check")],
];

const failed: string[] = [];
for (const [name, [command = "", ...args]] of checks) {
  console.log(`\n— ${name}`);
  const done = spawnSync(command, args, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
  if (done.status !== 0) failed.push(name);
}
console.log(failed.length === 0 ? "\nAll static checks passed." : `\nFailed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
