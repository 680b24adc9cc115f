// Installs the libraries that the models describe, in the oldest and the newest version that they claim, each set in a
// folder of its own. What is there already is left alone.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** `between` has versions whose types are called otherwise than in the other two. */
export type Age = "oldest" | "between" | "newest";

export const ages: readonly Age[] = ["oldest", "between", "newest"];

/** The folder in which the libraries of an age are installed, with forward slashes. */
export function folderOf(age: Age): string {
  return fileURLToPath(new URL(age, import.meta.url)).replaceAll("\\", "/");
}

/** Installs what is missing; throws when npm fails. */
export function installLibraries(): void {
  for (const age of ages) {
    const folder = folderOf(age);
    const { dependencies } = manifestOf(folder);
    const isComplete = Object.entries(dependencies).every(
      ([name, version]) => installedVersion(age, name) === version,
    );
    if (isComplete) continue;
    console.error(`Installing the ${age} versions of ${Object.keys(dependencies).length} libraries (14 MB)…`);
    // No install script of any package runs; optional and peer dependencies are drivers that nothing here needs.
    const done = spawnSync(
      "npm",
      [
        "install",
        "--ignore-scripts",
        "--omit=optional",
        "--legacy-peer-deps",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
      ],
      { cwd: folder, stdio: ["ignore", 2, 2], shell: process.platform === "win32" },
    );
    if (done.error) throw done.error;
    if (done.status !== 0) throw new Error(`The libraries in test/models/${age} could not be installed.`);
  }
}

/** The version of a package in the folder of an age; undefined when it is not there. */
export function installedVersion(age: Age, name: string): string | undefined {
  try {
    return manifestOf(path.join(folderOf(age), "node_modules", name)).version;
  } catch {
    return undefined;
  }
}

function manifestOf(folder: string): {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
} {
  return JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
}
