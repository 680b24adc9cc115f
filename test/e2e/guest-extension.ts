import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { packFolder } from "@unknot/scripts/package.ts";

/** Packs an extension of `fixtures`, to be installed beside ours; gives the `.vsix`, whose folder the test removes. */
export async function packGuest(name: string): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "unknot-guest-"));
  const source = path.join(folder, "source");
  cpSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)), source, { recursive: true });
  for (const file of ["README.md", "LICENSE"]) writeFileSync(path.join(source, file), "For tests.\n");
  const vsix = path.join(folder, `${name}.vsix`);
  await packFolder(source, vsix);
  rmSync(source, { recursive: true });
  return vsix;
}
