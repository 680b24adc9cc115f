/**
 * Which of some paths is the same file as `file`, which is of another machine: the index of the one that ends the same
 * for the most folders. Undefined when two end the same for as long. Paths have `/` between their parts.
 */
export function likeliest(file: string, candidates: readonly string[]): number | undefined {
  const wanted = file.split("/").reverse();
  const shared = candidates.map((candidate) => {
    const parts = candidate.split("/").reverse();
    const differs = parts.findIndex((part, index) => part !== wanted[index]);
    return differs === -1 ? parts.length : differs;
  });
  const most = Math.max(0, ...shared);
  return most > 0 && shared.indexOf(most) === shared.lastIndexOf(most) ? shared.indexOf(most) : undefined;
}

/** A file's name as a glob that means just it. */
export function globName(name: string): string {
  return name.replace(/[*?[\]{}]/g, "[$&]");
}
