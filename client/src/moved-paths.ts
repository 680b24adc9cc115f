/**
 * Which of some paths, relative to their workspace folder, is the same file as `file`, which is of another machine: the
 * index of the one that ends the same for the longest. Undefined when two end the same for as long, and when only the
 * names agree of files that lie in other folders: every project has an `index.ts`. Paths have `/` between their parts.
 */
export function likeliest(file: string, candidates: readonly string[]): number | undefined {
  const wanted = file.split("/").reverse();
  const shared = candidates.map((candidate) => {
    const parts = candidate.split("/").reverse();
    const differs = parts.findIndex((part, index) => part !== wanted[index]);
    if (differs === -1) return parts.length;
    return differs > 1 ? differs : 0;
  });
  const most = Math.max(0, ...shared);
  return most > 0 && shared.indexOf(most) === shared.lastIndexOf(most) ? shared.indexOf(most) : undefined;
}

/** A file's name as a glob that means just it. */
export function globName(name: string): string {
  return name.replace(/[*?[\]{}]/g, "[$&]");
}
