import type { Sample } from "./sample.ts";

const workerFile = (
  exporting: string,
) => `import { mkdtempSync, writeFileSync } from "node:fs"; import { tmpdir } from "node:os"; import path from "node:path";
const filename = path.join(mkdtempSync(path.join(tmpdir(), "worker-")), "worker.${exporting.startsWith("export") ? "mjs" : "cjs"}");
writeFileSync(filename, \`${exporting} async (item) => { if (item < 0) throw new Error("on purpose"); if (item > 100) await new Promise(() => setInterval(() => {}, 1000)); return item * 2; };\`);
`;

/** Pools of threads, and a server of its own for clients that talk to one. */
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
};
