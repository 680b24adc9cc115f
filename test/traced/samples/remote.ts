import { fakeRedisText } from "../../models/fake-redis.ts";
import { never, type Sample } from "./sample.ts";

// What several processes share, with a server that is none.

export const remote: Readonly<Record<string, Sample>> = {
  redlock: {
    // Version 4 has promises of its own, and is left alone.
    not: ["oldest"],
    setUp: `${fakeRedisText}
const $locks = new main([fakeRedis()], { retryCount: 300, retryDelay: 1, retryJitter: 0 });
const $others = new main([fakeRedis()], { retryCount: 1e6, retryDelay: 50 });`,
    behaves: `
  const turn = async (name) => { const lock = await $locks.acquire(["a", "b"], 10_000); log(name, lock.resources); await tick(); await lock.release(); };
  await turn("first"); await turn("second");
  const lock = await $locks.acquire(["c"], 10_000);
  await $locks.acquire(["c"], 10_000, { retryCount: 1 }).catch((error) => log(error.message));
  const longer = await lock.extend(20_000); log(longer.value === lock.value);
  await $locks.release(longer);
  await longer.release().catch((error) => log(error.constructor.name));
  log(await $locks.using(["d"], 10_000, async (signal) => { log(signal.aborted); return "done"; }));
  await $locks.using(["d"], 10_000, { retryCount: 2 }, async () => { throw new Error("on purpose"); }).catch((error) => log(error.message));
  await $locks.acquire(["e"], 1.5).catch((error) => log(error.message));
  log(main.prototype.acquire.length, main.prototype.using.name, Object.keys($locks).join());
`,
    scene: `
async function $holds() { const lock = await $others.acquire(["order"], 10_000); /* here */ ${never} await lock.release(); }
async function $waits() { await $others.acquire(["order"], 10_000); }
async function $uses() { await $others.using(["order"], 10_000, async () => {}); }
async function $apart() { await $others.acquire(["another"], 10_000); ${never} }
`,
    tasks: ["holds", "apart", "waits", "uses"],
    shows: { kind: "mutex", capacity: 1, holders: ["holds"], waiters: ["waits", "uses"] },
  },
  "redlock using": {
    specifier: "redlock",
    not: ["oldest"],
    setUp: `${fakeRedisText}
const $locks = new main([fakeRedis()], { retryCount: 1e6, retryDelay: 50 });`,
    behaves: `
  const results = await Promise.all([$locks.using(["a"], 10_000, async () => 1), $locks.using(["b"], 10_000, () => $locks.using(["c"], 10_000, async () => 2))]);
  log(...results);
`,
    scene: `
async function $inside() { ${never} }
async function $uses() { await $locks.using(["order"], 10_000, $inside); }
async function $waits() { await new main([...$locks.clients], { retryCount: 1e6 }).acquire(["order"], 10_000); }
`,
    tasks: ["uses", "waits"],
    shows: { kind: "mutex", capacity: 1, holders: ["inside"], waiters: ["waits"] },
  },
  "redis-semaphore": {
    setUp: `${fakeRedisText}
const $redis = fakeRedis(); const options = { acquireTimeout: 3_600_000, retryInterval: 50 };
const mutex = (key) => new (of("Mutex"))($redis, key, options);`,
    behaves: `
  const turn = async (name) => { const lock = mutex("a"); await lock.acquire(); log(name, lock.isAcquired); await tick(); await lock.release(); log(lock.isAcquired); };
  await turn("first"); await turn("second");
  const held = mutex("b"); log(await held.tryAcquire());
  const other = new (of("Mutex"))($redis, "b", { acquireTimeout: 2, retryInterval: 1 });
  log(await other.tryAcquire()); await other.acquire().catch((error) => log(error.constructor.name));
  await other.release(); await held.release(); await held.release();
  log(of("Mutex").prototype.acquire.length, held.acquire.name, Object.keys(held).length);
`,
    scene: `
async function $holds() { const lock = mutex("order"); await lock.acquire(); /* here */ ${never} await lock.release(); }
async function $waits() { await mutex("order").acquire(); }
async function $tries() { await mutex("order").tryAcquire(); }
`,
    tasks: ["holds", "waits", "tries"],
    shows: { kind: "mutex", capacity: 1, holders: ["holds"], waiters: ["waits", "tries"] },
  },
};
