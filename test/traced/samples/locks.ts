import { lockLike, never, type Sample } from "./sample.ts";

export const locks: Readonly<Record<string, Sample>> = {
  "async-rwlock": {
    setUp: `const RWLock = of("RWLock");
const $lock = new RWLock();`,
    behaves: `
  const reads = async (name) => { await $lock.readLock(); log(name, "reads", $lock.getState()); await tick(); $lock.unlock(); log(name, "read"); };
  const writes = async (name) => { await $lock.writeLock(); log(name, "writes", $lock.getState()); await tick(); $lock.unlock(); log(name, "wrote"); };
  await Promise.all([reads("a"), reads("b"), writes("c"), reads("d")]);
  try { $lock.unlock(); } catch (error) { log(error.message); }
  await $lock.writeLock();
  await $lock.readLock(2).catch((error) => log(error.message));
  $lock.unlock();
  await $lock.readLock(1000); $lock.unlock();
  log(Object.keys($lock).join(), RWLock.prototype.readLock.length, $lock.readLock.name);
`,
    scene: `
async function $reads() { await $lock.readLock(); /* here */ ${never} $lock.unlock(); }
async function $writes() { await $lock.writeLock(); $lock.unlock(); }
async function $givesUp() { await $lock.writeLock(3_600_000); $lock.unlock(); }
async function $alsoReads() { await $lock.readLock(); /* here */ ${never} $lock.unlock(); }
`,
    tasks: ["reads", "writes", "givesUp", "alsoReads"],
    shows: {
      kind: "rwlock",
      capacity: 1,
      holders: ["reads", "alsoReads"],
      waiters: ["writes", "givesUp"],
    },
  },
  mortice: {
    not: ["cjs"],
    setUp: `const mortice = main;
const $lock = mortice({ name: "$name" });`,
    behaves: `
  const lock = mortice({ name: "behaves" });
  const reads = async (name) => { const release = await lock.readLock(); log(name, "reads"); await tick(); release(); release(); log(name, "read"); };
  const writes = async (name) => { const release = await lock.writeLock(); log(name, "writes"); await tick(); release(); log(name, "wrote"); };
  await Promise.all([reads("a"), reads("b"), writes("c"), reads("d"), writes("e")]);
  log(mortice({ name: "behaves" }) === lock, mortice().queue?.size, Object.keys(lock).join(), mortice.length, mortice.name);
  const release = await lock.writeLock();
  const stop = new AbortController();
  const waiting = lock.readLock({ signal: stop.signal }).catch((error) => log(error.name));
  const later = reads("f"); stop.abort(); await waiting; release(); await later;
  log(lock.readLock.length, lock.writeLock.name); lock.finalize();
`,
    scene: `
async function $reads() { const release = await $lock.readLock(); /* here */ ${never} release(); }
async function $writes() { const release = await $lock.writeLock(); release(); }
async function $givesUp() { const release = await $lock.readLock({ signal: new AbortController().signal }); release(); }
async function $alsoReads() { const release = await $lock.readLock(); /* here */ ${never} release(); }
`,
    tasks: ["reads", "alsoReads", "writes", "givesUp"],
    shows: {
      kind: "rwlock",
      capacity: 1,
      holders: ["reads", "alsoReads"],
      waiters: ["writes", "givesUp"],
    },
  },
  rwlock: {
    setUp: `const Lock = main;
const $lock = new Lock();`,
    behaves: `
  const lock = new Lock();
  const enter = (name, ...args) => new Promise((resolve) => lock[name](...args, (release) => { log(name, ...args, release.length); setImmediate(() => { release(); release(); resolve(); }); }));
  await Promise.all([enter("readLock"), enter("readLock"), enter("writeLock"), enter("readLock"), enter("writeLock", "key"), enter("readLock", "key")]);
  await new Promise((resolve) => lock.async.writeLock("key", (error, release) => { log(error, typeof release); release(); resolve(); }));
  await new Promise((resolve) => lock.async.readLock((error, release) => { log(error, typeof release); release(); resolve(); }));
  await new Promise((resolve) => lock.writeLock((release) => {
    lock.readLock(() => log("never"), { scope: { name: "scope" }, timeout: 1, timeoutCallback() { log("late", this.name); release(); resolve(); } });
  }));
  await new Promise((resolve) => lock.readLock(function (release) { log(this.name); release(); resolve(); }, { scope: { name: "scope" }, timeout: 1 }));
  log(lock.constructor === Lock, lock instanceof Lock, Lock.length, lock.readLock.length, Object.keys(lock).join());
  await new Promise((resolve) => setTimeout(resolve, 5));
`,
    scene: `
const enter = (name) => new Promise((resolve) => $lock[name](resolve));
async function $reads(release) { ${never} release(); }
async function $enters() { $lock.readLock($reads); ${never} }
async function $writes() { $lock.writeLock((release) => release()); ${never} }
`,
    tasks: ["enters", "writes"],
    shows: { kind: "rwlock", capacity: 1, holders: ["reads"], waiters: ["scoped of $lock"] },
  },
  "async-await-queue": {
    setUp: `const Queue = of("Queue");
const $lock = new Queue(1);`,
    behaves: `
  const queue = new Queue(2);
  const turn = async (name) => { await queue.wait(name); log(name, "in", queue.stat().running); await tick(); queue.end(name); log(name, "out"); };
  await Promise.all([turn("a"), turn("b"), turn("c")]);
  const job = (item) => async () => { log("begins", item); await tick(); if (item < 0) throw new Error("on purpose"); return item; };
  log(...(await Promise.all([queue.run(job(1)), queue.run(job(2), 1), queue.run(job(3), -1), queue.run(() => "now")])));
  await queue.run(job(-1)).catch((error) => log(error.message));
  try { queue.end("nobody"); } catch (error) { log(error.message); }
  const first = turn("d"); const second = turn("e"); const third = turn("f"); await queue.flush(); await Promise.all([first, second, third]);
  const inner = new Queue(); log(await queue.run(() => inner.run(job("inner"))));
  log(Queue.prototype.wait.length, queue.run.name, queue.flush.length);
`,
    scene: `
async function $holds() { const me = Symbol(); await $lock.wait(me); /* here */ ${never} $lock.end(me); }
async function $waits() { const me = Symbol(); await $lock.wait(me); $lock.end(me); }
async function $job() {}
async function $runs() { await $lock.run($job); }
async function $flushes() { await $lock.flush(); }
`,
    tasks: ["holds", "waits", "runs", "flushes"],
    shows: {
      kind: "semaphore",
      capacity: 1,
      holders: ["holds"],
      waiters: ["waits", "runs"],
      others: ["flushes"],
    },
  },
  "await-semaphore": {
    setUp: `const Mutex = of("Mutex"); const Semaphore = of("Semaphore");
const $lock = new Mutex(); const $permits = new Semaphore(2);`,
    ...lockLike("$lock.acquire()", "release()", { kind: "mutex", capacity: 1 }),
  },
  "await-semaphore use": {
    specifier: "await-semaphore",
    setUp: `const Semaphore = of("Semaphore");
const $permits = new Semaphore(2);`,
    behaves: `
  const turn = (name) => $permits.use(async () => { log(name, "in"); await tick(); log(name, "out"); return name; });
  log(...(await Promise.all([turn("a"), turn("b"), turn("c")])));
  await $permits.use(async () => { throw new Error("on purpose"); }).catch((error) => log(error.message));
  const release = await $permits.acquire(); const other = turn("d"); release(); release(); await other;
  log($permits.count, Semaphore.prototype.use.length);
`,
    scene: `
async function $holds() { const release = await $permits.acquire(); /* here */ ${never} release(); }
async function $inside() { ${never} }
async function $uses() { await $permits.use($inside); }
async function $comes() { await $permits.use(async () => {}); }
async function $waits() { await $permits.acquire(); }
`,
    tasks: ["holds", "uses", "waits", "comes"],
    shows: {
      kind: "semaphore",
      capacity: 2,
      holders: ["holds", "inside"],
      waiters: ["waits", "comes"],
    },
  },
  "@livekit/mutex": {
    // Its CommonJS file calls itself an ES module.
    not: ["oldest-cjs"],
    setUp: `const Mutex = of("Mutex");
const $lock = new Mutex();`,
    ...lockLike("$lock.lock()", "release()", { kind: "mutex", capacity: 1 }),
  },
  "@livekit/mutex multi": {
    specifier: "@livekit/mutex",
    not: ["oldest"],
    setUp: `const MultiMutex = of("MultiMutex");
const $lock = new MultiMutex(1);`,
    ...lockLike("$lock.lock()", "release()", { kind: "semaphore", capacity: 1 }),
  },
  "@rocicorp/lock": {
    not: ["cjs"],
    setUp: `const Lock = of("Lock");
const $lock = new Lock();`,
    ...lockLike("$lock.lock()", "release()", { kind: "mutex", capacity: 1 }),
  },
  "@rocicorp/lock scoped": {
    specifier: "@rocicorp/lock",
    not: ["cjs"],
    setUp: `const Lock = of("Lock");
const $lock = new Lock();`,
    behaves: `
  const turn = (name) => $lock.withLock(async () => { log(name, "in"); await tick(); log(name, "out"); return name; });
  log(...(await Promise.all([turn("a"), turn("b")])), await $lock.withLock(() => 5));
  await $lock.withLock(() => { throw new Error("thrown"); }).catch((error) => log(error.message));
  const release = await $lock.lock(); const next = turn("c"); release(); release(); log(await next);
`,
    scene: `
async function $inner() { ${never} }
async function $nests() { await $lock.withLock($outer); }
async function $outer() { await $lock.withLock($inner); }
async function $waits() { await $lock.lock(); }
`,
    tasks: ["nests", "waits"],
    shows: {
      kind: "mutex",
      capacity: 1,
      holders: ["outer"],
      waiters: ["waits", "outer"],
      problem: ["deadlock", "outer"],
    },
  },
  "@rocicorp/lock readers": {
    specifier: "@rocicorp/lock",
    not: ["cjs"],
    setUp: `const RWLock = of("RWLock");
const $lock = new RWLock();`,
    behaves: `
  const reads = (name) => $lock.withRead(async () => { log(name, "reads"); await tick(); log(name, "read"); return name; });
  const writes = (name) => $lock.withWrite(async () => { log(name, "writes"); await tick(); log(name, "wrote"); return name; });
  log(...(await Promise.all([reads("a"), reads("b"), writes("c"), reads("d")])));
  const turn = async () => { const release = await $lock.write(); log(typeof release, release.length); await tick(); release(); };
  await Promise.all([turn(), reads("e"), turn()]);
  const release = await $lock.read(); release(); release();
  await turn();
`,
    scene: `
async function $reads() { const release = await $lock.read(); /* here */ ${never} release(); }
async function $readsToo() { await $lock.withRead($inside); }
async function $inside() { ${never} }
async function $writes() { const release = await $lock.write(); release(); }
async function $waits() { await $lock.withWrite(async () => {}); }
`,
    tasks: ["reads", "readsToo", "writes", "waits"],
    shows: {
      kind: "rwlock",
      capacity: 1,
      holders: ["reads", "inside"],
      waiters: ["writes", "waits"],
    },
  },
  "@shopify/semaphore": {
    setUp: `const Semaphore = of("Semaphore");
const $lock = new Semaphore(1);`,
    ...lockLike("$lock.acquire()", "await release.release()", { kind: "semaphore", capacity: 1 }),
  },
  mutexify: {
    specifier: "mutexify/promise.js",
    setUp: `const $lock = main();`,
    ...lockLike("$lock()", "release()", { kind: "mutex", capacity: 1 }),
  },
  "proper-lockfile": {
    setUp: `const lockfile = main;
import { mkdtempSync, writeFileSync } from "node:fs"; import { tmpdir } from "node:os"; import path from "node:path";
const file = path.join(mkdtempSync(path.join(tmpdir(), "lock-")), "data"); writeFileSync(file, "");`,
    behaves: `
  const release = await lockfile.lock(file);
  log(typeof release, release.length, await lockfile.check(file));
  await lockfile.lock(file).catch((error) => log(error.code));
  await release(); await release().catch((error) => log(error.code));
  const sync = lockfile.lockSync(file); log(typeof sync); sync();
  await lockfile.lock(file); await lockfile.unlock(file); log(await lockfile.check(file));
  await lockfile.unlock(file).catch((error) => log(error.code));
  log(lockfile.lock === lockfile, Object.keys(lockfile).join(), lockfile.lock.length, lockfile.name);
`,
    scene: `
async function $holds() { const release = await lockfile.lock(file); /* here */ held.resolve(); ${never} await release(); }
async function $waits() { await held.promise; await lockfile.lock(file, { retries: { forever: true, minTimeout: 100_000 } }); }
const held = Promise.withResolvers();
`,
    tasks: ["holds", "waits"],
    shows: { kind: "mutex", capacity: 1, holders: ["holds"], waiters: ["waits"] },
  },
};
