import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { CliError } from "../cli-error.ts";

/** The first releases that run TypeScript as it is and have the module hooks that the tracer uses. */
const needed: Readonly<Record<number, number>> = { 22: 18, 23: 6 };

/**
 * The Node to run a program with: the one that runs this command, else the Node 22 of the package
 * `node-<platform>-<arch>`, looked for from `folder` and beside this command.
 */
export function findNode(
  folder: string,
  { version = process.versions.node, execPath = process.execPath } = {},
): string {
  if (canTrace(version)) return execPath;
  for (const from of [path.join(folder, "_"), import.meta.url]) {
    const packaged = packagedNode(from);
    if (packaged !== undefined) return packaged;
  }
  throw new CliError(
    `Node ${version} can't be traced: install Node 22.18 or newer, or the package '${packageName}' in your project.`,
  );
}

export function canTrace(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 23 || minor >= (needed[major] ?? Number.POSITIVE_INFINITY);
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
