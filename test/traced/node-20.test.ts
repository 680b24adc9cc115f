// Node 20 asks module hooks in a thread of their own, so its programs are rewritten in another way than those of newer
// versions: what the other tests hold about traced programs is held here of the parts that differ.
import assert from "node:assert/strict";
import type { Registration } from "@unknot/protocol/wire.ts";
import {
  inPairs,
  node20,
  programFolder,
  reading,
  registerFile,
  run,
  runToLastDump,
  stacksOf,
  start,
} from "./kit.ts";

const deadlock = `async function one() { await first.acquire(); await tick(); await second.acquire(); }
async function two() { await second.acquire(); await tick(); await first.acquire(); }
const tick = () => new Promise(setImmediate);
`;

const programs = {
  "module.mjs": `import { Mutex } from "async-mutex";
import PQueue from "p-queue-of-the-program";
import inCommonJs from "./common.cjs";
const first = new Mutex(), second = new Mutex(), queue = new PQueue({ concurrency: 1 });
${deadlock}
inCommonJs(); one(); two();
queue.add(async function job() { await queue.add(async () => {}); });
setInterval(() => {}, 1000);
`,
  "node_modules/p-queue-of-the-program/package.json": `{ "type": "module", "exports": "./index.js" }`,
  "node_modules/p-queue-of-the-program/index.js": `export { default } from "p-queue";\n`,
  "common.cjs": `"use strict";
const { Semaphore } = require("async-mutex");
const permits = new Semaphore(1);
module.exports = async function inCommonJs() { await permits.acquire(); await permits.acquire(); };
if (require.main === module) { module.exports(); setInterval(() => {}, 1000); }
`,
  "threads.mjs": `import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { fork } from "node:child_process";
async function waits() { await new Promise(() => {}); }
waits();
if (process.argv[2] === undefined) { new Worker(new URL(import.meta.url), { argv: ["thread"] }); fork(new URL(import.meta.url), ["child"]); }
setInterval(() => {}, 1000);
`,
  "looks.mjs": `#!/usr/bin/env node
import { register } from "node:module";
import { readFile } from "node:fs/promises";
register("./own-hooks.mjs", import.meta.url);
const { answer } = await import("virtual:answer");
async function fails() { await null; throw new Error("on purpose"); }
console.log(answer, fails.toString(), (await readFile(new URL(import.meta.url), "utf8")).length);
await fails().catch((error) => console.log(error.stack));
console.log((await import("./plain.js")).default.toString(), process.execArgv.filter((each) => !/unknot|import/.test(each)).length);
fails();
`,
  "own-hooks.mjs": `export async function resolve(specifier, context, next) {
  await null;
  return specifier === "virtual:answer" ? { url: specifier, shortCircuit: true } : next(specifier, context);
}
export async function load(url, context, next) {
  await null;
  return url === "virtual:answer" ? { format: "module", source: "export const answer = await 42;", shortCircuit: true } : next(url, context);
}
`,
  "plain.js": `"use strict";\nmodule.exports = async function () { return await this; };\n`,
  "asked.cjs": `async function waits() { await new Promise(() => {}); }\nwaits();\nimport("./asked.mjs");\n`,
  "asked.mjs": `async function neverSeen() { await new Promise(() => {}); }\nneverSeen();\n`,
};

for (const node of node20()) {
  describe("a program on Node 20", () => {
    const folder = programFolder(programs);

    for (const [how, options] of [
      ["--import", ["--import", "unknot/register"]],
      ["--require", ["--require", registerFile]],
    ] as const) {
      it(`is traced by ${how}: ES modules, CommonJS and packages`, async () => {
        const running = start(folder, "module.mjs", { node, traced: false, options });
        const client = await running.connect();
        const dump = await client.dumpAtRest("the deadlock", ({ problems }) => problems.length > 0);
        const { task, place, all, wantedBy } = reading(dump);
        assert.equal(place(task("one").at), "module.mjs:5");
        assert.equal(place(task("two").at), "module.mjs:6");
        assert.deepEqual(["one", "two"].map(wantedBy), ["second", "first"]);
        assert.equal(place(task("inCommonJs").at), "common.cjs:4");
        assert.equal(all("job").length, 1);
        assert.deepEqual(
          dump.coverage.instrumented.map((each) => each.replace(/@.*/, "")),
          ["async-mutex", "p-queue"],
        );
        assert.deepEqual(dump.coverage.blind, []);
        await running.kill();
      });
    }

    it("is traced when it is CommonJS from the start", async () => {
      const running = start(folder, "common.cjs", { node });
      const client = await running.connect();
      const dump = await client.dumpAtRest(
        "the wait",
        (each) => reading(each).all("inCommonJs").length === 1,
      );
      assert.equal(reading(dump).wantedBy("inCommonJs"), "permits");
      await running.kill();
    });

    it("is traced in its threads and child processes, and Node's own thread is none of them", async () => {
      const running = start(folder, "threads.mjs", { node });
      const seen = async (isWanted: (registration: Registration) => boolean) => {
        const client = await running.connect(isWanted);
        return client.dumpAtRest("the wait", (each) => reading(each).all("waits").length === 1);
      };
      await seen(({ pid, threadId }) => pid === running.pid && threadId !== 0);
      await seen(({ pid }) => pid !== running.pid);
      const main = await seen(({ pid, threadId }) => pid === running.pid && threadId === 0);
      assert.deepEqual(main.coverage.blind, []);
      await running.kill();
    });

    it("does what it does untraced, with module hooks of its own", async () => {
      const [plain, traced] = await inPairs([false, true], (each) =>
        run(folder, "looks.mjs", { node, traced: each, env: { UNKNOT_REPORT_STDERR: "0" } }),
      );
      // While it maps positions, this Node writes one more line before an error that ends the process.
      const known = (ended: typeof plain) => ({
        ...ended,
        stdout: stacksOf(ended?.stdout ?? ""),
        stderr: stacksOf(ended?.stderr ?? "").replace("^\n\n\n", "^\n\n"),
      });
      assert.match(plain?.stdout ?? "", /^42 async function fails/);
      assert.deepEqual(known(traced), known(plain));
    });

    it("says under a debugger that its ES modules run as they are", async () => {
      const { code, last } = await runToLastDump(folder, "asked.cjs", {
        node,
        env: { VSCODE_INSPECTOR_OPTIONS: "{}" },
      });
      assert.equal(code, 0);
      const { all } = reading(last.dump);
      assert.deepEqual([all("waits").length, all("neverSeen").length], [1, 0]);
      assert.match(
        last.dump.coverage.untouched.map(({ reason }) => reason).join(),
        /Node 20 loads ES modules beside a debugger as they are/,
      );
    });

    it("knows in lean mode what asks for locks, and where", async () => {
      const running = start(folder, "module.mjs", { node, env: { UNKNOT_MODE: "lean" } });
      const client = await running.connect();
      const dump = await client.dumpAtRest(
        "both locks to be held",
        ({ resources }) => resources.filter(({ waiters }) => waiters.length > 0).length >= 2,
      );
      assert.deepEqual(dump.coverage.blind, ["async functions (lean mode)"]);
      await running.kill();
    });
  });
}
