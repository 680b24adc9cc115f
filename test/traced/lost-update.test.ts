// Updates that are lost across an await, in programs that run: each way to write one, and what looks like it and is right.
import assert from "node:assert/strict";
import { lineOf, nodes, programFolder, run, runToLastDump } from "./kit.ts";

const tools = `const tick = () => new Promise<void>((resolve) => setImmediate(resolve));
async function price(amount: number): Promise<number> { await tick(); return amount; }
`;

const wrong = `${tools}
class Till {
  total = 0;
  #secret = 0;
  async adds(amount: number) {
    this.total += await price(amount); // field
  }
  async secretly(amount: number) {
    this.#secret += await price(amount);
    return this.#secret;
  }
}
const till = new Till();
let count = 0;
let names: readonly string[] = [];
let kept = 1;
const state = { value: 0 };
async function counts() {
  count = count + (await price(1)); // variable
}
async function names_(name: string) {
  names = [...names, String(await price(name.length))]; // spread
}
async function keeps() {
  const before = kept;
  await tick();
  if (before > 0) kept = before * 2; // kept
}
const sets = async (amount: number) => {
  state.value -= await price(amount); // property
};
await Promise.all([till.adds(1), till.adds(2), till.secretly(1), till.secretly(2)]);
await Promise.all([counts(), counts(), counts(), names_("a"), names_("b"), keeps(), keeps()]);
await Promise.all([sets(1), sets(2)]);
console.log(till.total, count, names, kept, state.value);
`;

const right = `${tools}
import { Mutex } from "async-mutex";
const lock = new Mutex();
let total = 0;
let count = 0;
let mode = "a";
let reads = 0;
const box = { get value() { reads++; return total; }, set value(next) { total = next; } };
const watched = new Proxy({ value: 0 }, { getOwnPropertyDescriptor(target, key) { reads++; return Reflect.getOwnPropertyDescriptor(target, key); } });
async function locked(amount: number) {
  await lock.runExclusive(async () => {
    total += await price(amount);
  });
}
async function rereads(amount: number) {
  const known = await price(amount);
  total = total + known;
}
async function after(amount: number) {
  total = (await price(amount)) + total;
}
async function checks() {
  for (;;) {
    const seen = count;
    await tick();
    if (seen !== count) continue;
    count = seen + 1;
    return;
  }
}
async function restores() {
  const before = mode;
  mode = "b";
  await tick();
  mode = before;
}
async function loops() {
  const first = count;
  for (let round = 0; round < 3; round++) {
    await tick();
    count = first + round;
  }
}
async function own() {
  let mine = 0;
  const add = async () => { mine += 1; };
  mine += await price(1);
  await add();
  return mine;
}
async function once() {
  total += await price(1);
}
async function hidden() {
  box.value += await price(1);
  watched.value += await price(1);
}
await Promise.all([locked(1), locked(2)]);
await Promise.all([rereads(3), rereads(4), after(5), after(6)]);
await Promise.all([checks(), checks(), checks()]);
await restores();
await loops();
await Promise.all([own(), own()]);
await once();
await Promise.all([hidden(), hidden()]);
console.log(total, count, mode, reads, watched.value);
`;

describe("updates that are lost across an await", () => {
  const folder = programFolder({ "wrong.ts": wrong, "right.ts": right });
  const lostIn = async (program: string, node: (typeof nodes)[number]) => {
    const { last, stdout, stderr, code } = await runToLastDump(folder, program, { node });
    const plain = await run(folder, program, { node, traced: false });
    assert.deepEqual([stdout, code], [plain.stdout, 0], stderr);
    assert.deepEqual(last.dump.coverage.untouched, []);
    return last.dump.problems;
  };

  for (const node of nodes) {
    it(`are told of where they are stored, ${node.name}`, async () => {
      const problems = await lostIn("wrong.ts", node);
      assert.ok(
        problems.every(({ verdict, certainty }) => `${verdict} ${certainty}` === "lost-update observed"),
      );
      const found = problems.map(({ at, message }) => [at[0]?.line, /read '(.*?)'/.exec(message)?.[1]]);
      assert.deepEqual(
        found.sort((a, b) => Number(a[0]) - Number(b[0])),
        [
          [lineOf(wrong, "field"), "this.total"],
          [lineOf(wrong, "variable"), "count"],
          [lineOf(wrong, "spread"), "names"],
          [lineOf(wrong, "kept"), "kept"],
          [lineOf(wrong, "property"), "state.value"],
        ],
      );
      const kept = problems.find(({ message }) => message.includes("'kept'"));
      assert.equal(kept?.at[1]?.line, lineOf(wrong, "kept") - 2);
    });

    it(`are not found in what reads again, takes a lock or is alone, and no getter runs, ${node.name}`, async () => {
      assert.deepEqual(await lostIn("right.ts", node), []);
    });
  }
});
