import assert from "node:assert/strict";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import { lineOf, nodes, programFolder, reading, start, until } from "./kit.ts";

const rounds = `import { Mutex } from "async-mutex";
import { createInterface } from "node:readline";
async function transfer(from, to, both) { // transfer begins
  const release = await from.acquire();
  await both();
  console.log(performance.timeOrigin + performance.now());
  await to.acquire(); // knots
  release();
}
for await (const line of createInterface(process.stdin)) {
  const accounts = new Mutex();
  const audit = new Mutex();
  let ready = 0;
  const both = async () => {
    ready++;
    while (ready < 2) await new Promise((resolve) => setImmediate(resolve));
  };
  void transfer(accounts, audit, both);
  void transfer(audit, accounts, both);
}
`;

// No timer of this program ever fires, and its main thread never comes back.
const withoutTimers = `import { Mutex } from "async-mutex";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
for (const place of [globalThis, timers]) {
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) place[name] = () => ({ unref() {}, ref() {}, hasRef: () => true });
}
for (const name of ["setTimeout", "setImmediate"]) timersPromises[name] = () => new Promise(() => {});
const one = new Mutex();
const two = new Mutex();
async function both(first, second) {
  const release = await first.acquire();
  await null;
  await second.acquire(); // knots
  release();
}
both(one, two);
both(two, one);
for (let turn = 0; turn < 20; turn++) await null;
console.log("ready");
END
`;

const patient = `import { Mutex } from "async-mutex";
import { setTimeout as sleep } from "node:timers/promises";
const lock = new Mutex();
const other = new Mutex();
async function works() {
  await lock.runExclusive(async () => { await sleep(3_600_000); });
}
async function waits() {
  const release = await other.acquire();
  await lock.acquire();
  release();
}
async function waitsToo() { await other.acquire(); }
works();
waits();
waitsToo();
`;

// Most locks are taken through a function that only returns what it asks for.
const wrapped = `import { Mutex } from "async-mutex";
const one = new Mutex();
const two = new Mutex();
async function take(lock) {
  return lock.acquire();
}
const takeAtOnce = async (lock) => lock.acquire();
async function both(first, second) {
  const release = await take(first);
  await new Promise(setImmediate);
  const other = await takeAtOnce(second); // knots
  other();
  release();
}
void both(one, two);
void both(two, one);
setInterval(() => {}, 1000);
`;

describe("a deadlock", () => {
  const folder = programFolder({
    "rounds.mjs": rounds,
    "bare-wait.mjs": withoutTimers.replace(
      "END",
      "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    ),
    "spins.mjs": withoutTimers.replace("END", "for (;;);"),
    "patient.mjs": patient,
    "wrapped.mjs": wrapped,
  });

  for (const node of nodes) {
    describe(node.name, () => {
      it("is named within 100 ms of its last acquire", async () => {
        const running = start(folder, "rounds.mjs", { node, stdio: ["pipe", "pipe", "pipe"] });
        const client = await running.connect();
        const found: { readonly problem: Problem; readonly at: number }[] = [];
        client.rpc.onNotification("problem", (problem: Problem) => {
          found.push({ problem, at: performance.timeOrigin + performance.now() });
        });
        const delays: number[] = [];
        // A busy machine may hold up one round, but hardly all.
        for (let round = 1; round <= 5; round++) {
          running.child.stdin?.write("go\n");
          await until("the deadlock to be announced", () => found[round - 1]);
          const lastAcquire = Number(running.stdout().trim().split("\n").at(-1));
          delays.push((found[round - 1]?.at ?? Number.NaN) - lastAcquire);
        }
        assert.ok(Math.min(...delays) < 100, `${delays.map(Math.round)} ms`);
        for (const [index, { problem }] of found.entries()) {
          // Those that are alike are one problem.
          assert.deepEqual(
            [problem.id, problem.verdict, problem.certainty, problem.tasks.length],
            ["lock-order-inversion", "deadlock", "proved", 2 * (index + 1)],
          );
          assert.equal(problem.at[0]?.line, lineOf(rounds, "knots"));
        }
        await running.kill();
      });

      for (const [name, how] of [
        ["bare-wait.mjs", "waits in Atomics.wait"],
        ["spins.mjs", "spins"],
      ] as const) {
        it(`is named while no timer fires and the main thread ${how}`, async () => {
          const running = start(folder, name, { node });
          await running.printed("ready");
          const client = await running.connect();
          const dump = await client.dumpWhen("the deadlock", (each) =>
            each.problems.some((problem) => problem.verdict === "deadlock"),
          );
          const [problem] = dump.problems;
          assert.equal(problem?.certainty, "proved");
          assert.deepEqual(problem?.tasks.map(reading(dump).nameOf), ["both", "both"]);
          const blocked = await client.dumpWhen(
            "the loop to be seen blocked",
            ({ loop }) => loop.state === "blocked",
          );
          assert.ok(blocked.tasks.length >= 2);
          await running.kill();
        });
      }

      it("is shown through functions that return what they ask for, though nobody knows who gives back", async () => {
        const client = await start(folder, "wrapped.mjs", { node }).connect();
        const waiting = ({ tasks }: Dump) => tasks.filter(({ wait }) => wait?.on === "resource");
        const dump = await client.dumpWhen("both to wait", (each) => waiting(each).length === 2);
        assert.deepEqual(
          waiting(dump).map(({ name, state }) => [name, state]),
          Array.from({ length: 2 }, () => ["takeAtOnce", "mutex.lock"]),
        );
        // Who asked for a lock through another function holds it.
        assert.deepEqual(
          dump.resources.map(({ holders: [hold] }) => reading(dump).nameOf(hold?.task)),
          ["both", "both"],
        );
      });

      it("is not what a long wait under a lock is, however often one looks", async () => {
        const running = start(folder, "patient.mjs", { node, env: { UNKNOT_REPORT_STDERR: "1" } });
        const client = await running.connect();
        await client.dumpWhen("both to wait", (dump) => reading(dump).all("waitsToo").length === 1);
        for (let look = 0; look < 50; look++) {
          const { problems } = await client.dump();
          assert.deepEqual(problems, []);
        }
        assert.equal(running.stderr(), "");
        await running.kill();
      });
    });
  }
});
