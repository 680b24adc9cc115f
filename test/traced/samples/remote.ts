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
  bullmq: {
    // It asks for files of its own.
    isFiles: true,
    setUp: `import { createServer } from "node:net";
// Accepts everybody and answers nobody.
const sockets = new Set();
const server = createServer((socket) => { sockets.add(socket); socket.on("error", () => {}); });
const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
const Queue = of("Queue"), Worker = of("Worker"), QueueEvents = of("QueueEvents"), Job = of("Job");
const open = async () => {
  const options = { connection: { host: "127.0.0.1", port: await listening, maxRetriesPerRequest: null, retryStrategy: () => null }, skipVersionCheck: true };
  return options;
};
const quiet = (all) => { for (const each of all) each.on("error", () => {}); };`,
    behaves: `
  const options = await open();
  const queue = new Queue("first", options);
  const worker = new Worker("first", async (job) => { log("runs", job.name); await tick(); if (job.name === "bad") throw new Error("on purpose"); return job.data; }, { ...options, autorun: false, concurrency: 3 });
  quiet([queue, worker]);
  const process = (job) => new Promise((done) => worker.callProcessJob(job, "token").then(done, done));
  log(await process(new Job(queue, "good", 5, {}, "1")));
  log((await process(new Job(queue, "bad", 5, {}, "2"))).message);
  log(worker.concurrency, Worker.prototype.callProcessJob.name, Job.prototype.waitUntilFinished.length, Object.keys(queue).includes("name"));
  for (const socket of sockets) socket.destroy();
  server.close();
  queue.disconnect?.().catch(() => {}); worker.close(true).catch(() => {});
`,
    scene: `
async function $handles(job) { if (job.name === "outer") await $waits(job); else ${never} }
async function $waits(job) { await $part($jobs.at(-1)); }
async function $part(job) { await job.waitUntilFinished($events); }
let $jobs = [], $events;
async function $begins() {
  const options = await open();
  const $queue = new Queue("second", options);
  const worker = new Worker("second", $handles, { ...options, autorun: false, concurrency: 2 });
  $events = new QueueEvents("second", { ...options, autorun: false });
  quiet([$queue, worker, $events]);
  $jobs = ["outer", "outer", "part"].map((name, id) => new Job($queue, name, {}, {}, String(id)));
  await Promise.all([worker.callProcessJob($jobs[0], "token"), worker.callProcessJob($jobs[1], "token")]);
}
`,
    tasks: ["begins"],
    shows: {
      kind: "queue",
      capacity: 2,
      holders: ["handles", "handles"],
      waiters: ["part", "part"],
      problem: ["deadlock", "handles"],
    },
  },
  bull: {
    // It asks for files of its own.
    isFiles: true,
    setUp: `import { createServer } from "node:net";
// Accepts everybody and answers nobody.
const sockets = new Set();
const server = createServer((socket) => { sockets.add(socket); socket.on("error", () => {}); });
const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
const Queue = main, Job = main.Job;
const open = async () => ({ redis: { host: "127.0.0.1", port: await listening, maxRetriesPerRequest: null, retryStrategy: () => null } });
// The server never says that it is ready, and never that a job is finished.
const alone = (queue) => { queue.on("error", () => {}); queue.setWorkerName = () => {}; queue._registerEvent = () => new Promise(() => {}); };
const jobOf = (queue, name, id) => Object.assign(new Job(queue, name, {}, {}), { id });`,
    behaves: `
  const queue = new Queue("first", await open()); alone(queue);
  const handler = async function (job) { log("runs", job.name, this === queue); await tick(); if (job.id === "2") throw new Error("on purpose"); return job.id; };
  queue.setHandler("good", handler);
  queue.setHandler("called", (job, done) => { log("runs", job.name, typeof done); setImmediate(() => done(null, "told")); });
  queue.setHandler("now", () => { throw new Error("at once"); });
  const run = (name, id) => queue.handlers[name](jobOf(queue, name, id)).catch((error) => error.message);
  log(await run("good", "1"), await run("good", "2"), await run("called", "3"), await run("now", "4"));
  try { queue.setHandler("good", handler); } catch (error) { log(error.message); }
  try { queue.setHandler("none"); } catch (error) { log(error.message); }
  log(Queue.prototype.setHandler.length, queue.start.name, Job.prototype.finished.length, Queue.name, Object.keys(queue.handlers).join());
  for (const socket of sockets) socket.destroy();
  server.close(); queue.clients.forEach((client) => client.disconnect());
`,
    scene: `
async function $handles(job) { if (job.name === "outer") await $waits(); else ${never} }
async function $waits() { await $part($jobs.at(-1)); }
async function $part(job) { await job.finished(); }
let $jobs = [];
async function $begins() {
  const $queue = new Queue("second", await open()); alone($queue);
  $queue.start(2, "*").catch(() => {});
  $queue.setHandler("*", $handles);
  $jobs = ["outer", "outer", "part"].map((name, id) => jobOf($queue, name, String(id)));
  await Promise.all([$queue.handlers["*"]($jobs[0]), $queue.handlers["*"]($jobs[1])]);
}
`,
    tasks: ["begins"],
    shows: {
      kind: "queue",
      capacity: 2,
      holders: ["handles", "handles"],
      waiters: ["part", "part"],
      problem: ["deadlock", "handles"],
    },
  },
};
