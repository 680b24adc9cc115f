// Every instrumentation on the real library: what its operations look like in a dump, and that the library does what it
// does untraced. The oldest versions that the models claim are in `oldest/`, and both are in one program in `both.mjs`.
import assert from "node:assert/strict";
import type { Dump } from "@unknot/protocol/dump.ts";
import { copyPackage, inPairs, nodes, programFolder, reading, run, runToLastDump, start } from "./kit.ts";

const never = "new Promise(() => {})";

/** What the libraries do, printed; run with and without the tracer. */
const behaviour: Readonly<Record<string, string>> = {
  "async-mutex": `
import { Mutex, Semaphore, withTimeout } from "async-mutex";
const log = (...words) => console.log(...words);
const mutex = new Mutex();
const semaphore = new Semaphore(2);
const release = await mutex.acquire();
log(typeof release, release.length, mutex.isLocked());
const order = [];
const queue = [1, 2, 3].map((n) => mutex.runExclusive(async () => { order.push(n); await null; return n * 2; }));
release(); release();
log(await Promise.all(queue), order);
await mutex.runExclusive(() => { throw new TypeError("inside"); }).catch((error) => log(error.name, error.message));
log(await mutex.runExclusive(() => 5), mutex.isLocked());
const [value, give] = await semaphore.acquire();
log(value, typeof give);
log(await semaphore.runExclusive(async (left) => left));
give();
const held = await mutex.acquire();
const waiting = mutex.acquire().catch((error) => log("cancelled", error.message));
mutex.cancel();
await waiting;
const timed = withTimeout(mutex, 5);
await timed.acquire().catch((error) => log("timeout", error.message));
held();
(await timed.acquire())();
await mutex.acquire().then(() => mutex.release());
log(mutex.isLocked(), Object.keys(mutex).join(), mutex instanceof Mutex, Mutex.prototype.acquire.length, Mutex.prototype.acquire.name);
await semaphore.waitForUnlock?.();
class Own extends Mutex { acquire(...args) { log("own"); return super.acquire(...args); } }
await new Own().runExclusive(() => log("ran"));
log(Object.getOwnPropertyNames(Mutex.prototype).join(), String(Mutex.prototype.acquire).length);
`,
  "p-limit": `
import pLimit from "p-limit";
const log = (...words) => console.log(...words);
const limit = pLimit(2);
const order = [];
const work = (n) => limit(async (given) => { order.push(given); for (let turn = 0; turn < 3 - given; turn++) await new Promise(setImmediate); order.push(-given); return given; }, n);
log(await Promise.all([work(1), work(2), work(3)]), order);
log(limit.activeCount, limit.pendingCount, limit.concurrency);
await limit(() => { throw new RangeError("job"); }).catch((error) => log(error.name));
await Promise.resolve().then(() => limit(5)).catch((error) => log(error.name));
const blocked = [limit(() => ${never}), limit(() => ${never}), limit(() => 1), limit(() => 2)];
await null; await null;
log(limit.activeCount, limit.pendingCount);
limit.clearQueue?.();
log(limit.pendingCount, blocked.length);
log(await pLimit(1).map?.([1, 2, 3], async (n, index) => n * 10 + index));
try { pLimit(0); } catch (error) { log(error.name, error.message); }
log(typeof limit, Object.getOwnPropertyNames(limit).sort().join(), pLimit.length, pLimit.name, limit.name, limit.length);
`,
  "p-queue": `
import imported from "p-queue";
const PQueue = imported.default ?? imported;
const log = (...words) => console.log(...words);
const queue = new PQueue({ concurrency: 1 });
const order = [];
const add = (n, options) => queue.add(async () => { order.push(n); await null; return n; }, options);
log(await Promise.all([add(1), add(2), add(3, { priority: 5 })]), order);
await queue.add(() => { throw new RangeError("job"); }).catch((error) => log(error.name));
log(await queue.addAll([() => 1, async () => 2]), queue.size, queue.pending);
queue.pause();
const later = queue.add(() => "started");
log(queue.size, queue.isPaused);
queue.start();
log(await later);
await queue.onIdle(); await queue.onEmpty();
(queue.on ?? queue.addEventListener).call(queue, "active", () => log("active"));
await queue.add(async () => {});
queue.pause();
queue.add(() => log("never")).catch(() => {});
queue.clear();
log(queue.size, queue instanceof PQueue, PQueue.prototype.add.length, queue.concurrency, Object.keys(queue).length);
`,
  "ts-chan": `
import { Chan, Select, recv, send } from "ts-chan";
const log = (...words) => console.log(...words);
const chan = new Chan(1);
await chan.send(1);
const second = chan.send(2);
log(chan.length, chan.capacity);
log(await chan.recv(), await chan.recv(), await second);
const consumer = (async () => { const got = []; for await (const item of chan) got.push(item); return got; })();
for (const n of [3, 4, 5]) await chan.send(n);
chan.close();
log(await consumer, await chan.recv());
await chan.send(6).catch((error) => log(error.name));
try { chan.close(); } catch (error) { log(error.name); }
const one = new Chan(); const two = new Chan();
const select = new Select([recv(one), recv(two)]);
setTimeout(() => two.send("selected"), 1);
const index = await select.wait();
log(index, select.recv(select.cases[index]));
const aborter = new AbortController();
const aborted = one.recv(aborter.signal).catch((error) => log("aborted", String(error)));
aborter.abort("enough");
await aborted;
log(one.trySend(1), one.tryRecv(), Chan.prototype.send.length);
`,
  "timers-promises": `
import timers, { setTimeout as sleep, setImmediate as turn, setInterval as every, scheduler } from "node:timers/promises";
const log = (...words) => console.log(...words);
log(await sleep(1, "value"), await turn("turned"), timers.setTimeout === sleep, sleep.length, sleep.name);
const aborter = new AbortController();
const aborted = sleep(1000, 0, { signal: aborter.signal }).catch((error) => log(error.name, error.code));
aborter.abort();
await aborted;
let beats = 0;
for await (const beat of every(1, "beat")) { log(beat); if (++beats === 2) break; }
await sleep("x", 0, { ref: 5 }).catch((error) => log(error.code));
await scheduler.wait(1); await scheduler.yield();
log(Object.keys(timers).join());
`,
};

/** Programs that stand still, for the dump to show. */
const scenes = {
  "async-mutex": `
import { Mutex, Semaphore, withTimeout } from "async-mutex";
import { setTimeout as sleep } from "node:timers/promises";
const ledger = new Mutex();
const pool = new Semaphore(2);
const scoped = new Mutex();
const handed = new Mutex();
const done = new Mutex();
const cancelled = new Mutex();
const timed = withTimeout(ledger, 3_600_000);
async function holds() { const release = await ledger.acquire(); await sleep(3_600_000); release(); }
async function waits() { await ledger.acquire(); }
async function waitsFirst() { await ledger.acquire(5); }
async function waitsWithTimeout() { await timed.acquire(); }
async function watches() { await (ledger.waitForUnlock?.() ?? ledger.acquire()); }
async function borrows() { const [, release] = await pool.acquire(); await sleep(3_600_000); release(); }
async function borrowsToo() { await pool.runExclusive(async () => { await sleep(3_600_000); }); }
async function lacks() { await pool.acquire(); }
async function critical() { await sleep(3_600_000); }
async function encloses() { await scoped.runExclusive(critical); }
async function enters() { await scoped.runExclusive(() => 1); }
async function gives() { const release = await done.acquire(); release(); await sleep(3_600_000); }
async function refused() { await cancelled.acquire().catch(() => {}); await sleep(3_600_000); }
async function take() { return handed.acquire(); }
async function handsOver() { const release = await take(); await sleep(3_600_000); release(); }
holds(); waits(); waitsFirst(); waitsWithTimeout(); watches(); borrows(); borrowsToo(); lacks(); encloses(); enters(); gives(); handsOver();
await cancelled.acquire();
refused();
cancelled.cancel();
`,
  "p-limit": `
import pLimit from "p-limit";
import { setTimeout as sleep } from "node:timers/promises";
const limit = pLimit(2);
async function job() { await sleep(3_600_000); }
async function first() { await limit(job); }
async function second() { await limit(() => sleep(3_600_000)); }
async function third() { await limit(job); }
const done = pLimit(1);
async function over() { await done(async () => 1); await sleep(3_600_000); }
const cleared = pLimit(1);
async function blocks() { await cleared(job); }
async function dropped() { await cleared(job); }
first(); second(); third(); over(); blocks(); dropped();
await sleep(1);
cleared.clearQueue?.();
async function last() { await sleep(3_600_000); }
last();
`,
  "p-queue": `
import imported from "p-queue";
import { setTimeout as sleep } from "node:timers/promises";
const PQueue = imported.default ?? imported;
const queue = new PQueue({ concurrency: 1 });
async function job() { await sleep(3_600_000); }
async function adds() { await queue.add(job); }
async function waitsLow() { await queue.add(job); }
async function waitsHigh() { await queue.add(job, { priority: 1 }); }
async function idles() { await queue.onIdle(); }
async function empties() { await queue.onEmpty(); }
adds(); waitsLow(); waitsHigh(); idles(); empties();
`,
  "ts-chan": `
import { Chan, Select, recv } from "ts-chan";
const jobs = new Chan(2);
const results = new Chan();
const both = [new Chan(), new Chan()];
async function receives() { await results.recv(); }
async function loops() { for await (const item of results) void item; }
async function fills() { await jobs.send(1); await jobs.send(2); await jobs.send(3); }
async function selects() { await new Select(both.map((each) => recv(each))).wait(); }
async function abortable() { await results.recv(new AbortController().signal); }
receives(); loops(); fills(); selects(); abortable();
setInterval(() => {}, 1000);
`,
  "timers-promises": `
import { setTimeout as sleep, setImmediate as turn, setInterval as every } from "node:timers/promises";
async function sleeps() { await sleep(3_600_000); }
async function sleepsKept() { const nap = sleep(3_600_000); await null; await nap; }
async function ticks() { for await (const beat of every(3_600_000)) void beat; }
async function byHand() { await new Promise((resolve) => setTimeout(resolve, 3_600_000)); }
async function joins() { await Promise.all([sleep(3_600_000), sleeps()]); }
sleeps(); sleepsKept(); ticks(); byHand(); joins();
`,
} as const;

/** What a dump of each scene says. */
const expectations: Readonly<Record<keyof typeof scenes, (dump: Dump) => void>> = {
  "async-mutex"(dump) {
    const { task, resource, nameOf, wantedBy } = reading(dump);
    const ledger = resource("ledger");
    assert.deepEqual(
      ledger.holders.map((hold) => nameOf(hold.task)),
      ["holds"],
    );
    assert.deepEqual(task("waits").state, "mutex.lock");
    assert.equal(wantedBy("waits"), "ledger");
    const timed = task("waitsWithTimeout").wait;
    assert.ok(timed?.on === "resource" && timed.cancellable === true);
    assert.equal(wantedBy("waitsWithTimeout"), "ledger");
    const watches = task("watches").wait;
    const watch = dump.coverage.instrumented[0] === "async-mutex@0.3.0" ? "acquire" : "waitIdle";
    assert.ok(watches?.on === "resource" && watches.op === watch);
    const pool = resource("pool");
    assert.deepEqual([pool.kind, pool.capacity], ["semaphore", 2]);
    assert.equal(pool.holders.length, 2);
    assert.equal(nameOf(pool.holders[0]?.task), "borrows");
    assert.deepEqual(pool.waiters.map(nameOf), ["lacks"]);
    assert.equal(task("lacks").state, "semaphore.acquire");
    const scoped = resource("scoped");
    assert.deepEqual(
      scoped.holders.map((hold) => [nameOf(hold.task), hold.release]),
      [["critical", "scope"]],
    );
    assert.deepEqual(scoped.waiters.map(nameOf), ["enters"]);
    assert.deepEqual(
      resource("handed").holders.map((hold) => nameOf(hold.task)),
      ["handsOver"],
    );
    assert.ok(!dump.resources.some((each) => each.name === "done"), "what was given back is nobody's");
    assert.deepEqual(resource("cancelled").waiters, []);
    assert.equal(task("refused").state, "sleep");
    assert.deepEqual(task("gives").holding, []);
  },
  "p-limit"(dump) {
    const { task, resource, nameOf, waitsFor } = reading(dump);
    const limit = resource("limit");
    assert.deepEqual([limit.kind, limit.capacity, limit.holders.length], ["queue", 2, 2]);
    assert.equal(nameOf(limit.holders[0]?.task), "job");
    assert.deepEqual(waitsFor("first"), ["job"]);
    assert.equal(task("third").state, "queued");
    assert.deepEqual(limit.waiters.map(nameOf), ["third"]);
    assert.equal(task("over").state, "sleep");
    assert.ok(!dump.resources.some((each) => each.name === "done"));
    const { clears } =
      dump.coverage.instrumented[0] === "p-limit@2.0.0" ? { clears: false } : { clears: true };
    assert.equal(task("dropped").state, clears ? "await" : "queued", "what was cleared is in no queue");
    assert.deepEqual(resource("cleared").waiters.map(nameOf), clears ? [] : ["dropped"]);
  },
  "p-queue"(dump) {
    const { task, resource, nameOf } = reading(dump);
    const queue = resource("queue");
    assert.deepEqual([queue.kind, queue.capacity], ["queue", 1]);
    assert.deepEqual(
      queue.holders.map((hold) => nameOf(hold.task)),
      ["job"],
    );
    // Who has priority is served first.
    assert.deepEqual(queue.waiters.slice(0, 2).map(nameOf), ["waitsHigh", "waitsLow"]);
    assert.deepEqual(
      ["waitsHigh", "waitsLow", "idles", "empties"].map((name) => task(name).state),
      ["queued", "queued", "join", "event.wait"],
    );
  },
  "ts-chan"(dump) {
    const { task, resource, nameOf, wantedBy } = reading(dump);
    assert.deepEqual(
      ["receives", "loops", "fills", "selects", "abortable"].map((name) => [
        task(name).state,
        wantedBy(name),
      ]),
      [
        ["chan receive", "results"],
        ["chan receive", "results"],
        ["chan send", "jobs"],
        ["select", undefined],
        ["chan receive", "results"],
      ],
    );
    const jobs = resource("jobs");
    assert.deepEqual([jobs.kind, jobs.capacity, jobs.closed ?? false], ["channel", 2, false]);
    assert.deepEqual(resource("results").waiters.map(nameOf), ["receives", "loops", "abortable"]);
    const { wait } = task("abortable");
    assert.ok(wait?.on === "resource" && wait.cancellable === true);
  },
  "timers-promises"(dump) {
    const { task, all, waitsFor } = reading(dump);
    assert.deepEqual(
      ["sleepsKept", "byHand"].map((name) => task(name).state),
      ["sleep", "sleep"],
    );
    assert.deepEqual([...new Set(all("sleeps").map((each) => each.state))], ["sleep"]);
    assert.equal(task("ticks").state, "iterator.next");
    assert.equal(task("joins").state, "join");
    assert.deepEqual(waitsFor("joins"), ["sleeps"]);
  },
};

const lastOf: Readonly<Record<keyof typeof scenes, string>> = {
  "async-mutex": "refused",
  "p-limit": "last",
  "p-queue": "empties",
  "ts-chan": "abortable",
  "timers-promises": "joins",
};

describe("the instrumentation of", () => {
  const folder = programFolder();
  for (const [name, source] of Object.entries(behaviour)) {
    folder.write(`behaves-${name}.mjs`, source);
    folder.write(`oldest/behaves-${name}.mjs`, source);
  }
  for (const [name, source] of Object.entries(scenes)) {
    folder.write(`${name}.mjs`, source);
    folder.write(`oldest/${name}.mjs`, source);
  }
  folder.write(
    "commonjs.cjs",
    `const { Mutex } = require("async-mutex");
const lock = new Mutex();
async function holds() { await lock.runExclusive(async () => { await ${never}; }); }
async function waits() { await lock.acquire(); }
holds(); waits(); setInterval(() => {}, 1000);
`,
  );
  folder.write(
    "settles.mjs",
    `import { Mutex, Semaphore, withTimeout } from "async-mutex";
import pLimit from "p-limit";
import PQueue from "p-queue";
import { Chan } from "ts-chan";
const mutex = new Mutex(); const semaphore = new Semaphore(2); const timed = withTimeout(mutex, 1000);
const limit = pLimit(1); const queue = new PQueue({ concurrency: 1 });
const chan = new Chan(4); const closed = new Chan(); closed.close();
const nothing = async () => {};
const later = () => new Promise(setImmediate);
const fails = async () => { throw new Error("x"); };
for (let turn = 0; turn < 50; turn++) {
  (await mutex.acquire())();
  const [, give] = await semaphore.acquire(); give();
  (await timed.acquire())();
  await mutex.runExclusive(nothing); await mutex.runExclusive(later); await mutex.runExclusive(() => 1);
  await mutex.runExclusive(fails).catch(() => {});
  await semaphore.acquire(); semaphore.release();
  await limit(nothing); await limit(later); await limit(() => 1); await limit(fails).catch(() => {});
  limit(nothing);
  await Promise.all([limit(later), limit(nothing)]);
  await queue.add(nothing); await queue.add(later); await queue.add(fails).catch(() => {});
  queue.add(nothing); await queue.onIdle();
  await chan.send(1); await chan.recv(); chan.send(2); chan.recv();
  const kept = chan.recv(); await null; await chan.send(3); await kept;
  await closed.send(1).catch(() => {}); closed.send(1).catch(() => {});
  const waits = [mutex.acquire(), mutex.acquire().catch(() => {}), mutex.acquire().catch(() => {})];
  const release = await waits[0]; mutex.cancel(); await Promise.all(waits); release();
  const held = await mutex.acquire();
  const lateTimed = withTimeout(mutex, 1).acquire().catch(() => {});
  await lateTimed; held();
  await later();
}
`,
  );
  folder.write(
    "both.mjs",
    `import { Mutex as New } from "async-mutex";
import { createRequire } from "node:module";
const { Mutex: Old } = createRequire(new URL("./oldest/x.js", import.meta.url))("async-mutex");
const { Mutex: Required } = createRequire(import.meta.url)("async-mutex");
const newer = new New();
const older = new Old();
const required = new Required();
async function hold(lock) { await lock.acquire(); await ${never}; }
async function waitsNewer() { await newer.acquire(); }
async function waitsOlder() { await older.acquire(); }
async function waitsRequired() { await required.acquire(); }
for (const lock of [newer, older, required]) hold(lock);
waitsNewer(); waitsOlder(); waitsRequired();
setInterval(() => {}, 1000);
`,
  );
  folder.write(
    "node_modules/every-minute/index.mjs",
    `import PQueue from "p-queue";
export const every = (job) => void setTimeout(() => new PQueue().add(job));
`,
  );
  folder.write("node_modules/every-minute/package.json", '{ "name": "every-minute", "main": "index.mjs" }');
  folder.write(
    "called-by-a-package.mjs",
    `import { every } from "every-minute";
async function works() { await ${never}; }
every(works);
setInterval(() => {}, 1000);
`,
  );
  for (const name of ["async-mutex", "p-limit", "p-queue"]) {
    copyPackage(`${name}-oldest`, folder.file("oldest/node_modules"), name);
  }
  const versions = (name: string) =>
    ["async-mutex", "p-limit", "p-queue"].includes(name) ? ["", "oldest/"] : [""];

  for (const node of nodes) {
    describe(node.name, () => {
      for (const name of Object.keys(behaviour)) {
        for (const where of versions(name)) {
          it(`${where}${name} changes nothing that it does`, async () => {
            const [plain, traced] = await inPairs([false, true], (each) =>
              run(folder, `${where}behaves-${name}.mjs`, {
                node,
                traced: each,
                env: { UNKNOT_REPORT_STDERR: "0" },
              }),
            );
            assert.deepEqual(traced, plain);
            assert.ok((plain?.stdout.length ?? 0) > 50);
          });
        }
      }

      for (const name of Object.keys(scenes) as (keyof typeof scenes)[]) {
        for (const where of versions(name)) {
          it(`${where}${name} shows its operations in the dump`, async () => {
            const running = start(folder, `${where}${name}.mjs`, { node });
            const client = await running.connect();
            const dump = await client.dumpAtRest("all to wait", (each) => {
              const [last] = reading(each).all(lastOf[name]);
              return last !== undefined && last.state !== "running" && last.state !== "runnable";
            });
            expectations[name](dump);
            await running.kill();
          });
        }
      }

      it("every library forgets the operations that have ended", async () => {
        const { stderr, last } = await runToLastDump(folder, "settles.mjs", { node });
        assert.equal(stderr, "");
        assert.deepEqual([last.dump.resources, last.dump.tasks, last.dump.problems], [[], [], []]);
      });

      it("says where a package calls a function that nobody of the program asked to be called", async () => {
        const running = start(folder, "called-by-a-package.mjs", { node });
        const client = await running.connect();
        const dump = await client.dumpAtRest(
          "the job to wait",
          (each) => reading(each).all("works").length > 0,
        );
        const { task, site } = reading(dump);
        const { created, parent } = task("works");
        assert.match(site(created)?.file ?? "", /node_modules\/p-queue\//);
        assert.equal(parent, undefined);
        assert.equal(dump.coverage.transformed, 1);
        await running.kill();
      });

      it("several copies of one library, and of its CommonJS build", async () => {
        const running = start(folder, "both.mjs", { node });
        const client = await running.connect();
        const dump = await client.dumpAtRest(
          "all to wait",
          (each) => reading(each).all("waitsRequired").length === 1,
        );
        const { wantedBy, resource, nameOf } = reading(dump);
        for (const [name, lock] of [
          ["waitsNewer", "newer"],
          ["waitsOlder", "older"],
          ["waitsRequired", "required"],
        ] as const) {
          assert.equal(wantedBy(name), lock);
          assert.deepEqual(
            resource(lock).holders.map((hold) => nameOf(hold.task)),
            ["hold"],
          );
        }
        assert.deepEqual(dump.coverage.instrumented, ["async-mutex@0.3.0", "async-mutex@0.5.0"]);
        await running.kill();
      });
    });
  }
});
