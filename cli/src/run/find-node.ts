import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { CliError } from "../cli-error.ts";

/** The first minor releases that the tracer can hook into, and those that run TypeScript as it is besides. */
const traced: Readonly<Record<number, number>> = { 20: 19, 22: 15, 23: 5 };
const typed: Readonly<Record<number, number>> = { 22: 18, 23: 6 };

/**
 * The Node to run a program with: the one that runs this command when it is all that is needed, else the Node 22 of the
 * package `node-<platform>-<arch>`, looked for from `folder` and beside this command; where there is none, the former for
 * what is no TypeScript. Throws a CliError when there is no such Node.
 */
export function findNode(
  folder: string,
  file = "",
  { version = process.versions.node, execPath = process.execPath } = {},
): string {
  if (runsTypeScript(version)) return execPath;
  for (const from of [path.join(folder, "_"), import.meta.url]) {
    const packaged = packagedNode(from);
    if (packaged !== undefined) return packaged;
  }
  if (canTrace(version) && !/\.[cm]?ts$/.test(file)) return execPath;
  throw new CliError(noNode(version));
}

/** Why a Node does not do, and what does. */
export function noNode(version: string): string {
  const install = "install Node 22.18 or newer";
  const add = `add the package '${packageName}', which is one, to your project`;
  return canTrace(version)
    ? `Node ${version} does not run TypeScript: ${install}, run it by the package tsx ('unknot run -- tsx program.ts'), or ${add}.`
    : `Node ${version} can't be traced: ${install}, or ${add}.`;
}

export function canTrace(version: string): boolean {
  return isFrom(traced, version);
}

export function runsTypeScript(version: string): boolean {
  return isFrom(typed, version);
}

function isFrom(releases: Readonly<Record<number, number>>, version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 23 || minor >= (releases[major] ?? Number.POSITIVE_INFINITY);
}

const packageName = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

function packagedNode(from: string): string | undefined {
  try {
    const manifest = createRequire(from).resolve(`${packageName}/package.json`);
    const file = path.join(path.dirname(manifest), "bin", process.platform === "win32" ? "node.exe" : "node");
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined; // Not installed there.
  }
}
