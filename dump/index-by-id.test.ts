import { equal } from "node:assert/strict";
import fc from "fast-check";
import { indexById } from "./index-by-id.ts";

describe("the index by id", () => {
  it("finds what a map would find, in whatever order the ids come, and however often", () => {
    const ids = fc.array(fc.oneof(fc.nat(40), fc.integer({ min: 2 ** 31 - 2, max: 2 ** 40 })));
    fc.assert(
      fc.property(ids, fc.boolean(), (given, inOrder) => {
        const sorted = inOrder ? [...new Set(given)].sort((a, b) => a - b) : given;
        const items = sorted.map((id) => ({ id }));
        const index = indexById(items);
        const map = new Map(sorted.map((id, place) => [id, place]));
        for (const id of [...given, -1, 20, 2 ** 41]) equal(index.get(id), map.get(id));
        equal(indexById(items), index);
      }),
    );
  });

  it("finds nothing in nothing", () => {
    const none: readonly { readonly id: number }[] = [];
    equal(indexById(none).get(0), undefined);
  });
});
