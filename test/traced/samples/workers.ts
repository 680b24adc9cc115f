import { never, type Sample } from "./sample.ts";

const workerFile = (
  exporting: string,
) => `import { mkdtempSync, writeFileSync } from "node:fs"; import { tmpdir } from "node:os"; import path from "node:path";
const filename = path.join(mkdtempSync(path.join(tmpdir(), "worker-")), "worker.${exporting.startsWith("export") ? "mjs" : "cjs"}");
writeFileSync(filename, \`${exporting} async (item) => { if (item < 0) throw new Error("on purpose"); if (item > 100) await new Promise(() => setInterval(() => {}, 1000)); return item * 2; };\`);
`;

/** Pools of threads, and a server of its own for clients that talk to one. */
/** As much of a Redis server as its clients ask of one; it answers neither `get` nor `blpop`. */
const redisServer = `import { createServer } from "node:net";
const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", (data) => {
    for (const [, name, key] of String(data).matchAll(/\\*\\d+\\r\\n\\$\\d+\\r\\n(\\w+)\\r\\n(?:\\$\\d+\\r\\n(\\w*))?/g)) {
      if (/^(get|blpop)$/i.test(name)) continue;
      socket.write(key === "fails" ? "-ERR on purpose\\r\\n" : /^hello$/i.test(name) ? "%1\\r\\n+server\\r\\n+redis\\r\\n" : "+OK\\r\\n");
    }
  });
});
const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
`;

export const workers: Readonly<Record<string, Sample>> = {
  piscina: {
    isFiles: true,
    setUp: `${workerFile("module.exports =")}
const Piscina = of("Piscina");
const $pool = new Piscina({ filename, minThreads: 1, maxThreads: 2, idleTimeout: 1e8 });`,
    behaves: `
  log(...(await Promise.all([$pool.run(1), $pool.run(2), $pool.run(3)])));
  await $pool.run(-1).catch((error) => log(error.message));
  log(Piscina.prototype.run.length, Piscina.prototype.run.name); await $pool.destroy();
`,
    scene: `
async function $runs() { await $pool.run(1000); }
async function $runsToo() { await $pool.run(1001); }
`,
    tasks: ["runs", "runsToo"],
    shows: {
      kind: "queue",
      capacity: 2,
      others: ["runs", "runsToo"],
      states: { runs: "worker.wait", runsToo: "worker.wait" },
    },
  },
  tinypool: {
    isFiles: true,
    not: ["cjs"],
    setUp: `${workerFile("export default")}
const Tinypool = of("Tinypool");
const $pool = new Tinypool({ filename, minThreads: 1, maxThreads: 1 });`,
    behaves: `
  log(...(await Promise.all([$pool.run(1), $pool.run(2)])));
  await $pool.run(-1).catch((error) => log(error.message));
  log(Tinypool.prototype.run.length); await $pool.destroy();
`,
    scene: `async function $runs() { await $pool.run(1000); }`,
    tasks: ["runs"],
    shows: { kind: "queue", capacity: 1, others: ["runs"], states: { runs: "worker.wait" } },
  },
  workerpool: {
    isFiles: true,
    setUp: `const $pool = of("pool")({ maxWorkers: 1, minWorkers: 1 });
const double = (item) => { if (item < 0) throw new Error("on purpose"); return item * 2; };
const stays = () => { for (;;); };`,
    behaves: `
  log(...(await Promise.all([$pool.exec(double, [1]), $pool.exec(double, [2])])));
  await $pool.exec(double, [-1]).catch((error) => log(error.message));
  const proxy = await $pool.proxy(); log(typeof proxy.run, Object.keys($pool.exec(double, [3])).sort().join());
  await $pool.exec(double, [4]).then((result) => log(result)).always(() => log("always"));
  const cancelled = $pool.exec(stays, []); setTimeout(() => cancelled.cancel(), 50);
  await cancelled.catch((error) => log(error.name));
  try { $pool.exec(double, 5); } catch (error) { log(error.message); }
  log($pool.exec.length, $pool.exec.name); await $pool.terminate();
`,
    scene: `
async function $runs() { await $pool.exec(stays, []); }
async function $runsToo() { await $pool.exec(double, [1]); }
`,
    tasks: ["runs", "runsToo"],
    shows: {
      kind: "queue",
      capacity: 1,
      others: ["runs", "runsToo"],
      states: { runs: "worker.wait", runsToo: "worker.wait" },
    },
  },
  ioredis: {
    setUp: `import { createServer } from "node:net";
const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", (data) => { for (const [, name] of String(data).matchAll(/\\*\\d+\\r\\n\\$\\d+\\r\\n(\\w+)/g)) if (name !== "blpop" && name !== "get") socket.write(name === "fails" ? "-ERR on purpose\\r\\n" : "+OK\\r\\n"); });
});
const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
const open = async () => new (of("Redis"))({ host: "127.0.0.1", port: await listening, enableReadyCheck: false, connectTimeout: 1e8 });`,
    behaves: `
  const redis = await open();
  log(await redis.set("key", 1), await Promise.all([redis.set("a", 1), redis.set("b", 2)]), redis.set.length, redis.sendCommand.length);
  await redis.call("fails").catch((error) => log(error.message));
  log(JSON.stringify(await redis.pipeline().set("a", 1).set("b", 2).exec()));
  await new Promise((done) => redis.set("c", 1, (error, result) => { log(error, result); done(); }));
  log(await redis.quit()); server.close();
`,
    scene: `
async function $pops() { const $redis = await open(); $gets($redis); await $redis.blpop("jobs", 0); }
async function $gets(redis) { await redis.get("key"); }
`,
    tasks: ["pops"],
    shows: { kind: "event", others: ["pops", "gets"], states: { gets: "IO wait" } },
  },
  "@redis/client": {
    setUp: `${redisServer}
const open = async () => { const made = of("createClient")({ url: "redis://127.0.0.1:" + (await listening) }); made.on("error", () => {}); return made.connect(); };`,
    behaves: `
  const $client = await open();
  log(await $client.set("key", "1"), await Promise.all([$client.set("a", "1"), $client.SET("b", "2")]), $client.set.length, $client.sendCommand.length);
  log($client.get === $client.get, Object.keys($client).length, await $client.sendCommand(["PING"]), await $client.ping());
  await $client.incr("fails").catch((error) => log(error.message));
  log(JSON.stringify(await $client.multi().set("a", "1").set("b", "2").execAsPipeline()));
  $client.destroy(); await $client.get("after").catch((error) => log(error.constructor.name)); server.close();
`,
    scene: `
async function $pops() { const $redis = await open(); $gets($redis); await $redis.blPop("jobs", 0); }
async function $gets(redis) { await redis.withCommandOptions({}).get("key"); }
`,
    tasks: ["pops"],
    shows: { kind: "event", others: ["pops", "gets"], states: { gets: "IO wait" } },
  },
  "@redis/client pool": {
    specifier: "@redis/client",
    setUp: `${redisServer}
const open = async (options) => { const $pool = of("createClientPool")({ url: "redis://127.0.0.1:" + (await listening) }, options); $pool.on("error", () => {}); return $pool.connect(); };`,
    behaves: `
  const pool = await open({ minimum: 1, maximum: 1 });
  log(await pool.set("key", "1"), await Promise.all([pool.set("a", "1"), pool.execute(async (client) => client.set("b", "2"))]));
  log(pool.execute.length, pool.set.length, pool.set.name, Object.keys(pool).length);
  await pool.execute(async () => { throw new Error("on purpose"); }).catch((error) => log(error.message));
  log(await pool.sendCommand(["PING"]));
  pool.destroy(); server.close();
`,
    scene: `
async function $holds() { const pool = await open({ minimum: 1, maximum: 1, acquireTimeout: 0 }); const held = pool.execute($inside); $waits(pool); $sets(pool); await held; }
async function $inside() { ${never} }
async function $waits(pool) { await pool.execute(async () => {}); }
async function $sets(pool) { await pool.set("key", "1"); }
`,
    tasks: ["holds"],
    shows: { kind: "pool", capacity: 1, holders: ["inside"], waiters: ["waits", "sets"] },
  },
};
