/** Equality of lists, by their elements in order. */
export function isSameList<One>(
  a: readonly One[],
  b: readonly One[],
  isSame: (one: One, other: One) => boolean = Object.is,
): boolean {
  return a.length === b.length && a.every((one, index) => isSame(one, b[index] as One));
}
