import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { editorPreload } from "@unknot/protocol/wire.ts";

/**
 * Copies the shim to a folder that outlives updates of the extension and gives its path there: environments that name
 * it live on in terminals and in child processes when the extension's own folder is long gone.
 */
export function installShim(source: string, folder: string): string {
  const target = path.join(folder, editorPreload);
  const text = readFileSync(source, "utf8");
  if (readIfThere(target) !== text) {
    mkdirSync(folder, { recursive: true });
    // A program may start while another window updates the file.
    const part = `${target}.${process.pid}`;
    writeFileSync(part, text);
    renameSync(part, target);
  }
  return target;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
