import assert from "node:assert/strict";
import { siteFunction } from "./sites.ts";
import { transform } from "./transform.ts";

/** The names of the async functions, in the order of the source. */
function namesIn(source: string): (string | undefined)[] {
  const transformed = transform({
    source,
    file: "/app/main.ts",
    typescript: true,
    kind: "module",
    firstSite: 0,
    libraries: new Set(),
  });
  const sites = transformed?.sites.filter(({ flags }) => (flags & siteFunction) !== 0) ?? [];
  return sites.map((site) => site.function);
}

describe("the name of an async function", () => {
  it("is its own, or that of what it is given to", () => {
    const source = `
      async function reserve() { await id; }
      const refund = async () => { await id; };
      class Shop { async open() { await id; } close = async () => { await id; }; }
      const routes = { async get() { await id; }, post: async () => { await id; } };
      routes.put = async () => { await id; };
    `;
    assert.deepEqual(namesIn(source), [
      "reserve",
      "refund",
      "Shop.open",
      "Shop.close",
      "routes.get",
      "routes.post",
      "routes.put",
    ]);
  });

  it("is for a callback what is called, and in which function", () => {
    const source = `
      async function reserve(lock) {
        await lock.runExclusive(async () => {
          await Promise.all([1, 2].map((async (id) => { await id; })));
        });
        later[0](async () => { await id; });
        (async () => { await id; })();
        start(async function ship() { await id; });
      }
      class Shop {
        open(lock) { return lock.use(async () => { await id; }); }
      }
    `;
    assert.deepEqual(namesIn(source), [
      "reserve",
      "runExclusive callback in reserve",
      "map callback in reserve",
      "callback in reserve",
      undefined,
      "ship",
      "use callback in Shop.open",
    ]);
  });

  it("is unknown where no function around has one", () => {
    assert.deepEqual(
      namesIn(
        "serve(async () => { await id; }); export default class { static { use(async () => { await id; }); } }",
      ),
      [undefined, undefined],
    );
  });
});
