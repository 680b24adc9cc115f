// What may break around a traced program: its worker, its folder, those who read. The program goes on as if nothing were.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import {
  filesOf,
  follow,
  nodes,
  openSocket,
  ownGroup,
  programFolder,
  reading,
  registerFile,
  registrationOf,
  root,
  run,
  runToLastDump,
  start,
  until,
} from "./kit.ts";

const waits = "async function waits() { await new Promise(() => {}); }\nwaits();\n";

const programs = {
  "works.mjs": `${waits}console.log("ready");
let turns = 0;
async function works() { for (;;) { await new Promise((resolve) => setImmediate(resolve)); if (++turns % 2000 === 0) console.log(turns); } }
works();
process.on("SIGTERM", () => { console.log("ends well"); process.exit(7); });
`,
  // Ends the tracer's worker in the middle of its work, as running out of memory would.
  "ends-worker.cjs": `const { Worker } = require("node:worker_threads");
process.once("worker", (worker) => setTimeout(() => worker.terminate(), 100));
`,
  // Every message to the worker fails.
  "breaks-worker.cjs": `const { Worker } = require("node:worker_threads");
Worker.prototype.postMessage = () => { throw new Error("broken"); };
`,
  "many.mjs": `import "./works.mjs";
const gate = new Promise(() => {});
for (let n = 0; n < 50_000; n++) (async function crowd() { await gate; })();
console.log("many");
`,
  "exits.mjs": `${waits}
for (let n = 0; n < 30_000; n++) waits();
setTimeout(() => process.exit(5), 50);
`,
  "memory.mjs": `${waits}
const kept = [];
async function eats() { for (;;) { kept.push(new Array(10_000).fill(kept.length)); if (kept.length % 100 === 0) await null; } }
await eats();
`,
  "fine.mjs": `${waits}console.log("ran");\n`,
};

describe("when something breaks", () => {
  const folder = programFolder(programs);

  for (const node of nodes) {
    describe(node.name, () => {
      for (const fault of ["ends-worker.cjs", "breaks-worker.cjs"]) {
        it(`the program runs on: ${fault}`, async () => {
          const running = start(folder, "works.mjs", { node, options: ["--require", folder.file(fault)] });
          await running.printed("10000");
          process.kill(running.pid, "SIGTERM");
          const { code, stdout, stderr } = await running.ended;
          assert.deepEqual([code, stdout.includes("ends well"), stderr], [7, true, ""]);
        });
      }

      it("a reader that is killed in the middle of an answer leaves the program running, and others are answered", async () => {
        const running = start(folder, "many.mjs", { node });
        await running.printed("many");
        const { endpoint, token } = await registrationOf(folder, ({ pid }) => pid === running.pid);
        // Asks for all, and is gone before it has read any of it.
        const reader = spawn(
          node.path,
          [
            "-e",
            `const socket = require("node:net").connect(${JSON.stringify(endpoint)});
const send = (id, method, params) => { const text = JSON.stringify({ jsonrpc: "2.0", id, method, params }); socket.write("Content-Length: " + Buffer.byteLength(text) + "\\r\\n\\r\\n" + text); };
send(1, "hello", { version: 1, token: ${JSON.stringify(token)} });
for (let id = 2; id < 6; id++) send(id, "dump", { by: "test" });
socket.once("data", () => { socket.pause(); console.log("answers"); });`,
          ],
          { stdio: ["ignore", "pipe", "ignore"], ...ownGroup },
        );
        const asking = follow(reader, folder);
        await asking.printed("answers");
        reader.kill("SIGKILL");
        await asking.ended;
        // One that connects and says nothing is no hindrance either.
        const silent = await openSocket(endpoint);
        const client = await running.connect();
        await client.dumpWhen("the crowd", (dump) => reading(dump).all("crowd").length === 50_000);
        silent.destroy();
        process.kill(running.pid, "SIGTERM");
        assert.equal((await running.ended).code, 7);
      });

      it("a standard error that is full or closed does not hold the program up", async () => {
        const shell = `"$0" --import unknot/register fine.mjs`;
        for (const redirected of ["2>&-", "2>/dev/full"]) {
          if (!existsSync("/dev/full")) continue;
          const { status, stdout } = spawnSync("sh", ["-c", `${shell} ${redirected}`, node.path], {
            cwd: folder.path,
            encoding: "utf8",
            env: { ...process.env, ...folder.env, UNKNOT_REPORT_STDERR: "1" },
          });
          assert.deepEqual([status, stdout], [0, "ran\n"], redirected);
        }
      });

      it("a pipe that nobody reads does not hold it up", async () => {
        const running = start(folder, "exits.mjs", {
          node,
          env: { UNKNOT_REPORT_STDERR: "1", UNKNOT_SESSION: "s" },
        });
        running.child.stderr?.pause();
        assert.equal(await new Promise((resolve) => running.child.once("exit", resolve)), 5);
      });

      it("two copies of the tracer are one", async () => {
        const copy = folder.file(`second-${node.name}`);
        mkdirSync(copy);
        cpSync(path.dirname(registerFile), copy, { recursive: true });
        const { code, stdout, last } = await runToLastDump(folder, "fine.mjs", {
          node,
          options: ["--require", path.join(copy, "register.cjs"), "--require", registerFile],
          env: { NODE_PATH: path.join(root, "node_modules") },
        });
        assert.deepEqual([code, stdout, reading(last.dump).all("waits").length], [0, "ran\n", 1]);
      });

      it("a program that exits while its last dump is written leaves a whole one, or none", async () => {
        const { code, last } = await runToLastDump(folder, "exits.mjs", { node });
        assert.equal(code, 5);
        assert.equal(reading(last.dump).all("waits").length, 30_001);
        const killed = start(folder, "exits.mjs", {
          node,
          env: { UNKNOT_SESSION: "s", UNKNOT_REPORT_STDERR: "0" },
        });
        await until("its last dump to be begun", () =>
          killed.child.exitCode !== null ||
          filesOf(folder, killed.pid).some((name) => name.includes(".last.json"))
            ? true
            : undefined,
        );
        process.kill(-killed.pid, "SIGKILL");
        await killed.ended;
        for (const name of filesOf(folder, killed.pid).filter((each) => each.endsWith(".last.json"))) {
          assert.doesNotThrow(() => JSON.parse(readFileSync(path.join(folder.runtimeFolder, name), "utf8")));
        }
      });

      it("a program that runs out of memory ends as it would untraced", async () => {
        const options = ["--max-old-space-size=40"];
        const [plain, traced] = [
          await run(folder, "memory.mjs", { node, options, traced: false }),
          await run(folder, "memory.mjs", { node, options }),
        ];
        assert.deepEqual([traced.code, traced.signal], [plain.code, plain.signal]);
        assert.match(traced.stderr, /heap out of memory/);
      });

      it("the folder of the tracer may go while the program runs", async () => {
        const copy = folder.file(`gone-${node.name}`);
        mkdirSync(copy);
        cpSync(path.dirname(registerFile), copy, { recursive: true });
        const running = start(folder, "starts-later.mjs", {
          node,
          traced: false,
          // As the extension does it: an updated one removes the folder of the version before.
          options: ["--require", path.join(root, "client", "src", "debugging", "shim.cjs")],
          env: {
            NODE_PATH: path.join(root, "node_modules"),
            UNKNOT_REGISTER: path.join(copy, "register.cjs"),
          },
        });
        await running.printed("ready");
        rmSync(copy, { recursive: true });
        process.kill(running.pid, "SIGUSR2");
        const { code, stdout, stderr } = await running.ended;
        assert.deepEqual([code, stdout, stderr], [0, "ready\nchild 0\nthread 0\nimported\n", ""]);
      });
    });
  }

  folder.write(
    "starts-later.mjs",
    `import { spawnSync } from "node:child_process";
import { Worker } from "node:worker_threads";
setInterval(() => {}, 1000);
process.on("SIGUSR2", async () => {
  console.log("child", spawnSync(process.execPath, ["-e", ""], { stdio: "inherit" }).status);
  await new Promise((resolve) => new Worker("0", { eval: true, env: {} }).once("exit", (code) => resolve(console.log("thread", code))));
  await import("./later.mjs");
  process.exit(0);
});
console.log("ready");
`,
  );
  folder.write("later.mjs", "await null;\nconsole.log('imported');\n");
});
