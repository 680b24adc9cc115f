// A traced program does what it does untraced: these run each program both ways and compare all that it prints.
import assert from "node:assert/strict";
import { allNodes, inPairs, programFolder, run, stacksOf } from "./kit.ts";

const texts = `
function plain(a, b) { return a + b; }
async function task(a, { b } = {}, ...rest) { await null; try { await a; } finally { await b; } return rest; }
const arrow = async (a) => await a;
const block = async a => { for await (const b of a) { if (b) continue; await b; } };
async function* items() { yield 1; yield* [await 2]; }
class Shop extends Map {
  static #count = 0;
  async open(order) { await order; return Promise.all([order, Shop.#count]); }
  static async close() { await null; }
  get name() { return new Map(); }
  async *[Symbol.asyncIterator]() { yield await 1; }
  field = async () => { await 1; };
}
const object = { async method() { await 1; }, ["computed" + 1]: async function named() { await 1; }, set x(v) { new Promise(v); } };
const made = eval("async function evaluated() { await 1; } evaluated");
const constructed = new Function("a", "return async () => { await a; }");
const shop = new Shop();
const show = (value) => console.log(Function.prototype.toString.call(value));
[plain, task, arrow, block, items, Shop, shop.open, Shop.close, shop[Symbol.asyncIterator], shop.field, object.method,
  object.computed1, Object.getOwnPropertyDescriptor(object, "x").set, made, constructed, constructed(1),
  task.bind(null), new Proxy(task, {}), Math.max, Function.prototype.toString, setTimeout].forEach(show);
console.log(String(task), task + "", \`\${arrow}\`, task.length, task.name, arrow.name, items.name);
console.log(Object.getOwnPropertyNames(task).join(), Function.prototype.toString.name, Function.prototype.toString.length);
for (const wrong of [{}, "x", undefined, Object.create(Function.prototype)]) {
  try { show(wrong); } catch (error) { console.log(error.name, error.message); }
}
console.log(Object.getPrototypeOf(task) === Object.getPrototypeOf(async () => {}), "prototype" in task, Object.keys(globalThis).join());
`;

const errors = `
const { setTimeout: sleep } = await import("node:timers/promises");
class Repository {
  async load(id) { await sleep(1); if (id > 1) throw new TypeError("no " + id); return this.load(id + 1); }
}
async function handle(id) { const repository = new Repository(); await repository.load(id); }
const failing = () => { throw Object.assign(new Error("sync"), { code: 5 }); };
for (const each of [() => handle(1), async () => failing(), () => Promise.all([handle(0), handle(5)]), async () => { await null; null.x; }]) {
  try { await each(); } catch (error) { console.log(error.stack, Object.keys(error)); }
}
try { eval("async function bad() { await nowhere; }\\nbad()").catch((error) => console.log(error.message)); } catch {}
async function* gives(how) {
  if (how === 1) return Promise.all([handle(1), 3]);
  if (how === 2) return how > 2 ? 1 : (0, Promise.race([handle(1)]));
  return undefined ?? repositories.open(1);
}
const repositories = { open: (id) => new Repository().load(id) };
for (const how of [1, 2, 3]) {
  try { for await (const item of gives(how)) console.log(item); } catch (error) { console.log(error.stack); }
}
await sleep(1);
console.log(new Error("last", { cause: new Error("first") }));
await handle(3);
`;

const programs: Readonly<Record<string, string>> = {
  "texts.mjs": texts,
  "texts.cjs": texts,
  "errors.mjs": errors,
  "directives.cjs": `#!/usr/bin/env node
"use strict";
async function sloppyOrNot() { await null; return this === undefined; }
(function () { console.log(this === undefined); })();
sloppyOrNot().then(console.log);
try { undeclared = 1; } catch (error) { console.log(error.name); }
`,
  "sloppy.cjs": `async function strict() { "use strict"; await null; return this === undefined; }
async function sloppy() { await null; return this === globalThis; }
const both = async () => [await strict(), await sloppy()];
both().then(console.log);
with ({ a: 1 }) { (async () => console.log(await a))(); }
async function args(a) { arguments[0] = 2; await null; return [a, arguments.length, arguments.callee === args]; }
args(1, 2).then(console.log);
var await_ = 1; var async = 5; console.log(async + await_);
`,
  "rejections.mjs": `process.on("unhandledRejection", (reason, promise) => console.log("unhandled", reason.message, promise instanceof Promise));
process.on("rejectionHandled", () => console.log("handled"));
process.on("warning", (warning) => console.log(warning.name));
const fail = async (text) => { await null; throw new Error(text); };
const late = fail("late");
fail("never");
Promise.race([fail("race 1"), fail("race 2")]).catch(() => {});
Promise.all([fail("all 1"), fail("all 2")]).catch((error) => console.log("caught", error.message));
setTimeout(() => late.catch(() => {}), 5);
setTimeout(() => {}, 20);
`,
  // What Node loads only when it is asked for has costs and effects of its own.
  "loaded.cjs": `const http = require("node:http");
async function main() {
  const server = http.createServer((request, response) => response.end("fetch")).listen(0);
  await new Promise((resolve) => server.once("listening", resolve));
  const text = await new Promise((resolve, reject) => {
    http.get({ port: server.address().port }, (response) => response.setEncoding("utf8").on("data", resolve)).on("error", reject);
  });
  await new Promise((resolve) => server.close(resolve));
  console.log(text, process.moduleLoadList.filter((name) => name.includes("undici")).join());
}
main();
`,
  "order.mjs": `import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
const log = [];
const step = async (name) => { log.push(name + 1); await null; log.push(name + 2); await new Promise((r) => r()); log.push(name + 3); return name; };
const thenable = { then(resolve) { log.push("then"); queueMicrotask(() => resolve("thenable")); } };
Promise.resolve().then(() => log.push("m1")).then(() => log.push("m2")).then(() => log.push("m3")).then(() => log.push("m4"));
process.nextTick(() => log.push("tick"));
const all = Promise.all([step("a"), step("b"), (async () => await thenable)(), (async () => step("c"))()]);
await Promise.race([all, step("d")]);
for await (const item of (async function* () { yield step("e"); yield await step("f"); })()) log.push(item);
log.push(...(await all), await sleep(1, "slept"), await turn("turned"));
console.log(log.join(" "));
`,
  "handlers.mjs": `process.on("exit", (code) => console.log("exit", code, process.exitCode));
process.on("beforeExit", () => console.log("before"));
process.on("uncaughtException", (error, origin) => { console.log(error.message, origin); process.exitCode = 3; });
setTimeout(() => { throw new Error("thrown"); }, 1);
(async () => { await null; throw new Error("rejected"); })();
process.emitWarning("careful", { code: "X1" });
`,
  "looks-around.mjs": `import { Worker } from "node:worker_threads";
import { promiseHooks } from "node:v8";
import { AsyncLocalStorage, executionAsyncId } from "node:async_hooks";
const storage = new AsyncLocalStorage();
await storage.run(7, async () => { await null; console.log(storage.getStore()); await new Promise((r) => setTimeout(r, 1)); console.log(storage.getStore()); });
let made = 0;
const stop = promiseHooks.onInit(() => made++);
await (async () => { await null; })();
stop();
console.log(made);
console.log(process.argv.length, [...new Set(process.getActiveResourcesInfo())].sort().join());
const worker = new Worker("require('node:worker_threads').parentPort.postMessage(require('node:worker_threads').threadId)", { eval: true, execArgv: [] });
worker.on("message", (id) => console.log(typeof id));
`,
  // Spies and stubs of tests see no calls but the program's own.
  "stubs.mjs": `import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { Worker } from "node:worker_threads";
import { once } from "node:events";
const own = fs.mkdtempSync(os.tmpdir() + "/own-");
let calls = 0;
const readdir = fs.readdirSync;
for (const module of [fs, os]) {
  for (const name of Object.keys(module)) {
    const original = module[name];
    if (typeof original === "function" && !/^[A-Z_]/.test(name)) module[name] = function (...args) { calls++; return original.apply(this, args); };
  }
}
syncBuiltinESMExports();
process.env.TMPDIR = own;
process.on("exit", () => console.log(calls, readdir(own)));
console.log(String(spawnSync(process.execPath, ["-p", "1"]).stdout));
await once(new Worker("0", { eval: true, env: {} }), "exit");
await import("./data.json", { with: { type: "json" } });
await import("./directives.cjs");
console.log(calls);
`,
  // What was not asked for is not opened: standard streams come with listeners of their own.
  "streams.cjs": `console.log(process.listenerCount("SIGWINCH"), Object.keys(require.cache).length, process.stdout.eventNames().join(), process.stderr.eventNames().join(), process.stdout.listenerCount("error"));
`,
  "syntax.mjs": `import data from "./data.json" with { type: "json" };
label: for await (const x of [1, 2, 3]) { if (x === 2) continue label; console.log(x); }
const value = await (await import("./data.json", { with: { type: "json" } })).default.x ?? 0;
export const exported = await data.x;
export default async function () { return await exported; }
export { value as "a string" };
class A { static x = await 1; static { this.y = 2; } #p = 1; async has(o) { return #p in o && await 1; } }
console.log(A.x, A.y, await new A().has(new A()), value, exported);
const f = async ({ a = await_(), b } = {}, [c = 3] = []) => [a, b, await c];
function await_() { return 5; }
console.log(await f(), await f({ a: 1, b: 2 }, [4]), (await f?.())?.[0], await (async () => { if (1) return await 1; else await 2; })());
switch (await 1) { case await 1: console.log("one"); default: console.log("fell"); }
do { await null; } while (await false);
if (await 1) await 2; else await 3;
outer: { if (await true) break outer; console.log("not"); }
console.log(await Promise.all([1, 2].map(async (n) => { await n; return n ** 2; })), \`\${await 5}\`, await (1, 2), typeof await 1, !await 0);
try { await (async () => { try { return await 1; } finally { await 2; } })(); } catch {} finally { console.log("end"); }
new (class { constructor() { this.p = (async () => { await this; })(); } })();
var { x = await 1, ...rest } = { y: await 2 }; console.log(x, rest);
`,
  "crlf.mjs":
    'const f = async () => {\r\n  await null;\r\n  throw new Error("crlf");\r\n};\r\ntry { await f(); } catch (error) { console.log(error.stack.split("\\n")[1]); }\r\nconsole.log(f.toString().includes("\\r\\n"));\r\n',
  "bom.mjs":
    "\uFEFFconst f = async () => { await null; };\nawait f();\nconsole.log(f.toString(), new Error('x').stack.split('\\n')[1]);\n",
  "bom.cjs":
    "\uFEFF'use strict';\nconst f = async () => { await null; };\nf().then(() => console.log(f.toString(), this === undefined));\n",
  "empty.mjs": "",
  "html-comment.cjs": "<!-- an old comment\nasync function f() { await 1; console.log('old'); }\nf();\n",
  "stdin.mjs": `for await (const chunk of process.stdin) process.stdout.write(chunk);\nconsole.error("to stderr");\nprocess.exitCode = 11;\n`,
};

describe("a traced program as a guest", () => {
  const folder = programFolder({ ...programs, "data.json": `{ "x": 9 }` });

  for (const node of allNodes()) {
    describe(node.name, () => {
      for (const name of Object.keys(programs)) {
        it(`prints and ends as untraced: ${name}`, async () => {
          const [plain, traced] = await inPairs([false, true], (each) =>
            run(folder, name, { node, traced: each, env: { UNKNOT_REPORT_STDERR: "0" } }),
          );
          assert.ok(plain !== undefined && traced !== undefined);
          const known = (text: string) => stacksOf(text).replace(/\(node:\d+\)/g, "");
          assert.deepEqual(
            { ...traced, stdout: known(traced.stdout), stderr: known(traced.stderr) },
            { ...plain, stdout: known(plain.stdout), stderr: known(plain.stderr) },
          );
          assert.notEqual(
            plain.stdout + plain.stderr + name,
            name === "empty.mjs" ? "" : name,
            "it says something",
          );
        });
      }
    });
  }
});
