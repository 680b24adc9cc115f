// Libraries of locks, semaphores, pools and wait groups, the real ones in the oldest and the newest version that their
// models claim: what they do is the same traced, and a dump shows who holds and who waits.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import type { Dump } from "@unknot/protocol/dump.ts";
import { folderOf, installLibraries } from "../models/install.ts";
import { inPairs, nodes, programFolder, reading, run, runToLastDump, start } from "./kit.ts";

interface Sample {
  /** Declares what the programs use. */
  readonly setUp: string;
  /** Prints what the library does. */
  readonly behaves: string;
  /** `holds` and `waits` are async functions; `waits` waits for ever. */
  readonly scene: string;
  /** State of `waits`, kind and capacity of what it waits for, how many hold it. */
  readonly shows: readonly [
    state: string,
    kind: string,
    capacity: number | undefined,
    holders: readonly string[],
  ];
}

const never = "await new Promise(() => {});";
const tools = `const log = [];
const note = (name) => (value) => { log.push(name + ":" + (value instanceof Error ? value.message : typeof value)); return value; };
const tick = () => new Promise(setImmediate);
`;

/** A lock of which `take` and `give` are calls. */
function lockLike(take: string, give: string, tryTake?: string): Pick<Sample, "behaves" | "scene"> {
  return {
    behaves: `const turn = async (name) => {
  const promise = ${take};
  log.push(promise.constructor.name, Object.keys(promise).length);
  await promise; log.push(name + " in"); await tick(); log.push(name + " out");
  ${give};
};
await Promise.all([turn("a"), turn("b"), turn("c")]);
${tryTake === undefined ? "" : `const taken = ${tryTake}; log.push(typeof taken, String(${tryTake})); ${give};`}
try { ${give}; log.push("gave"); } catch (error) { log.push(error.message); }
await ${take}; log.push("again");
`,
    scene: `async function holds() { await ${take}; ${never} }
async function waits() { await ${take}; ${give}; }
// One that comes and goes leaves nothing behind.
await ${take}; ${give};
`,
  };
}

const samples: Readonly<Record<string, Sample>> = {
  "await-lock": {
    setUp: `import AwaitLock from "await-lock";
const Lock = AwaitLock.default ?? AwaitLock;
const lock = new Lock();`,
    ...lockLike("lock.acquireAsync()", "lock.release()", "lock.tryAcquire()"),
    shows: ["mutex.lock", "mutex", 1, ["holds"]],
  },
  "async-sema": {
    setUp: `import { Sema } from "async-sema";
const lock = new Sema(1);`,
    ...lockLike("lock.acquire()", "lock.release()", "lock.tryAcquire?.()"),
    shows: ["semaphore.acquire", "semaphore", 1, ["holds"]],
  },
  "semaphore-async-await": {
    setUp: `import semaphores from "semaphore-async-await";
const lock = new semaphores.Lock();`,
    behaves: `${lockLike("lock.acquire()", "lock.signal()", "lock.tryAcquire()").behaves}
lock.release();
log.push(await lock.execute(async () => { await tick(); return 5; }));
await lock.execute(async () => { throw new Error("on purpose"); }).catch(note("failed"));
await lock.wait(); log.push(await lock.waitFor(5));
`,
    scene: lockLike("lock.acquire()", "lock.release()").scene,
    shows: ["mutex.lock", "mutex", 1, ["holds"]],
  },
  "@sapphire/async-queue": {
    setUp: `import { AsyncQueue } from "@sapphire/async-queue";
const lock = new AsyncQueue();`,
    ...lockLike("lock.wait()", "lock.shift()"),
    shows: ["mutex.lock", "mutex", 1, ["holds"]],
  },
  "async-lock": {
    setUp: `import AsyncLock from "async-lock";
const locks = new AsyncLock();`,
    behaves: `const turn = (name) => locks.acquire("key", async () => { log.push(name + " in"); await tick(); log.push(name + " out"); return name; });
log.push(...(await Promise.all([turn("a"), turn("b")])));
await locks.acquire("key", () => { throw new Error("thrown"); }).catch(note("threw"));
await locks.acquire("key", async () => { throw new Error("rejected"); }).catch(note("rejected"));
log.push(await locks.acquire(["one", "two"], async () => 7), locks.isBusy());
log.push(await new Promise((resolve) => locks.acquire("key", (done) => done(null, "called"), (error, value) => resolve(value))));
const gate = Promise.withResolvers();
const slow = locks.acquire("key", () => gate.promise);
await locks.acquire("key", () => 1, { timeout: 1 }).then(note("done"), note("late"));
gate.resolve(); await slow;
try { locks.acquire("key"); } catch (error) { log.push(error.message); }
`,
    scene: `async function holds() { await locks.acquire("ledger", async () => { ${never} }); }
async function waits() { await locks.acquire("ledger", async () => {}); }
async function another() { await locks.acquire("stock", async () => { ${never} }); }
await locks.acquire("ledger", async () => {});
another();
`,
    shows: ["mutex.lock", "mutex", 1, ["acquire callback in holds"]],
  },
  tarn: {
    setUp: `import tarn from "tarn";
let made = 0;
const pool = new tarn.Pool({ create: async () => ({ number: ++made }), destroy: () => {}, validate: () => true, min: 0, max: 1, acquireTimeoutMillis: 1e6 });`,
    behaves: `const turn = async (name) => {
  const pending = pool.acquire();
  const client = await pending.promise; log.push(name, client.number, pool.numUsed(), pool.numPendingAcquires());
  await tick(); log.push(pool.release(client));
};
await Promise.all([turn("a"), turn("b")]);
log.push(pool.release({}));
const held = await pool.acquire().promise;
const late = pool.acquire(); late.abort(); await late.promise.catch(note("aborted"));
pool.release(held); await pool.destroy();
`,
    scene: `async function holds() { await pool.acquire().promise; ${never} }
async function waits() { await pool.acquire().promise; }
pool.release(await pool.acquire().promise);
`,
    shows: ["pool.acquire", "pool", 1, ["holds"]],
  },
  "generic-pool": {
    setUp: `import genericPool from "generic-pool";
let made = 0;
const pool = genericPool.createPool({ create: async () => ({ number: ++made }), destroy: async () => {} }, { max: 1 });`,
    behaves: `const turn = async (name) => {
  const client = await pool.acquire(); log.push(name, client.number, pool.borrowed, pool.pending);
  await tick(); await pool.release(client);
};
await Promise.all([turn("a"), turn("b")]);
log.push(await pool.use(async (client) => client.number));
await pool.use(async () => { throw new Error("on purpose"); }).catch(note("failed"));
await pool.release({}).catch(note("foreign"));
await pool.destroy(await pool.acquire());
await pool.drain(); await pool.acquire().catch(note("drained")); await pool.clear();
`,
    scene: `async function holds() { await pool.acquire(); ${never} }
async function waits() { await pool.acquire(); }
await pool.release(await pool.acquire());
`,
    shows: ["pool.acquire", "pool", 1, ["holds"]],
  },
  "pg-pool": {
    setUp: `import Pool from "pg-pool";
import { EventEmitter } from "node:events";
let made = 0;
class Client extends EventEmitter {
  number = ++made; _queryable = true; _ending = false;
  connect(done) { setImmediate(done); }
  end(done) { this._ending = true; setImmediate(() => done?.()); return Promise.resolve(); }
  query(text, values, done) { const call = [text, values, done].find((each) => typeof each === "function"); setImmediate(() => text === "bad" ? call(new Error("bad query")) : call(undefined, { rows: [this.number] })); }
}
const pool = new Pool({ Client, max: 1, idleTimeoutMillis: 0 });`,
    behaves: `const turn = async (name) => {
  const client = await pool.connect(); log.push(name, client.number, pool.waitingCount);
  await tick(); client.release();
};
await Promise.all([turn("a"), turn("b")]);
log.push(JSON.stringify(await pool.query("select 1")));
await pool.query("bad").catch(note("query"));
const calledBack = (error, client, release) => { log.push(String(error), client.number); release(); };
await new Promise((resolve) => pool.connect((...given) => { calledBack(...given); resolve(); }));
const client = await pool.connect(); client.release();
try { client.release(); } catch (error) { log.push(error.message); }
await pool.end(); await pool.connect().catch(note("ended"));
`,
    scene: `async function holds() { await pool.connect(); ${never} }
async function waits() { await pool.connect(); }
(await pool.connect()).release();
await pool.query("select 1");
`,
    shows: ["pool.acquire", "pool", 1, ["holds"]],
  },
  "@jpwilliams/waitgroup": {
    setUp: `import waitgroups from "@jpwilliams/waitgroup";
const group = new waitgroups.WaitGroup();`,
    behaves: `await group.wait(); log.push("empty");
group.add(2); const waiting = group.wait().then(() => log.push("all done"));
await tick(); log.push("one"); group.done(); await tick(); log.push("two"); group.done(); await waiting;
try { group.done(); } catch (error) { log.push(error.message); }
`,
    scene: `async function holds() { group.add(1); ${never} }
async function waits() { await group.wait(); }
group.add(); group.done(); await group.wait();
`,
    shows: ["join", "waitgroup", undefined, []],
  },
};

describe("locks and pools", () => {
  const folder = programFolder();
  before(function () {
    this.timeout(600_000);
    installLibraries();
    for (const age of ["oldest", "newest"] as const) {
      for (const name of Object.keys(samples)) {
        const link = folder.file(`${age}/node_modules/${name}`);
        mkdirSync(path.dirname(link), { recursive: true });
        symlinkSync(path.join(folderOf(age), "node_modules", name), link, "junction");
      }
    }
  });
  const programOf = (name: string, what: string) => `${name.replaceAll(/\W/g, "-")}-${what}.mjs`;
  for (const age of ["oldest", "newest"]) {
    for (const [name, { setUp, behaves, scene }] of Object.entries(samples)) {
      folder.write(
        `${age}/${programOf(name, "behaves")}`,
        `${setUp}\n${tools}${behaves}\nconsole.log(JSON.stringify(log));\nsetImmediate(() => process.exit());\n`,
      );
      folder.write(
        `${age}/${programOf(name, "scene")}`,
        `${setUp}\n${scene}\nholds();\nwaits();\nsetInterval(() => {}, 1000);\n`,
      );
    }
  }

  for (const node of nodes) {
    describe(node.name, () => {
      for (const age of ["oldest", "newest"] as const) {
        for (const [name, { shows }] of Object.entries(samples)) {
          it(`${name} does the same traced (${age})`, async () => {
            const [plain, traced] = await inPairs([false, true], (each) =>
              run(folder, `${age}/${programOf(name, "behaves")}`, {
                node,
                traced: each,
                env: { UNKNOT_REPORT_STDERR: "0" },
              }),
            );
            assert.deepEqual(traced, plain);
            assert.ok((plain?.stdout.length ?? 0) > 30, plain?.stderr);
          });

          it(`${name} shows who holds and who waits (${age})`, async () => {
            const running = start(folder, `${age}/${programOf(name, "scene")}`, { node });
            const client = await running.connect();
            const dump = await client.dumpAtRest("both to wait", (each) =>
              ["holds", "waits"].every((task) =>
                reading(each)
                  .all(task)
                  .some(({ state }) => state !== "running" && state !== "runnable"),
              ),
            );
            assert.deepEqual(shownIn(dump), shows);
            assert.equal(dump.coverage.instrumented[0]?.replace(/@[\d.]+$/, ""), name);
            assert.deepEqual(dump.coverage.blind, []);
            await running.kill();
          });
        }

        it(`every library forgets what has ended (${age})`, async () => {
          for (const name of Object.keys(samples)) {
            const { last } = await runToLastDump(folder, `${age}/${programOf(name, "behaves")}`, { node });
            const left = last.dump.resources.map(({ type, holders, waiters }) => [
              type,
              holders.length,
              waiters.length,
            ]);
            // The programs end while they hold the lock that they have taken last.
            const held = name === "await-lock" || name === "async-sema" || name.startsWith("@sapphire");
            const taken = name === "semaphore-async-await" || held;
            assert.deepEqual(
              left.map((each) => each.slice(1)),
              taken ? [[1, 0]] : [],
              `${name} ${JSON.stringify(left)}`,
            );
          }
        });
      }
    });
  }
});

function shownIn(dump: Dump): Sample["shows"] {
  const { task, nameOf } = reading(dump);
  const { state, wait } = task("waits");
  const resource = dump.resources.find((each) => wait?.on === "resource" && each.id === wait.resource);
  return [
    state,
    resource?.kind ?? "none",
    resource?.capacity,
    resource?.holders.map((hold) => nameOf(hold.task) ?? "nobody") ?? [],
  ];
}
