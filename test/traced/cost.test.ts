// What the tracer must not do to a program's time and memory, as far as that can be told without a clock.
import assert from "node:assert/strict";
import { nodes, programFolder, run, runToLastDump } from "./kit.ts";

// Counts every way in which script can capture a stack; the tracer would have to use one of them.
const captures = `import { Mutex } from "async-mutex";
let captured = 0;
const Original = Error;
const count = (Class) => new Proxy(Class, {
  construct(target, args, newTarget) { captured++; return Reflect.construct(target, args, newTarget); },
  apply(target, self, args) { captured++; return Reflect.apply(target, self, args); },
});
for (const name of ["Error", "TypeError", "RangeError"]) globalThis[name] = count(globalThis[name]);
const { captureStackTrace } = Original;
Original.captureStackTrace = (...args) => { captured++; return captureStackTrace(...args); };
Original.prepareStackTrace = (error, frames) => { captured++; return String(error); };
const lock = new Mutex();
async function task(n) {
  await null;
  if (n % 10 === 0) await lock.runExclusive(async () => { await null; });
  const kept = new Promise(setImmediate);
  await Promise.all([kept, kept]);
  try { await Promise.reject(n); } catch {}
  for await (const item of (async function* () { yield n; })()) void item;
}
await Promise.all(Array.from({ length: 500 }, (_, n) => task(n)));
for (let n = 0; n < 100; n++) await task(n);
console.log(captured);
`;

// Another thread looks at all exceptions of the main thread, as a debugger does that pauses on caught ones.
const throws = `import { Worker } from "node:worker_threads";
import { Mutex } from "async-mutex";
const seen = new Int32Array(new SharedArrayBuffer(4));
const watcher = new Worker(new URL("./watcher.cjs", import.meta.url), { workerData: seen, execArgv: [] });
await new Promise((resolve) => watcher.once("message", resolve));
async function inner(n) { await null; return n; }
async function task(n) {
  const one = inner(n);
  await null;
  await one;
  await one;
  await Promise.all([one, inner(1)]);
}
for (let n = 0; n < 50; n++) await task(n);
const lock = new Mutex();
for (let n = 0; n < 20; n++) {
  const kept = lock.acquire();
  await null;
  (await kept)();
}
const before = seen[0];
try { null.x; } catch {}
console.log(before, seen[0] - before);
process.exit();
`;

const watcher = `const { Session } = require("node:inspector");
const { parentPort, workerData } = require("node:worker_threads");
const session = new Session();
session.connectToMainThread();
session.on("Debugger.paused", ({ params }) => {
  if (params.reason === "exception" || params.reason === "promiseRejection") workerData[0]++;
  session.post("Debugger.resume");
});
session.post("Debugger.enable", () => {
  session.post("Debugger.setPauseOnExceptions", { state: "all" }, () => parentPort.postMessage("ready"));
});
setInterval(() => {}, 1000);
`;

const steady = `async function step(n) { await null; return n; }
async function later(n) { return step(n); }
async function fails() { await null; throw 1; }
async function* items() { yield 1; yield 2; }
for (let turn = 0; turn < 200; turn++) {
  const burst = [];
  for (let n = 0; n < 20; n++) burst.push(step(n), later(n), fails().catch(() => {}));
  await Promise.all(burst);
  for await (const item of items()) { if (item === 1) continue; break; }
  await Promise.race([step(1), later(2)]);
}
console.log(globalThis["__unk" + "not__"].h[5]);
`;

describe("the tracer", () => {
  const folder = programFolder({
    "captures.mjs": captures,
    "throws.mjs": throws,
    "watcher.cjs": watcher,
    "steady.mjs": steady,
  });

  for (const node of nodes) {
    describe(node.name, () => {
      it("captures no stack in transformed code and around libraries", async () => {
        const { stdout, stderr } = await run(folder, "captures.mjs", { node });
        assert.deepEqual([stdout, stderr], ["0\n", ""]);
      });

      it("throws nothing that V8 would have to catch", async () => {
        const { stdout } = await run(folder, "throws.mjs", { node });
        // None of ours, and one of the program's, which shows that somebody looks.
        assert.equal(stdout, "0 1\n");
      });

      it("uses the rows of tasks that have ended again", async () => {
        const { stdout, last } = await runToLastDump(folder, "steady.mjs", { node });
        assert.ok(Number(stdout) < 250, `${stdout} rows for 60 tasks at a time`);
        assert.deepEqual([last.dump.tasks, last.dump.resources], [[], []]);
        assert.ok((last.started ?? 0) > 12_000, `${last.started} started`);
      });
    });
  }
});
