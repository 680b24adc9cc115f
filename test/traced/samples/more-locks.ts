import { lockLike, never, type Sample } from "./sample.ts";

/** The libraries that have a test of their own as well, by `import`, by `require` and in bundles. */
export const moreLocks: Readonly<Record<string, Sample>> = {
  "async-mutex": {
    setUp: `const Mutex = of("Mutex");
const $lock = new Mutex();`,
    ...lockLike("$lock.acquire()", "release()", { kind: "mutex", capacity: 1 }),
  },
  "async-mutex scoped": {
    specifier: "async-mutex",
    setUp: `const Semaphore = of("Semaphore");
const $permits = new Semaphore(1);`,
    behaves: `
  const turn = (name) => $permits.runExclusive(async (left) => { log(name, left); await tick(); return name; });
  log(...(await Promise.all([turn("a"), turn("b")])));
  await $permits.runExclusive(() => { throw new Error("on purpose"); }).catch((error) => log(error.message));
`,
    scene: `
async function $inner() { ${never} }
async function $outer() { await $permits.runExclusive($inner); }
async function $nests() { await $permits.runExclusive($outer); }
`,
    tasks: ["nests"],
    shows: {
      kind: "semaphore",
      capacity: 1,
      holders: ["outer"],
      waiters: ["outer"],
      problem: ["deadlock", "outer"],
    },
  },
  "await-lock": {
    not: ["newest-cjs"],
    setUp: `const Lock = main;
const $lock = new Lock();`,
    ...lockLike("$lock.acquireAsync()", "$lock.release()", { kind: "mutex", capacity: 1 }),
  },
  "async-sema": {
    setUp: `const Sema = of("Sema");
const $lock = new Sema(1);`,
    ...lockLike("$lock.acquire()", "$lock.release()", { kind: "semaphore", capacity: 1 }),
  },
  "semaphore-async-await": {
    setUp: `const Lock = of("Lock");
const $lock = new Lock();`,
    ...lockLike("$lock.acquire()", "$lock.release()", { kind: "mutex", capacity: 1 }),
  },
  "@sapphire/async-queue": {
    setUp: `const AsyncQueue = of("AsyncQueue");
const $lock = new AsyncQueue();`,
    ...lockLike("$lock.wait()", "$lock.shift()", { kind: "mutex", capacity: 1 }),
  },
  "async-lock": {
    setUp: `const AsyncLock = main;
const $locks = new AsyncLock();`,
    behaves: `
  const turn = (name) => $locks.acquire("key", async () => { log(name, "in"); await tick(); return name; });
  log(...(await Promise.all([turn("a"), turn("b")])));
`,
    scene: `
async function $holds() { await $locks.acquire("ledger", async () => { ${never} }); }
async function $waits() { await $locks.acquire("ledger", async () => {}); }
`,
    tasks: ["holds", "waits"],
    shows: { kind: "mutex", capacity: 1, holders: ["acquire callback in $holds"], waiters: ["waits"] },
  },
  "@jpwilliams/waitgroup": {
    setUp: `const WaitGroup = of("WaitGroup");
const $group = new WaitGroup();`,
    behaves: `
  $group.add(1); const waiting = $group.wait().then(() => log("all done")); await tick(); $group.done(); await waiting;
`,
    scene: `
async function $works() { $group.add(1); ${never} $group.done(); }
async function $waits() { await $group.wait(); }
`,
    tasks: ["works", "waits"],
    shows: { kind: "waitgroup", length: 1, others: ["waits"] },
  },
  "ts-chan": {
    setUp: `const Chan = of("Chan"); const Select = of("Select"); const recv = of("recv");
const $items = new Chan(1);`,
    behaves: `
  const items = new Chan(1);
  const consumer = (async () => { const all = []; for await (const item of items) all.push(item); return all; })();
  for (const item of [1, 2, 3]) await items.send(item);
  items.close(); log(await consumer);
  const other = new Chan(); setTimeout(() => other.send("selected"), 1);
  const select = new Select([recv(other)]); log(await select.wait());
`,
    scene: `
async function $fills() { await $items.send(1); await $items.send(2); }
`,
    tasks: ["fills"],
    shows: { kind: "channel", capacity: 1, length: 1, waiters: ["fills"], states: { fills: "chan send" } },
  },
  "p-limit": {
    setUp: `const pLimit = main;
const $limit = pLimit(1);`,
    behaves: `
  const limit = pLimit(2);
  log(...(await Promise.all([1, 2, 3].map((item) => limit(async (given) => { log("begins", given); await tick(); return given; }, item)))));
  await limit(() => { throw new Error("on purpose"); }).catch((error) => log(error.message));
`,
    scene: `
async function $job() { ${never} }
async function $adds() { await $limit($job); }
async function $waits() { await $limit($job); }
`,
    tasks: ["adds", "waits"],
    shows: { kind: "queue", capacity: 1, holders: ["job"], waiters: ["waits"] },
  },
  "p-queue": {
    setUp: `const PQueue = main;
const $queue = new PQueue({ concurrency: 1 });`,
    behaves: `
  const queue = new PQueue({ concurrency: 2 });
  log(...(await queue.addAll([1, 2, 3].map((item) => async () => { log("begins", item); await tick(); return item; }))));
  await queue.onIdle();
`,
    scene: `
async function $job() { ${never} }
async function $adds() { await $queue.add($job); }
async function $waits() { await $queue.add($job); }
async function $idles() { await $queue.onIdle(); }
`,
    tasks: ["adds", "waits", "idles"],
    shows: { kind: "queue", capacity: 1, holders: ["job"], waiters: ["waits"], others: ["idles"] },
  },
  tarn: {
    setUp: `const Pool = of("Pool");
let made = 0;
const $pool = new Pool({ create: async () => ({ number: ++made }), destroy: () => {}, min: 0, max: 1, acquireTimeoutMillis: 1e8 });`,
    behaves: `
  const turn = async (name) => { const client = await $pool.acquire().promise; log(name, client.number); await tick(); $pool.release(client); };
  await Promise.all([turn("a"), turn("b")]); await $pool.destroy();
`,
    scene: `
async function $holds() { const client = await $pool.acquire().promise; /* here */ ${never} $pool.release(client); }
async function $waits() { const client = await $pool.acquire().promise; $pool.release(client); }
`,
    tasks: ["holds", "waits"],
    shows: { kind: "pool", capacity: 1, holders: ["holds"], waiters: ["waits"] },
  },
  "generic-pool": {
    setUp: `let made = 0;
const $pool = of("createPool")({ create: async () => ({ number: ++made }), destroy: async () => {} }, { max: 1 });`,
    behaves: `
  const turn = async (name) => { const client = await $pool.acquire(); log(name, client.number); await tick(); await $pool.release(client); };
  await Promise.all([turn("a"), turn("b")]); await $pool.drain(); await $pool.clear();
`,
    scene: `
async function $holds() { const client = await $pool.acquire(); /* here */ ${never} await $pool.release(client); }
async function $waits() { const client = await $pool.acquire(); await $pool.release(client); }
`,
    tasks: ["holds", "waits"],
    shows: { kind: "pool", capacity: 1, holders: ["holds"], waiters: ["waits"] },
  },
  "sequelize-pool": {
    setUp: `let made = 0;
const open = (acquireTimeoutMillis) => new (of("Pool"))({ create: async () => ({ number: ++made }), destroy: async () => {}, validate: () => true, min: 0, max: 1, acquireTimeoutMillis, reapIntervalMillis: 5 });
const $pool = open(1e8);`,
    behaves: `
  const turn = async (name) => { const client = await $pool.acquire(); log(name, client.number, $pool.waiting); await tick(); $pool.release(client); };
  await Promise.all([turn("a"), turn("b")]);
  const short = open(3); const held = await short.acquire();
  await short.acquire().catch((error) => log(error.constructor.name));
  await short.destroy(held);
  await $pool.drain(); await $pool.destroyAllNow(); await $pool.acquire().catch((error) => log(error.message));
`,
    scene: `
async function $holds() { const client = await $pool.acquire(); /* here */ ${never} $pool.release(client); }
async function $waits() { const client = await $pool.acquire(); $pool.release(client); }
`,
    tasks: ["holds", "waits"],
    shows: { kind: "pool", capacity: 1, holders: ["holds"], waiters: ["waits"] },
  },
};
