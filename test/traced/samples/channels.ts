import { never, type Sample } from "./sample.ts";

export const channels: Readonly<Record<string, Sample>> = {
  "async-channel": {
    setUp: `const Channel = of("Channel"); const BaseChannel = of("BaseChannel");
const $items = new Channel(1);`,
    behaves: `
  const plain = new BaseChannel();
  const got = plain.get(); await plain.push(1); log(await got);
  const consumer = (async () => { const all = []; for await (const item of $items) all.push(item); return all; })();
  for (const item of [1, 2, 3]) await $items.push(item);
  $items.close();
  log(await consumer, await $items.get().catch((error) => error.constructor.name), await $items.push(1).catch((error) => error.constructor.name));
  try { $items.close(); } catch (error) { log(error.constructor.name); }
  log(Object.getOwnPropertyNames(BaseChannel.prototype).join(), Channel.prototype.push.length);
`,
    scene: `
async function $fills() { await $items.push(1); await $items.push(2); }
async function $fillsToo() { await $items.push(3); }
`,
    tasks: ["fills", "fillsToo"],
    shows: {
      kind: "channel",
      capacity: 1,
      length: 1,
      waiters: ["fillsToo", "fills"],
      states: { fills: "chan send", fillsToo: "chan send" },
    },
  },
  "async-channel readers": {
    specifier: "async-channel",
    setUp: `const Channel = of("Channel");
const $items = new Channel();`,
    behaves: `
  const first = $items.get(); await $items.push("now"); log(await first);
  log(await Promise.all([$items.push(1), $items.push(2), $items.get(), $items.get()]));
`,
    scene: `
async function $reads() { await $items.get(); }
async function $readsToo() { await $items.get(); }
`,
    tasks: ["reads", "readsToo"],
    shows: { kind: "channel", capacity: 0, length: 0, waiters: ["reads", "readsToo"] },
  },
  "@thi.ng/csp": {
    not: ["cjs"],
    setUp: `const channel = of("channel"); const select = of("select");
const $items = channel(1);`,
    behaves: `
  const other = channel(2);
  const consumer = (async () => { const all = []; for await (const item of other) all.push(item); return all; })();
  for (const item of [1, 2, 3]) log(await other.write(item));
  other.close(); other.close();
  log(await consumer, await other.write(4), await other.read(), other.offer(5), other.poll());
  const one = channel(); const two = channel();
  setTimeout(() => two.write("selected"), 1);
  const [value, from] = await select(one, two);
  log(value, from === two, select.length, select.name, channel.name);
`,
    scene: `
async function $writes() { await $items.write(1); }
async function $writesToo() { await $items.write(2); }
`,
    tasks: ["writes", "writesToo"],
    shows: {
      kind: "channel",
      capacity: 1,
      length: 1,
      waiters: ["writes", "writesToo"],
      states: { writes: "chan send", writesToo: "chan send" },
    },
  },
  "@thi.ng/csp readers": {
    specifier: "@thi.ng/csp",
    not: ["cjs"],
    setUp: `const Channel = of("Channel");
const $items = new Channel();`,
    behaves: `const got = $items.read(); await $items.write(1); log(await got);`,
    scene: `
async function $reads() { await $items.read(); }
async function $loops() { for await (const item of $items) void item; }
`,
    tasks: ["reads", "loops"],
    shows: { kind: "channel", capacity: 1, length: 0, waiters: ["reads", "loops"] },
  },
  "@repeaterjs/repeater": {
    setUp: `const Repeater = of("Repeater");
const $items = new Repeater(async (push, stop) => { await push(1); await push(2); await stop; });`,
    behaves: `
  const numbers = new Repeater(async (push, stop) => { for (const item of [1, 2, 3]) await push(item); stop(); return "end"; });
  const all = [];
  for await (const item of numbers) all.push(item);
  log(all, JSON.stringify(await numbers.next()), JSON.stringify(await numbers.return(4)));
  const failing = new Repeater(async () => { throw new Error("on purpose"); });
  await failing.next().catch((error) => log(error.message));
  log(Repeater.prototype.next.length, numbers instanceof Repeater);
  await $items.return();
`,
    scene: `
async function $drains() { for await (const item of $items) void item; }
async function $asks() { await $items.next(); await $items.next(); await $items.next(); }
`,
    tasks: ["drains", "asks"],
    shows: {
      kind: "stream",
      waiters: ["drains", "asks"],
      states: { drains: "chan receive", asks: "chan receive" },
    },
  },
  "it-pushable": {
    not: ["cjs"],
    setUp: `const pushable = of("pushable"); const pushableV = of("pushableV");
const $items = pushable({ objectMode: true });`,
    behaves: `
  const items = pushable({ objectMode: true, onEnd: (error) => log("ended", error?.message) });
  items.push(1).push(2); log(items.readableLength);
  setTimeout(() => { items.push(3); items.end(); }, 1);
  const all = []; for await (const item of items) all.push(item);
  log(all, JSON.stringify(await items.next()));
  const many = pushableV({ objectMode: true }); many.push(1); many.push(2);
  log(JSON.stringify(await many.next()), Object.keys(many).join(), many.next.name, pushable.name, pushable.length);
  many.end(new Error("on purpose")); await many.next().catch((error) => log(error.message));
`,
    scene: `
async function $loops() { for await (const item of $items) void item; }
`,
    tasks: ["loops"],
    shows: { kind: "channel", waiters: ["loops"], states: { loops: "chan receive" } },
  },
};

export const queues: Readonly<Record<string, Sample>> = {
  "fastq promises": {
    specifier: "fastq",
    setUp: `const $queue = main.promise(async (item) => { await item.until; return item.value; }, 1);`,
    behaves: `
  const queue = main.promise(async function (item) { log("begins", item, this === null || this === undefined || typeof this); await tick(); if (item < 0) throw new Error("on purpose"); return item * 2; }, 2);
  log(...(await Promise.all([queue.push(1), queue.push(2), queue.unshift(3), queue.push(3)])));
  await queue.push(-1).catch((error) => log(error.message));
  queue.push(5); await queue.drained(); log("drained");
  log(queue.concurrency, queue.length(), queue.idle(), Object.keys(queue).join(), main.length, main.name, main.promise.name, Object.keys(main).join());
`,
    scene: `
const forever = new Promise(() => {});
async function $adds() { await $queue.push({ until: forever }); }
async function $waits() { await $queue.push({ until: forever }); }
async function $first() { await $queue.unshift({ until: forever }); }
async function $drains() { await $queue.drained(); }
`,
    tasks: ["adds", "waits", "first", "drains"],
    shows: {
      kind: "queue",
      capacity: 1,
      holders: ["queue"],
      waiters: ["waits", "first"],
      others: ["drains"],
    },
  },
  "fastq callbacks": {
    specifier: "fastq",
    setUp: `const work = (item, done) => { setTimeout(() => done(null, item), item); };
const $queue = main(work, 1);`,
    behaves: `
  const queue = main(function (item, done) { log("begins", item); setImmediate(() => done(item < 0 ? new Error("on purpose") : null, item * 2)); }, 1);
  const push = (item) => new Promise((resolve) => queue.push(item, (error, result) => { log(error?.message, result); resolve(); }));
  await Promise.all([push(1), push(2), push(-1)]);
  log(main(work, 2).push.length, queue.idle());
`,
    scene: `
async function $adds() { await new Promise((resolve) => $queue.push(3_600_000, resolve)); }
async function $waits() { await $queueToo.push(2); }
const $queueToo = main.promise(async () => { ${never} }, 1);
async function $holds() { await $queueToo.push(1); }
`,
    tasks: ["adds", "holds", "waits"],
    shows: { kind: "queue", capacity: 1, holders: ["queueToo"], waiters: ["waits"] },
  },
  async: {
    setUp: `const async_ = main;
const $queue = async_.queue(async (item) => { await item; }, 1);`,
    behaves: `
  const queue = async_.queue(async (item) => { log("begins", item); await tick(); if (item < 0) throw new Error("on purpose"); return item * 2; }, 2);
  log(...(await Promise.all([queue.push(1), queue.unshift(2), ...queue.push([3, 4])])));
  await queue.pushAsync?.(-1).catch((error) => log(error.message));
  queue.push(5); await queue.drain(); log("drained");
  const calling = async_.queue((item, done) => setImmediate(() => done(null, item)), 1);
  await new Promise((resolve) => calling.push(1, (error, result) => { log(error, result); resolve(); }));
  log(await async_.mapLimit([1, 2, 3], 2, async (item) => { log("maps", item); await tick(); return -item; }));
  await async_.eachLimit([1], 1, async () => { throw new Error("each"); }).catch((error) => log(error.message));
  await new Promise((resolve) => async_.map([1, 2], (item, done) => done(null, item), (error, all) => { log(error, all); resolve(); }));
  log(queue.length(), Object.keys(queue).join(), async_.queue.length, async_.queue.name, async_.mapLimit.length);
`,
    scene: `
const forever = new Promise(() => {});
async function $adds() { await $queue.push(forever); }
async function $waits() { await $queue.push(forever); }
async function $waitsToo() { await $queue.push(forever); }
`,
    tasks: ["adds", "waits", "waitsToo"],
    shows: {
      kind: "queue",
      capacity: 1,
      holders: ["queue"],
      waiters: ["waits", "waitsToo"],
    },
  },
  "@henrygd/queue": {
    setUp: `const newQueue = of("newQueue");
const $queue = newQueue(1);`,
    behaves: `
  const queue = newQueue(2);
  const job = (item) => async () => { log("begins", item); await tick(); return item; };
  log(...(await Promise.all([queue.add(job(1)), queue.add(job(2)), queue.add(job(3))])));
  await queue.add(async () => { throw new Error("on purpose"); }).catch((error) => log(error.message));
  log(await queue.all?.([job(4), job(5)]), queue.size(), queue.active());
  queue.add(job(6)); await queue.done(); log("done", Object.keys(queue).join(), newQueue.length, newQueue.name);
  const inner = newQueue(1); log(await queue.add(() => inner.add(job("inner"))));
`,
    scene: `
async function $job() { ${never} }
async function $adds() { await $queue.add($job); }
async function $waits() { await $queue.add($job); }
async function $waitsToo() { await $queue.add($job); }
async function $idles() { await $queue.done(); }
`,
    tasks: ["adds", "waits", "waitsToo", "idles"],
    shows: {
      kind: "queue",
      capacity: 1,
      holders: ["job"],
      waiters: ["waits", "waitsToo"],
      others: ["idles"],
    },
  },
};

export const limiters: Readonly<Record<string, Sample>> = {
  "p-map": {
    setUp: `const pMap = main;`,
    behaves: `
  log(await pMap([1, Promise.resolve(2), 3], async (item, index) => { log("maps", item, index); await tick(); return item * 2; }, { concurrency: 2 }));
  await pMap([1, 2], async (item) => { if (item === 2) throw new Error("on purpose"); }, { concurrency: 1 }).catch((error) => log(error.message));
  await pMap([1, 2], async (item) => { throw new Error("all " + item); }, { stopOnError: false }).catch((error) => log(error.name));
  log(await pMap([1], (item) => item), pMap.length, pMap.name);
  await Promise.resolve().then(() => pMap([1], 5)).catch((error) => log(error.message));
`,
    scene: `
async function $works() { ${never} }
async function $maps() { await pMap([1, 2, 3], $works, { concurrency: 2 }); }
`,
    tasks: ["maps"],
    shows: { kind: "queue", capacity: 2, holders: ["works", "works"], others: ["maps"] },
  },
  "tiny-async-pool": {
    setUp: `const asyncPool = main;`,
    behaves: `
  log(JSON.stringify(await asyncPool(2, [1, 2, 3], async (item, all) => { log("maps", item, all.length); await tick(); return item * 2; })));
  await asyncPool(1, [1, 2], async (item) => { if (item === 2) throw new Error("on purpose"); }).catch((error) => log(error.message));
  log(JSON.stringify(await asyncPool(1, [1], (item) => item)), asyncPool.length, asyncPool.name);
`,
    scene: `
async function $works() { ${never} }
async function $maps() { await asyncPool(2, [1, 2, 3], $works); }
`,
    tasks: ["maps"],
    shows: { kind: "queue", capacity: 2, holders: ["works", "works"], others: ["maps"] },
  },
  "p-filter": {
    setUp: `const pFilter = main;`,
    behaves: `
  log(await pFilter([1, 2, 3], async (item) => { await tick(); return item > 1; }, { concurrency: 2 }), pFilter.length, pFilter.name);
  await pFilter([1], () => { throw new Error("on purpose"); }).catch((error) => log(error.message));
`,
    scene: `
async function $works() { ${never} }
async function $filters() { await pFilter([1, 2, 3], $works, { concurrency: 1 }); }
`,
    tasks: ["filters"],
    shows: { kind: "queue", capacity: 1, holders: ["works"], others: ["filters"] },
  },
  "@supercharge/promise-pool": {
    setUp: `const PromisePool = of("PromisePool");`,
    behaves: `
  const { results, errors } = await PromisePool.for([1, 2, 3]).withConcurrency(2).process(async (item, index, pool) => { log("begins", item, index, typeof pool); await tick(); if (item === 2) throw new Error("on purpose"); return item; });
  log(results, errors.map((error) => error.message), PromisePool.prototype.process.length);
  await PromisePool.for([1]).handleError(async (error) => { throw error; }).process(async () => { throw new Error("handled"); }).catch((error) => log(error.message));
`,
    scene: `
async function $works() { ${never} }
async function $processes() { await PromisePool.for([1, 2, 3]).withConcurrency(2).process($works); }
`,
    tasks: ["processes"],
    shows: { kind: "queue", capacity: 2, holders: ["works", "works"], others: ["processes"] },
  },
  "p-throttle": {
    setUp: `const pThrottle = main;
const throttle = pThrottle({ limit: 1, interval: 3_600_000 });`,
    behaves: `
  const quick = pThrottle({ limit: 2, interval: 1 });
  const send = quick(async function (item) { log("sends", item, this?.name); await tick(); return item; });
  log(...(await Promise.all([send.call({ name: "self" }, 1), send(2), send(3)])));
  const fails = quick(async () => { throw new Error("on purpose"); });
  await fails().catch((error) => log(error.message));
  log(typeof send, send.isEnabled, quick.length, pThrottle.name, send.length, String(send).length);
  send.isEnabled = false; log(await send(4));
`,
    scene: `
async function $job() { ${never} }
const $throttled = throttle($job);
async function $calls() { await $throttled(1); }
async function $waits() { await $throttled(2); }
async function $waitsToo() { await $throttled(3); }
`,
    tasks: ["calls", "waits", "waitsToo"],
    shows: { kind: "queue", holders: ["job"], waiters: ["waits", "waitsToo"] },
  },
  "better-queue": {
    isFiles: true,
    setUp: `const Queue = main;
const $queue = new Queue((task, done) => task(done), { concurrent: 1 });`,
    behaves: `
  const queue = new Queue(function (task, done) { log("begins", task, typeof this.finishBatch); setImmediate(() => done(task < 0 ? "on purpose" : null, task * 2)); }, { concurrent: 1 });
  const push = (task) => new Promise((resolve) => queue.push(task, (error, result) => { log(error, result); resolve(); }));
  for (const task of [1, 2, -1, 3]) await push(task);
  const ticket = queue.push(4); const finished = new Promise((resolve) => ticket.on("finish", resolve));
  log(ticket.constructor.name, ticket.status, await finished, queue.getStats().total, queue.push.length, Queue.name);
  const batches = new Queue((tasks, done) => { log("batch", tasks.length); done(); }, { batchSize: 2, batchDelay: 20 });
  await Promise.all([5, 6].map((task) => new Promise((resolve) => batches.push(task, resolve))));
  const retries = []; const stubborn = new Queue((task, done) => { retries.push(task); done(retries.length < 3 ? "again" : null); }, { maxRetries: 5 });
  await new Promise((resolve) => stubborn.push(7, resolve)); log(retries.length);
  const picky = new Queue((task, done) => done(), { filter: (task, accept) => accept(null, task > 0) });
  await new Promise((resolve) => picky.push(-1, (error) => { log(error); resolve(); }));
  await new Promise((resolve) => queue.destroy(resolve));
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 2));
`,
    scene: `
async function $job() { ${never} }
async function $adds() { await new Promise((resolve) => $queue.push($job, resolve)); }
async function $waits() { await new Promise((resolve) => $queue.push((done) => done(), resolve)); }
`,
    tasks: ["adds", "waits"],
    // Nobody awaits what was pushed: it waits by itself.
    shows: { kind: "queue", capacity: 1, holders: ["job"], waiters: ["job of $queue"] },
  },
  queue: {
    not: ["oldest", "cjs"],
    setUp: `const Queue = main;
const $queue = new Queue({ concurrency: 2 });`,
    behaves: `
  const queue = new Queue({ concurrency: 2, results: [] });
  const job = (item) => async () => { log("begins", item); await tick(); if (item < 0) throw new Error("on purpose"); return item; };
  const first = job(1); queue.addEventListener("success", ({ detail }) => log(detail.job === first, JSON.stringify(detail.result)));
  log(queue.push(first, job(2)), queue.unshift((done) => { log("begins", 0); setImmediate(() => done(null, "zero")); }), queue.indexOf(first));
  const started = queue.start(); log(started.constructor.name, queue.length); log(JSON.stringify(await started));
  await new Promise((resolve) => { queue.push(job(3)); queue.start((error) => { log(error); resolve(); }); });
  queue.push(job(-1)); await queue.start().catch((error) => log(error.message));
  log(Queue.prototype.start.length, queue.push.name, Object.keys(queue).join());
`,
    scene: `
async function $job() { ${never} }
async function $starts() { $queue.push($job, $job, $job); await $queue.start(); }
`,
    tasks: ["starts"],
    shows: { kind: "queue", capacity: 2, others: ["starts"], length: 3 },
  },
  throat: {
    setUp: `const throat = main;
const $limit = throat(1);`,
    behaves: `
  const limit = throat(2);
  const job = async function (item) { log("begins", item, this?.name); await tick(); if (item < 0) throw new Error("on purpose"); return item; };
  log(...(await Promise.all([limit(job, 1), limit.call({ name: "self" }, job, 2), limit(job, 3)])));
  await limit(job, -1).catch((error) => log(error.message));
  try { limit(5); } catch (error) { log(error.message); }
  try { throat("1"); } catch (error) { log(error.message); }
  const send = throat(1, job); const receive = throat(job, 1);
  log(...(await Promise.all([send(4), send.call({ name: "self" }, 5), receive(6)])));
  await Promise.all([send(-1).catch((error) => log(error.message)), send(7).then(log)]);
  log(throat.length, throat.name, limit.length, send.length, Object.keys(limit).join());
`,
    scene: `
async function $job() { ${never} }
async function $adds() { await $limit($job); }
async function $waits() { await $limit($job); }
async function $waitsToo() { await $limit($job); }
`,
    tasks: ["adds", "waits", "waitsToo"],
    shows: { kind: "queue", capacity: 1, holders: ["job"], waiters: ["waits", "waitsToo"] },
  },
  "throat with its job": {
    specifier: "throat",
    setUp: `const throat = main;`,
    behaves: `log(await throat(async (a, b) => a + b, 3)(1, 2));`,
    scene: `
async function $job() { ${never} }
const $sends = throat(1, $job);
async function $calls() { await $sends(1); }
async function $waits() { await $sends(2); }
`,
    tasks: ["calls", "waits"],
    shows: { kind: "queue", capacity: 1, holders: ["job"], waiters: ["waits"] },
  },
  limiter: {
    setUp: `const RateLimiter = of("RateLimiter");
const $limiter = new RateLimiter({ tokensPerInterval: 1, interval: 3_600_000 });`,
    behaves: `
  const limiter = new RateLimiter({ tokensPerInterval: 2, interval: 10 });
  const takes = async (name, count = 1) => { log(name, typeof (await limiter.removeTokens(count))); };
  await Promise.all([takes("a"), takes("b"), takes("c")]); await takes("d");
  await limiter.removeTokens(3).catch((error) => log(error.message));
  const quick = new RateLimiter({ tokensPerInterval: 1, interval: "hour", fireImmediately: true });
  log(await quick.removeTokens(1), await quick.removeTokens(1), quick.tryRemoveTokens(1));
  log(RateLimiter.prototype.removeTokens.length, limiter.removeTokens.name);
`,
    scene: `
async function $takes() { await $limiter.removeTokens(1); ${never} }
async function $waits() { await $limiter.removeTokens(1); }
async function $waitsToo() { await $limiter.removeTokens(1); }
`,
    tasks: ["takes", "waits", "waitsToo"],
    shows: { kind: "queue", waiters: ["waits", "waitsToo"] },
  },
  bottleneck: {
    setUp: `const Bottleneck = main;
const $limiter = new Bottleneck({ maxConcurrent: 1 });`,
    behaves: `
  const limiter = new Bottleneck({ maxConcurrent: 2 });
  const job = async (item) => { log("begins", item); await tick(); if (item < 0) throw new Error("on purpose"); return item; };
  log(...(await Promise.all([limiter.schedule(job, 1), limiter.schedule({ priority: 4 }, job, 2), limiter.wrap(job)(3)])));
  await limiter.schedule(job, -1).catch((error) => log(error.message));
  await limiter.schedule(() => $limiter.schedule(job, "inner")); 
  log(Bottleneck.prototype.schedule.length, limiter.counts().EXECUTING);
`,
    scene: `
async function $job() { ${never} }
async function $adds() { await $limiter.schedule($job); }
async function $waits() { await $limiter.schedule($job); }
async function $nests() { await $other.schedule($outer); }
const $other = new Bottleneck({ maxConcurrent: 1 });
async function $outer() { await $other.schedule($job); }
`,
    tasks: ["adds", "waits", "nests"],
    shows: {
      kind: "queue",
      capacity: 1,
      holders: ["job"],
      waiters: ["waits"],
      problem: ["deadlock", "outer"],
    },
  },
};
