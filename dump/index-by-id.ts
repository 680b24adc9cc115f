/** Finds where something stands in a list by its id. */
export interface IndexById<Id extends number = number> {
  get(id: Id): number | undefined;
}

/** Dumps do not change, and several questions are asked of each. */
const knownIndexes = new WeakMap<readonly object[], IndexById>();

/** Where each of these stands among them, by its id; made once for each list. */
export function indexById<Item extends { readonly id: number }>(
  items: readonly Item[],
): IndexById<Item["id"]> {
  let found = knownIndexes.get(items);
  if (found === undefined) {
    found = ascendingIndex(items) ?? mapIndex(items);
    knownIndexes.set(items, found);
  }
  return found;
}

/** The tracer's dumps are in the order of ids: to search them costs nothing beforehand, a map of 100,000 some 20 ms. */
function ascendingIndex(items: readonly { readonly id: number }[]): IndexById | undefined {
  const ids = new Float64Array(items.length);
  let last = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < items.length; index++) {
    const { id } = items[index] as { readonly id: number };
    if (!(id > last)) return undefined;
    ids[index] = id;
    last = id;
  }
  return {
    get(id) {
      let low = 0;
      let high = ids.length - 1;
      while (low <= high) {
        const middle = (low + high) >>> 1;
        const found = ids[middle] as number;
        if (found === id) return middle;
        if (found < id) low = middle + 1;
        else high = middle - 1;
      }
      return undefined;
    },
  };
}

function mapIndex(items: readonly { readonly id: number }[]): IndexById {
  const indexes = new Map<number, number>();
  for (const [index, item] of items.entries()) indexes.set(item.id, index);
  return indexes;
}
