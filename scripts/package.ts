// `npm run package`: builds the extension and packs it for this platform as dist/unknot-<platform>-<version>.vsix.
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createVSIX } from "@vscode/vsce";
import { buildAll, root } from "./build.ts";

export const target = `${process.platform}-${process.arch}`;

/** What only this repository needs of package.json. */
const repositoryFields = ["workspaces", "scripts", "devDependencies", "bin", "exports", "private"];

/**
 * Packs the extension whose bundles are in `built` (the `extension` folder that `buildAll` makes) and gives the path
 * of the `.vsix`. What else goes in is what .vscodeignore lets through.
 */
export async function packageExtension(
  built = path.join(root, "dist", "extension"),
  folder = path.join(root, "dist"),
): Promise<string> {
  const manifest = readManifest();
  const vsix = path.join(folder, `unknot-${target}-${manifest.version}.vsix`);
  const stage = mkdtempSync(path.join(tmpdir(), "unknot-package-"));
  try {
    for (const file of allowedFiles()) cpSync(path.join(root, file), path.join(stage, file));
    cpSync(built, path.join(stage, "dist", "extension"), { recursive: true });
    const shipped = Object.entries(manifest).filter(([field]) => !repositoryFields.includes(field));
    writeFileSync(path.join(stage, "package.json"), JSON.stringify(Object.fromEntries(shipped), null, 2));
    cpSync(path.join(root, ".vscodeignore"), path.join(stage, ".vscodeignore"));
    mkdirSync(folder, { recursive: true });
    await packFolder(stage, vsix, target);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  return vsix;
}

/** Packs an extension as it lies in a folder. */
export async function packFolder(folder: string, vsix: string, platform?: string): Promise<void> {
  await createVSIX({
    cwd: folder,
    packagePath: vsix,
    dependencies: false,
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
    ...(platform === undefined ? {} : { target: platform }),
  });
}

/** What .vscodeignore lets through of the sources; vsce, which would read the whole repository, applies it again. */
function allowedFiles(): readonly string[] {
  const allowed = readFileSync(path.join(root, ".vscodeignore"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("!") && !line.startsWith("!dist/"))
    .map((line) => line.slice(1));
  return globSync(allowed, { cwd: root });
}

interface Manifest {
  readonly version: string;
}

function readManifest(): Manifest {
  return JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as Manifest;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildAll();
  console.log(await packageExtension());
}
