// Runs one of this repository's TypeScript scripts: `node scripts/with-node.mjs scripts/x.ts args`.
// The only file here that has to run on Node 20: it installs the packages when they are missing or older than
// the lock file, then hands over to a Node that runs TypeScript (the system's from 22.18 on, else the Node 22
// that npm installs as an optional package for this platform).
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const stamp = path.join(root, "node_modules", ".unknot-installed");

/** The lock file's hash: what the stamp has to say for the installed packages to be current. */
function wanted() {
  return createHash("sha256")
    .update(readFileSync(path.join(root, "package-lock.json")))
    .digest("hex");
}

function installPackages() {
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted()) return;
  console.error("Installing packages (npm ci)…");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const done = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (done.status !== 0) {
    console.error("npm ci failed: see its message above; check the network and the npm registry setting.");
    process.exit(1);
  }
  writeFileSync(stamp, wanted());
}

function runsTypeScript(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

function chooseNode() {
  if (runsTypeScript(process.versions.node)) return process.execPath;
  const folder = path.join(
    root,
    "node_modules",
    `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`,
  );
  const packaged = path.join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(packaged)) return packaged;
  console.error(
    `Node ${process.versions.node} can't run this repository's TypeScript scripts and npm has no Node 22 package for ` +
      `${process.platform}-${process.arch}: install Node 22.18 or newer.`,
  );
  return process.exit(1);
}

installPackages();
const node = chooseNode();
// What the script starts by the name `node` has to be the same Node.
const env = { ...process.env, PATH: path.dirname(node) + path.delimiter + process.env.PATH };
const child = spawn(node, ["--disable-warning=ExperimentalWarning", ...process.argv.slice(2)], {
  stdio: "inherit",
  env,
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  else process.exit(code ?? 1);
});
