import assert from "node:assert/strict";
import { parseFilter } from "./filter.ts";
import { lookupOf } from "./names.ts";
import { shop } from "./testing/shop.ts";

const dump = shop();
const scene = { ...lookupOf(dump), problems: dump.problems };

function idsFor(text: string): readonly number[] | string {
  const filter = parseFilter(text);
  if (!filter.ok) return filter.message;
  const matches = filter.bind(scene);
  return dump.tasks.flatMap((task) => (matches(task) ? task.id : []));
}

describe("filter", () => {
  const consumers = [11, 12, 13, 14, 15];
  const cases: readonly (readonly [string, readonly number[] | RegExp])[] = [
    ["state:mutex", [7, 9]],
    ['state:"chan receive"', consumers],
    ["kind:main", [1]],
    ["file:BILLING", [9]],
    ["created:index.ts", consumers],
    ["lib:ts-chan", consumers],
    ["label:req", [5]],
    ["label:req=r-81", [5]],
    ["label:req=r-82", []],
    ["label:__proto__", []],
    ["deadlock:d1", [7, 9]],
    ["deadlock:any", [7, 9]],
    ["problem:not-awaited", [611]],
    ["problem:lock-order-inversion", [7, 9]],
    ["id:7", [7]],
    ["wait>14.1m", [1, 13, 14, 15]],
    ["wait<=40s", [5]],
    ["age<61s -state:rejected", []],
    ["ledger", [7, 9]],
    ["reserve", [7]],
    ["-state:chan -state:await", [7, 9, 611]],
    ["-file:app", []],
    ["", [1, 5, 7, 9, 611, ...consumers]],
    ["r-81", [5]],
    ["-r-81 kind:function name:handle", []],
    ["wat:mutex", /^'wat:' is no key: there are id:, state:, .*deadlock:, age> and wait>\. In quotes it/],
    ["-wat:mutex", /^'wat:' is no key/],
    ['wat:"my mutex"', /^'wat:' is no key/],
    ['"wat:mutex"', []],
    ['-"wat:mutex" id:7', [7]],
    ["https://example.org/x", []],
    ["c:\\app", []],
    ["C:/app", []],
    ["node:fs", []],
    ["std::mutex", []],
    ["orders.ts:41", []],
    ["age>soon", /'age>' needs a time, for example age>30s\./],
    ["state:", /'state:' needs a value, for example state:"chan receive"\./],
  ];
  for (const [text, expected] of cases) {
    it(`understands ${text || "nothing"}`, () => {
      const result = idsFor(text);
      if (expected instanceof RegExp) assert.match(String(result), expected);
      else assert.deepEqual([...result].sort(), [...expected].sort());
    });
  }

  it("says where the offending word is", () => {
    const filter = parseFilter("reserve age>x");
    assert.deepEqual(!filter.ok && filter.at, 8);
  });
});
