// Installs the libraries that the models describe, in the oldest and the newest version that they claim, each set in a
// folder of its own below `.cache/models`: packages ship tests, which no pattern of ours may find. What is there already
// is left alone.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import semver from "semver";
import { root } from "../rules/fixtures.ts";

/** `between` has versions whose types are called otherwise than in the other two. */
export type Age = "oldest" | "between" | "newest";

export const ages: readonly Age[] = ["oldest", "between", "newest"];

/** The folder in which the libraries of an age are installed, with forward slashes. */
export function folderOf(age: Age): string {
  return path.join(root, ".cache", "models", age).replaceAll("\\", "/");
}

/** Installs what is missing; throws when npm fails. */
export function installLibraries(): void {
  for (const age of ages) {
    const manifest = fileURLToPath(new URL(`${age}.json`, import.meta.url));
    // Optional and peer dependencies are drivers that nothing here needs.
    installPackages(manifest, folderOf(age), ["--omit=optional", "--legacy-peer-deps"]);
    writeFileSync(path.join(folderOf(age), loader), loaderText);
  }
}

/** Installs what a manifest names into a folder, if it is not there; no install script of any package runs. */
export function installPackages(manifest: string, folder: string, options: readonly string[]): void {
  const { dependencies } = JSON.parse(readFileSync(manifest, "utf8")) as Manifest;
  mkdirSync(folder, { recursive: true });
  copyFileSync(manifest, path.join(folder, "package.json"));
  const isComplete = Object.entries(dependencies).every(
    ([name, version]) => versionIn(folder, name) === version,
  );
  if (isComplete) return;
  const what = path.relative(root, manifest);
  console.error(`Installing the ${Object.keys(dependencies).length} packages of ${what}…`);
  const done = spawnSync(
    "npm",
    [
      "install",
      "--ignore-scripts",
      "--no-package-lock",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
      ...options,
    ],
    { cwd: folder, stdio: ["ignore", 2, 2], shell: process.platform === "win32" },
  );
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`The packages of ${what} could not be installed.`);
}

/** What a module exports to a program in the folder of an age. */
export async function load(age: Age, specifier: string): Promise<Exports> {
  const file = pathToFileURL(path.join(folderOf(age), loader)).href;
  const { load: from } = (await import(file)) as { load(specifier: string): Promise<Exports> };
  return from(specifier);
}

export type Exports = Readonly<Record<string, unknown>>;

const loader = "load.mjs";
/** By `import`, or by `require` what only that finds. */
const loaderText = `import { createRequire } from "node:module";
export const load = (specifier) =>
  import(specifier).catch(() => ({ default: createRequire(import.meta.url)(specifier) }));
`;

/** The version of a package in the folder of an age; undefined when it is not there. */
export function installedVersion(age: Age, name: string): string | undefined {
  return versionIn(folderOf(age), name);
}

function versionIn(folder: string, name: string): string | undefined {
  try {
    const file = path.join(folder, "node_modules", name, "package.json");
    const { version } = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    return semver.valid(version) ?? version;
  } catch {
    return undefined;
  }
}

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}
