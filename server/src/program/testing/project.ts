import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { FilePath } from "../ids.ts";
import { folderOf, slashes } from "../paths.ts";

/** A folder for one test. */
export interface TestProject {
  readonly folder: FilePath;
  path(name: string): FilePath;
  write(name: string, text: string): FilePath;
  remove(name: string): FilePath;
  dispose(): void;
}

const repository = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * Writes a project to a folder of its own. `dependencies` links what this repository has installed: all, or the
 * packages and scopes that are named.
 */
export function testProject(
  files: Readonly<Record<string, string>>,
  { dependencies = [] }: { readonly dependencies?: true | readonly string[] } = {},
): TestProject {
  const folder = slashes(realpathSync(mkdtempSync(path.join(tmpdir(), "unknot-program-"))));
  const project: TestProject = {
    folder,
    path: (name) => `${folder}/${name}`,
    write(name, text) {
      const file = `${folder}/${name}`;
      mkdirSync(folderOf(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    remove(name) {
      rmSync(`${folder}/${name}`, { recursive: true });
      return `${folder}/${name}`;
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
  for (const [name, text] of Object.entries(files)) project.write(name, text);
  const link = (name: string) => {
    symlinkSync(
      path.join(repository, "node_modules", name),
      path.join(folder, "node_modules", name),
      "junction",
    );
  };
  if (dependencies === true) link("");
  else if (dependencies.length > 0) {
    mkdirSync(`${folder}/node_modules`, { recursive: true });
    for (const name of dependencies) link(name);
  }
  return project;
}
