import assert from "node:assert/strict";
import {
  allNodes,
  filesOf,
  lineOf,
  programFolder,
  reading,
  run,
  runToLastDump,
  stacksOf,
  start,
  until,
} from "./kit.ts";

const never = "new Promise(() => {})";
const programs = {
  "ends.mjs": `async function worker() { await ${never}; } // stuck
async function boss() { await worker(); }
boss();
`,
  "exits-at-once.cjs": `async function worker() { await ${never}; }
worker();
process.exit(7);
`,
  "top-level.mjs": `const answer = async () => { await ${never}; };
await answer(); // top
`,
  "fine.mjs": `import { setTimeout as sleep } from "node:timers/promises";
const work = async () => { await sleep(1); return 5; };
console.log(await work());
`,
  "parked.mjs": `import { setTimeout as sleep } from "node:timers/promises";
(async function parked() { await sleep(1000, undefined, { ref: false }); })();
`,
  "goes-on.mjs": `let more = 2;
process.on("beforeExit", () => { if (more-- > 0) setTimeout(() => console.log("more"), 1); });
const gate = Promise.withResolvers();
(async function late() { await gate.promise; console.log("late"); })();
setTimeout(() => {}, 1);
process.on("beforeExit", () => { if (more === 0) gate.resolve(); });
`,
  "exit-in-handler.mjs": `(async function pending() { await ${never}; })();
process.on("exit", () => process.exit(4));
`,
  "many.mjs": `const gate = ${never};
async function waits() { await gate; }
for (let each = 0; each < 3000; each++) waits();
`,
  "dies.mjs": `(async function pending() { await ${never}; })();
throw new Error("dead");
`,
  "rejects.mjs": `(async function pending() { await ${never}; })();
Promise.reject(new Error("nobody looks"));
`,
  "own-signals.mjs": `process.on("SIGTERM", () => { console.log("bye"); process.exit(9); });
(async function pending() { await ${never}; })();
setInterval(() => {}, 1000);
console.log("ready");
`,
  "signals.mjs": `setInterval(() => {}, 1000);
console.log("ready");
`,
  "worker.mjs": `import { isMainThread, Worker } from "node:worker_threads";
import { fileURLToPath } from "node:url";
if (isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url));
  worker.on("exit", (code) => console.log("worker", code));
} else {
  (async function inWorker() { await ${never}; })();
}
`,
};

describe("the end of a traced program", () => {
  const folder = programFolder(programs);

  for (const node of allNodes()) {
    describe(node.name, () => {
      it("names the tasks that are pending when it runs out of work, before any worker is up", async () => {
        const { code, stdout, stderr } = await run(folder, "ends.mjs", { node });
        assert.deepEqual([code, stdout], [0, ""]);
        assert.match(stderr, /unknot: exited with work pending/);
        assert.match(stderr, /task \d+ \[await \(exit-pending\)\] \{name: "worker"\}/);
        assert.match(stderr, new RegExp(`ends\\.mjs:${lineOf(programs["ends.mjs"], "stuck")}:27`));
        const { last } = await runToLastDump(folder, "ends.mjs", { node });
        assert.deepEqual(last.dump.loop.state, "ended");
        assert.deepEqual(last.dump.tasks.map((task) => task.name).sort(), ["boss", "worker"]);
        assert.deepEqual(
          last.dump.problems.map(({ verdict, certainty, tasks }) => [
            verdict,
            certainty,
            tasks.map(reading(last.dump).nameOf),
          ]),
          [["exit-pending", "proved", ["worker"]]],
        );
        assert.equal(last.started, 2);
      });

      it("has them too when it calls process.exit at once, and prints nothing then", async () => {
        const { code, stderr, last } = await runToLastDump(folder, "exits-at-once.cjs", {
          node,
          env: { UNKNOT_REPORT_STDERR: "1" },
        });
        assert.deepEqual([code, stderr], [7, ""]);
        assert.deepEqual(
          last.dump.tasks.map((task) => task.name),
          ["worker"],
        );
        assert.deepEqual([last.dump.loop.state, last.dump.process.exitCode], ["turning", 7]);
        assert.deepEqual(last.dump.problems, []);
      });

      it("keeps code 13 and the warning of a pending top-level await", async () => {
        const { code, stderr } = await run(folder, "top-level.mjs", { node });
        assert.equal(code, 13);
        assert.match(
          stderr,
          /^Warning: Detected unsettled top-level await at .*top-level\.mjs:2\nawait answer\(\); \/\/ top\n\^\n/m,
        );
        assert.match(stderr, /\{name: "answer"\}/);
        const { last } = await runToLastDump(folder, "top-level.mjs", { node });
        const { task, place, waitsFor } = reading(last.dump);
        assert.equal(task("main").kind, "main");
        assert.equal(place(task("main").at), "top-level.mjs:2");
        assert.deepEqual(waitsFor("main"), ["answer"]);
      });

      it("is silent, and leaves nothing behind, when all is well", async () => {
        const running = start(folder, "fine.mjs", { node, env: { UNKNOT_SESSION: "s" } });
        assert.deepEqual(await running.ended, { code: 0, signal: null, stdout: "5\n", stderr: "" });
        assert.deepEqual(filesOf(folder, running.pid), []);
      });

      it("does not call pending what a timer without hold on the process would wake", async () => {
        const { code, stderr } = await run(folder, "parked.mjs", { node });
        assert.deepEqual([code, stderr], [0, ""]);
      });

      it("waits for the program's own listeners to find no more work", async () => {
        assert.deepEqual(await run(folder, "goes-on.mjs", { node }), {
          code: 0,
          signal: null,
          stdout: "more\nlate\nmore\n",
          stderr: "",
        });
      });

      it("survives process.exit in a handler of 'exit'", async () => {
        const { code, stderr } = await run(folder, "exit-in-handler.mjs", { node });
        assert.equal(code, 4);
        assert.match(stderr, /\{name: "pending"\}/);
      });

      it("shows tasks that wait at one line once, with their number", async () => {
        const { stderr } = await run(folder, "many.mjs", { node });
        assert.match(stderr, /3,000 tasks in 'waits' wait at many\.mjs:2/);
        assert.match(stderr, /^tasks 3000 of 3000 /m);
        assert.ok(stderr.split("\n").length < 30, stderr);
      });

      for (const name of ["dies.mjs", "rejects.mjs"] as const) {
        it(`keeps the last dump of a program that dies: ${name}`, async () => {
          const plain = await run(folder, name, { node, traced: false });
          const { code, stderr, last } = await runToLastDump(folder, name, { node });
          assert.deepEqual([code, stacksOf(stderr)], [plain.code, stacksOf(plain.stderr)]);
          assert.deepEqual(
            last.dump.tasks.map((task) => task.name),
            ["pending"],
          );
        });
      }

      it("comes by a signal as it would untraced", async () => {
        for (const signal of ["SIGTERM", "SIGINT"] as const) {
          const running = start(folder, "signals.mjs", { node });
          await running.printed("ready");
          running.child.kill(signal);
          assert.equal((await running.ended).signal, signal);
        }
        const own = start(folder, "own-signals.mjs", { node, env: { UNKNOT_SESSION: "own" } });
        await own.printed("ready");
        own.child.kill("SIGTERM");
        assert.deepEqual(await own.ended, { code: 9, signal: null, stdout: "ready\nbye\n", stderr: "" });
        assert.deepEqual(filesOf(folder, own.pid), [`${own.pid}-0.last.json`]);
      });

      it("is reported for worker threads as well", async () => {
        const { code, stdout, stderr } = await run(folder, "worker.mjs", { node });
        assert.deepEqual([code, stdout], [0, "worker 0\n"]);
        assert.match(stderr, /\{name: "inWorker"\}/);
      });
    });
  }

  it("of a killed one leaves a registration, which the next traced program removes", async () => {
    const killed = start(folder, "signals.mjs");
    await killed.connect();
    await killed.kill();
    assert.ok(filesOf(folder, killed.pid).length > 0);
    const next = start(folder, "signals.mjs");
    await next.connect();
    await until("the old files to be removed", () => filesOf(folder, killed.pid).length === 0 || undefined);
    await next.kill();
  });
});
