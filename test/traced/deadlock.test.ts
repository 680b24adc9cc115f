import assert from "node:assert/strict";
import type { Problem } from "@unknot/protocol/problem.ts";
import { allNodes, lineOf, programFolder, reading, start, until } from "./kit.ts";
import { withRandomNames } from "./random-names.ts";

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

// Most locks are taken through functions that only return what they ask for.
const wrappers = {
  "a plain function": "const $take = (lock) => lock.acquire();",
  "an async function": "async function $take(lock) { return lock.acquire(); }",
  "an async arrow function": "const $take = async (lock) => lock.acquire();",
  "an async function that awaits": "async function $take(lock) { return await lock.acquire(); }",
  "an async function with a variable":
    "async function $take(lock) { const release = await lock.acquire(); if (lock === undefined) release(); return release; }",
  "functions that call one another":
    "async function $asks(lock) { return lock.acquire(); } async function $more(lock) { return $asks(lock); } const $most = (lock) => $more(lock); async function $take(lock) { return await $most(lock); }",
  "a method":
    "const $gate = { async enter(lock) { return lock.acquire(); } }; const $take = (lock) => $gate.enter(lock);",
};

/** With these somebody else may give back. */
const leaky = {
  "a function that keeps what it returns":
    "const kept = []; async function $take(lock) { const release = await lock.acquire(); kept.push(release); return release; }",
  "a function that hands it on":
    "const told = (release) => release; async function $take(lock) { const release = await lock.acquire(); told(release); return release; }",
};

function wrapped(title: string, take: string, second = "two, one") {
  const { source, ...names } = withRandomNames(
    title,
    `import { Mutex } from "async-mutex";
const one = new Mutex();
const two = new Mutex();
${take}
async function $both(first, second) {
  const release = await $take(first);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const other = await $take(second); // knots
  other();
  release();
}
void $both(one, two);
void $both(${second});
setInterval(() => {}, 1000);
console.log("ready");
`,
  );
  return { file: `${title.replaceAll(" ", "-")}-${second.length}.mjs`, source, ...names };
}

describe("a deadlock", () => {
  const folder = programFolder({
    "rounds.mjs": rounds,
    "bare-wait.mjs": withoutTimers.replace(
      "END",
      "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    ),
    "spins.mjs": withoutTimers.replace("END", "for (;;);"),
    "patient.mjs": patient,
  });
  const write = ({ file, source }: ReturnType<typeof wrapped>) => folder.write(file, source);

  for (const node of allNodes()) {
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

      for (const [title, take] of Object.entries(wrappers)) {
        it(`is proved where locks are taken through ${title}, and not of its correct twin`, async () => {
          const program = wrapped(title, take);
          write(program);
          const client = await start(folder, program.file, { node }).connect();
          const dump = await client.dumpAtRest("the deadlock", ({ problems }) => problems.length > 0);
          const both = program.nameOf("both");
          const { nameOf, all } = reading(dump);
          assert.deepEqual(
            dump.problems.map(({ id, certainty, resources }) => [id, certainty, resources.length]),
            [["lock-order-inversion", "proved", 2]],
          );
          // Who asked for a lock through other functions holds it and waits for it.
          assert.deepEqual(
            dump.resources.map(({ holders: [hold] }) => [nameOf(hold?.task), hold?.release]),
            Array.from({ length: 2 }, () => [both, "task"]),
          );
          assert.match(
            dump.problems[0]?.message ?? "",
            new RegExp(
              `^'${both}' \\(task ${all(both)[0]?.id}\\) waits (in '[^ ]*'(, '[^ ]*')* )?for 'two', which '${both}'`,
            ),
          );
          assert.ok(dump.problems[0]?.at.some(({ line }) => line === lineOf(program.source, "knots")));

          const twin = wrapped(title, take, "one, two");
          write(twin);
          const healthy = start(folder, twin.file, { node });
          const { problems, tasks } = await (await healthy.connect()).dumpAtRest(
            "all to have ended",
            (each) => each.tasks.length === 0 && healthy.stdout() !== "",
          );
          assert.deepEqual([problems, tasks], [[], []]);
        });
      }

      for (const [title, take] of Object.entries(leaky)) {
        it(`is not proved where locks are taken through ${title}`, async () => {
          const program = wrapped(title, take);
          write(program);
          const client = await start(folder, program.file, { node }).connect();
          const dump = await client.dumpAtRest(
            "both to wait",
            (each) => each.tasks.filter(({ state }) => state === "mutex.lock").length === 2,
          );
          assert.deepEqual(dump.problems, []);
        });
      }

      it("is not what a long wait under a lock is, however often one looks", async () => {
        const running = start(folder, "patient.mjs", { node, env: { UNKNOT_REPORT_STDERR: "1" } });
        const client = await running.connect();
        await client.dumpAtRest("both to wait", (dump) => reading(dump).all("waitsToo").length === 1);
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
