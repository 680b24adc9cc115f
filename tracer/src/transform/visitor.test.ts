import assert from "node:assert/strict";
import { siteFunction } from "./sites.ts";
import { transform } from "./transform.ts";

function transformed(source: string) {
  return transform({
    source,
    file: "/app/main.ts",
    typescript: true,
    kind: "module",
    firstSite: 0,
    libraries: new Set(),
  });
}

/** The names of the async functions, in the order of the source. */
function namesIn(source: string): (string | undefined)[] {
  const sites = transformed(source)?.sites.filter(({ flags }) => (flags & siteFunction) !== 0) ?? [];
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

describe("a combination of promises", () => {
  const joinsIn = (awaits: string) =>
    transformed(`async function task() { ${awaits} }`)?.code.match(/\bjoin\w*/g);

  it("ends with the wait for it when it is what is awaited, in parentheses or not", () => {
    for (const awaits of [
      "await Promise.all(list);",
      "const [one] = await (Promise.race(list) as Promise<number[]>);",
      "use(await (Promise.any(list)));",
    ])
      assert.deepEqual(joinsIn(awaits), ["joinAwaited"], awaits);
  });

  it("may go on after the wait, or have no wait, when something else is awaited", () => {
    for (const awaits of [
      "const all = Promise.all(list); await all;",
      "await Promise.all(list).then(use);",
      "await (quick ? Promise.race(list) : one);",
      "await use(Promise.all(list));",
      "return Promise.all(list);",
      "const later = () => Promise.all(list); await later();",
    ])
      assert.deepEqual(joinsIn(awaits), ["join"], awaits);
  });
});
