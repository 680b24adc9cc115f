/** When the last dump of a text was taken, in milliseconds since the epoch; undefined when it does not say. */
export function capturedAtIn(taskdump: string): number | undefined {
  const times = [...taskdump.matchAll(/^# captured (\S+)/gm)].map(([, time = ""]) => Date.parse(time));
  const known = times.filter((time) => !Number.isNaN(time));
  return known.length === 0 ? undefined : Math.max(...known);
}

const mostNames = 3;

/** `Source differs: orders.ts was changed after the dump, so its lines may be others`; undefined when none was. */
export function changedText(files: readonly string[]): string | undefined {
  const [first] = files;
  if (first === undefined) return undefined;
  if (files.length === 1) {
    return `Source differs: ${first} was changed after the dump, so its lines may be others`;
  }
  const more = files.length > mostNames ? ` and ${files.length - mostNames} more` : "";
  return `Source differs: ${files.slice(0, mostNames).join(", ")}${more} were changed after the dump, so their lines may be others`;
}
