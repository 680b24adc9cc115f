import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

/** The configurations in `peers/` have two rules each: no-floating-promises and no-misused-promises. */
export const peers = {
  folder: path.join(here, "peers"),
  /** What a peer's package has for the command line. */
  command: (name: string): string => path.join(here, "node_modules", ".bin", name),
};

/** Installs what `package.json` of this folder names, once. */
export function installPeers(): void {
  if (existsSync(peers.command("eslint")) && existsSync(peers.command("tsgolint"))) return;
  const done = spawnSync(
    "npm",
    ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"],
    {
      cwd: here,
      stdio: "inherit",
      shell: process.platform === "win32",
    },
  );
  if (done.status !== 0) throw new Error("The peers in bench/package.json could not be installed.");
}
