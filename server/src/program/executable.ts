import { accessSync, chmodSync, constants, existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { folderOf, slashes } from "./paths.ts";

/** TypeScript can't be started, or not kept running. The message is one sentence that names the remedy. */
export class TypeScriptUnavailable extends Error {
  override readonly name = "TypeScriptUnavailable";
}

const fileName = process.platform === "win32" ? "tsc.exe" : "tsc";
const platformPackage = `@typescript/typescript-${process.platform}-${process.arch}`;

/**
 * TypeScript's native compiler: the one that the caller names, else the one beside this bundle (so the extension
 * ships it), else the installed platform package. Throws `TypeScriptUnavailable` when there is none.
 */
export function findExecutable(named?: string): string {
  if (named !== undefined) {
    if (existsSync(named)) return named;
    throw new TypeScriptUnavailable(`TypeScript's compiler '${named}' does not exist; correct the setting.`);
  }
  const bundled = fileURLToPath(new URL(`./typescript/${fileName}`, import.meta.url));
  const found = existsSync(bundled) ? bundled : installed();
  if (found !== undefined) {
    makeExecutable(found);
    return found;
  }
  throw new TypeScriptUnavailable(
    `TypeScript's compiler for ${process.platform}-${process.arch} is not installed; install '${platformPackage}' (npm leaves it out with --omit=optional).`,
  );
}

function installed(): string | undefined {
  const here = createRequire(import.meta.url);
  for (const from of [() => here.resolve("typescript/package.json"), () => fileURLToPath(import.meta.url)]) {
    try {
      const manifest = createRequire(from()).resolve(`${platformPackage}/package.json`);
      const file = path.join(path.dirname(manifest), "lib", fileName);
      if (existsSync(file)) return file;
    } catch {
      // Not installed from there.
    }
  }
  return undefined;
}

/** Some ways of unpacking lose the permission. */
function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    try {
      chmodSync(file, 0o755);
    } catch {
      // Starting it says what is wrong.
    }
  }
}

/** What `lib` may name, in lower case, judging by the library files beside the compiler. */
export function libraryNames(executable: string): ReadonlySet<string> {
  const files = readdirSync(folderOf(slashes(executable)));
  const names = files.flatMap((file) => /^lib\.(.+)\.d\.ts$/.exec(file)?.[1]?.toLowerCase() ?? []);
  // `es7` and the `esnext` names of what became a standard have no file of their own.
  const standard = names.flatMap((name) => /^es2\d+\.(.+)$/.exec(name)?.[1] ?? []);
  return new Set([...names, "es7", ...standard.map((feature) => `esnext.${feature}`)]);
}
