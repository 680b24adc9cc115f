// Go's block and mutex profiles: how long tasks waited, where, and for whom.
import assert from "node:assert/strict";
import type { Contention } from "@unknot/protocol/contention.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { lineOf, nodes, programFolder, type Running, reading, start } from "./kit.ts";

// What is measured is long enough to be sure of; the test says when it ends.
const gate = `process.stdin.setEncoding("utf8");
export const opened = () => new Promise((resolve) => process.stdin.once("data", resolve));
`;

const locks = `import { Mutex, Semaphore } from "async-mutex";
import { opened } from "./gate.ts";
const ledger = new Mutex();
const permits = new Semaphore(1);
async function transfer() {
  const release = await ledger.acquire(); // waits
  try {
    if (first) await gate;
  } finally {
    first = false;
    release(); // gives back
  }
}
async function handle() {
  await transfer(); // calls
}
async function audit() {
  await permits.runExclusive(async () => { // scoped
    await gate;
  });
}
let first = true;
const gate = opened();
const all = Promise.all([handle(), handle(), handle(), audit(), audit()]);
console.log("ready");
await all;
console.log("done");
setInterval(() => {}, 1000);
`;

const plain = `import { opened } from "./gate.ts";
async function query() {
  await opened(); // leaf
}
async function failing() {
  await opened().then(() => { throw new Error("lost"); }); // fails
}
async function handle() {
  await query(); // caller
}
console.log("ready");
await handle();
console.log("half");
await failing().catch(() => {}); // half
console.log("done");
setInterval(() => {}, 1000);
`;

const longMs = 200;
/** As the clock goes on in steps, one wait may differ by some of them. */
const toleranceMs = 100;

describe("contention", () => {
  const folder = programFolder({ "gate.ts": gate, "locks.ts": locks, "plain.ts": plain });

  const open = async (program: string, node: (typeof nodes)[number]) => {
    const running = start(folder, program, { node, stdio: ["pipe", "pipe", "pipe"] });
    await running.printed("ready");
    return { running, client: await running.connect() };
  };
  const letOn = (running: Running) => running.child.stdin?.write("on\n");
  const waitsLong = (dump: Dump, names: readonly string[]) =>
    names.every((name) =>
      reading(dump)
        .all(name)
        .every((task) => (task.wait?.sinceMs ?? 0) >= longMs),
    );
  const told = ({ contention }: Dump): Contention => {
    assert.ok(contention);
    assert.equal(contention.dropped, 0);
    assert.ok(contention.stepMs > 0 && contention.forMs >= longMs);
    return contention;
  };
  const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);

  for (const node of nodes.slice(0, process.platform === "linux" ? 2 : 1)) {
    it(`tells who waited for locks and who made them wait (${node.name})`, async () => {
      const { running, client } = await open("locks.ts", node);
      await client.dumpWhen("tasks to wait long", (dump) => waitsLong(dump, ["transfer", "audit"]));
      letOn(running);
      await running.printed("done");
      const dump = await client.dumpWhen("holds", ({ contention }) => (contention?.holds.length ?? 0) >= 2);
      const { place } = reading(dump);
      const { waits, holds } = told(dump);
      const at = (mark: string) => `locks.ts:${lineOf(locks, mark)}`;

      const ledgerWaits = waits.filter(({ resource }) => resource?.name === "ledger");
      // The first does not wait; on a busy machine its time may be seen all the same.
      assert.ok([2, 3].includes(sum(ledgerWaits.map(({ count }) => count))));
      for (const { state, stack, resource, longestMs } of ledgerWaits) {
        assert.deepEqual(stack.slice(0, 2).map(place), [at("waits"), at("calls")]);
        assert.deepEqual(
          [state, resource?.kind, resource?.type],
          ["mutex.lock", "mutex", "async-mutex.Mutex"],
        );
        assert.ok(longestMs >= longMs - toleranceMs);
      }
      const [ledger] = holds.filter(({ resource }) => resource.name === "ledger");
      assert.ok(ledger);
      assert.deepEqual(ledger.stack.slice(0, 2).map(place), [at("gives back"), at("calls")]);
      assert.equal(place(ledger.taken), at("waits"));
      // The second holds while the third waits, but mostly for less than a step of the clock.
      assert.ok([1, 2].includes(ledger.contended));
      // Two waited for it all the time.
      const waited = sum(ledgerWaits.map(({ totalMs }) => totalMs));
      assert.ok(Math.abs(ledger.delayMs - waited) <= toleranceMs, `${ledger.delayMs} of ${waited}`);
      // The busier the machine, the later the second asks, and the longer the second holds while the third waits.
      assert.ok(ledger.delayMs >= ledger.longestMs - toleranceMs, `${ledger.delayMs} of ${ledger.longestMs}`);
      assert.ok(
        ledger.delayMs <= 2 * (ledger.totalMs + toleranceMs),
        `${ledger.delayMs} of ${ledger.totalMs}`,
      );

      const [permits] = holds.filter(({ resource }) => resource.name === "permits");
      assert.equal(place(permits?.stack[0]), at("scoped"));
      assert.equal(permits?.resource.kind, "semaphore");
      assert.equal(holds[0], ledger, "who delays most comes first");
    });
  }

  it("tells where tasks waited for what the tracer does not know, each time once", async () => {
    const { running, client } = await open("plain.ts", nodes[0] as (typeof nodes)[number]);
    await client.dumpWhen("a long wait", (dump) => waitsLong(dump, ["query"]));
    letOn(running);
    await running.printed("half");
    await client.dumpWhen(
      "the other",
      (dump) => reading(dump).all("failing").length === 1 && waitsLong(dump, ["failing"]),
    );
    letOn(running);
    await running.printed("done");
    const dump = await client.dumpWhen("waits", ({ contention }) => (contention?.waits.length ?? 0) >= 2);
    const { place } = reading(dump);
    const long = told(dump).waits.filter(({ totalMs }) => totalMs >= longMs - toleranceMs);
    const at = (mark: string) => `plain.ts:${lineOf(plain, mark)}`;
    assert.deepEqual(
      long
        .map(({ state, stack, count }) => ({ state, count, at: place(stack[0]), by: place(stack[1]) }))
        .sort((a, b) => (a.at ?? "").localeCompare(b.at ?? "")),
      [
        { state: "await", count: 1, at: at("leaf"), by: at("caller") },
        { state: "await", count: 1, at: at("fails"), by: `plain.ts:${lineOf(plain, "half")}` },
      ],
    );
  });
});
