import type { FilePath } from "../program/ids.ts";
import type { FileRole } from "./roles.ts";

// Tests, and what only tests use, stand beside the program: they say how it may be called, not how it runs. So the
// program is solved without them, and they are solved on top of it when a rule may report in them. What is found in the
// program is then the same, whether somebody looks at its tests or not.

/** Every file that neither serves users nor is loaded, directly or through others, by one that does. */
export function filesAside(
  files: readonly FilePath[],
  roleOf: (file: FilePath) => FileRole,
  loadedBy: (file: FilePath) => readonly FilePath[],
): ReadonlySet<FilePath> {
  const aside = new Set(files);
  const open = files.filter((file) => {
    const role = roleOf(file);
    return role === "source" || role === "script";
  });
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (aside.delete(file)) open.push(...loadedBy(file));
  }
  return aside;
}
