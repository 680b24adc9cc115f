// Tests that run traced: which test started a task, what keeps their process alive, tasks that a test leaves behind.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Handle } from "@unknot/protocol/handle.ts";
import {
  type Ended,
  follow,
  lineOf,
  type NodeUnderTest,
  nodes,
  ownGroup,
  programFolder,
  reading,
  root,
  run,
  start,
} from "./kit.ts";

const never = "new Promise(() => {})";
const leaks = `import { createServer } from "node:net";
function startPolling() {
  setInterval(() => {}, 1000); // polls
}
describe("a client", () => {
  it("polls", async () => { startPolling(); }); // calls
  it("serves", (done) => { createServer().listen(0, done); }); // serves
  it("waits", async () => { async function waits() { await ${never}; } waits(); }); // left
  it("is fine", async () => { const timer = setTimeout(() => {}, 1e6); await null; clearTimeout(timer); setTimeout(() => {}, 1e6).unref(); });
});
`;

const programs = {
  "leaks.mjs": leaks,
  "leaks-node.mjs": `import { describe, it } from "node:test";\n${leaks.replace("(done) =>", "(_, done) =>")}`,
  "fine.mjs": `it("is fine", async () => { await new Promise((resolve) => setTimeout(resolve, 5)); });\n`,
  "slow-hook.mjs": `before(function () { this.timeout(60_000); return new Promise((resolve) => setTimeout(resolve, 3000)); });
it("is late", () => {});
`,
  "fails.mjs": `it("fails", () => { throw new Error("on purpose"); });\n`,
  "node_modules/vitest/package.json": `{ "version": "1.6.1" }`,
  "node_modules/vitest/index.js": "",
  "uses-old.cjs": `require("vitest"); console.log("ran");`,
  "app/package.json": `{ "scripts": { "test": "mocha ../leaks.mjs" } }`,
  "expects.mjs": `import { expectNoTasks, LeftTasksError } from "unknot/testing";
import assert from "node:assert/strict";
it("waits for tasks that end by themselves", async () => {
  (async function ends() { await new Promise((resolve) => setTimeout(resolve, 20)); })();
  await expectNoTasks();
});
it("names those that do not", async () => {
  async function stays() { await ${never}; } // stays
  stays(); stays();
  await assert.rejects(expectNoTasks({ within: 10 }), (error) => {
    assert.ok(error instanceof LeftTasksError && error.tasks.length === 2);
    console.log(error.message.replace(/\\d+ ms/g, "N ms"));
    return true;
  });
  // Each is told once.
  await expectNoTasks({ within: 0 });
});
it("does not count who asks, nor what was there before", async () => {
  const ask = async () => { await null; await expectNoTasks({ within: 0 }); };
  await ask();
  await (async () => { await ask(); })();
});
it("does not mind mocked timers", async () => {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = () => { throw new Error("mocked"); };
  try { await expectNoTasks(); } finally { globalThis.setTimeout = setTimeout; }
});
`,
  "labels.mjs": `import { label } from "unknot";
label({ outside: "nothing" });
async function child() { await ${never}; }
async function request(id) {
  label({ request: id, long: "x".repeat(1000) });
  await null;
  label({ user: "u" + id });
  await child();
}
request("r1"); request("r2"); child();
setInterval(() => {}, 1000);
`,
  "opens.mjs": `import { createServer, connect } from "node:net";
import { spawn } from "node:child_process";
import { Worker } from "node:worker_threads";
import { watch } from "node:fs";
import { createSocket } from "node:dgram";
function opens() {
  setTimeout(() => {}, 1e6);
  setInterval(() => {}, 1e6);
  spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { env: {} });
  new Worker("setInterval(() => {}, 1000)", { eval: true });
  watch(".");
  createSocket("udp4").bind(0);
  const server = createServer().listen(0, function opens() { connect(server.address().port).resume(); });
}
function closes() {
  setTimeout(() => {}, 1e6).unref();
  clearTimeout(setTimeout(() => {}, 1e6));
  clearInterval(setInterval(() => {}, 1e6));
  setTimeout(() => {}, 0);
  setImmediate(() => {});
  const server = createServer().listen(0, () => server.close());
  watch(".").close();
  process.on("SIGUSR2", () => {});
  new MessageChannel();
  new Worker("0", { eval: true });
  spawn(process.execPath, ["-e", "0"]);
}
opens();
closes();
setTimeout(() => console.log("ready"), 1500);
`,
};

describe("tests that run traced", () => {
  const folder = programFolder(programs);
  before(() => {
    const bin = folder.file("node_modules/.bin");
    mkdirSync(bin);
    symlinkSync("../mocha/bin/mocha.js", path.join(bin, "mocha"));
  });
  const at = (file: keyof typeof programs, mark: string) => `${file}:${lineOf(programs[file], mark)}`;

  const unknot = (node: NodeUnderTest, words: readonly string[], cwd = folder.path): Promise<Ended> => {
    const child = spawn(node.path, [path.join(root, "dist", "npm", "unknot.mjs"), ...words], {
      cwd,
      env: { ...process.env, ...folder.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      ...ownGroup,
    });
    return follow(child, folder).ended;
  };

  const namesAll = (text: string, file: "leaks.mjs" | "leaks-node.mjs", separator: string) => {
    const test = (name: string) => `in the test 'a client${separator}${name}'`;
    const places = (from: string) => text.slice(text.indexOf(from), text.indexOf(from) + 400);
    const interval = places("an interval (every 1000 ms) keeps it alive");
    assert.ok(interval.includes(`at startPolling ${at(file, "polls")}:`), text);
    assert.ok(interval.includes(`${at(file, "calls")}:`) && interval.includes(test("polls")), text);
    const server = places("a server (port ");
    assert.ok(server.includes(`${at(file, "serves")}:`) && server.includes(test("serves")), text);
    const task = places("the task 'waits' is left");
    assert.ok(task.includes(`at waits ${at(file, "left")}:`) && task.includes(test("waits")), text);
    assert.ok(!text.includes("1000000 ms"), "what was closed is not named");
  };

  for (const node of nodes) {
    describe(node.name, () => {
      it("unknot why names what keeps mocha alive: file, line and test", async () => {
        const { code, stdout, stderr } = await unknot(node, ["why", "--", "mocha", "leaks.mjs"]);
        assert.match(stdout, /4 passing/);
        assert.match(
          stderr,
          /unknot: the tests are done since [\d.]+ m?s, and process \d+ \(.*mocha.*\) goes on:/,
        );
        namesAll(stderr, "leaks.mjs", " ");
        assert.equal(code, 66);
      });

      it("unknot why names what keeps node:test alive", async () => {
        const { code, stderr } = await unknot(node, ["why", "--", "node", "--test", "leaks-node.mjs"]);
        namesAll(stderr, "leaks-node.mjs", " > ");
        assert.equal(code, 66);
      });

      it("unknot why finds the tests behind npm", async () => {
        const { code, stderr } = await unknot(node, ["why", "--", "npm", "test"], folder.file("app"));
        assert.match(stderr, /an interval \(every 1000 ms\) keeps it alive/);
        assert.equal(code, 66);
      });

      it("unknot why says it of a runner that ends its process by force", async () => {
        const { code, stderr } = await unknot(node, ["why", "--", "mocha", "--exit", "leaks.mjs"]);
        assert.match(stderr, /was ended by force after its tests; without that, it would have gone on:/);
        namesAll(stderr, "leaks.mjs", " ");
        assert.equal(code, 0);
      });

      it("unknot why says which runner it does not know", async () => {
        const { code, stderr } = await unknot(node, ["why", "--", "uses-old.cjs"]);
        assert.deepEqual(
          [code, stderr],
          [0, "unknot: vitest 1.6.1 is not known: >=2.0.0 <6.0.0 is. Its tests have no names here.\n"],
        );
      });

      it("unknot why waits for hooks between the tests of a parallel run", async () => {
        const { code, stdout, stderr } = await unknot(node, [
          "why",
          "--wait",
          "2",
          "--",
          ...["mocha", "--parallel", "--jobs", "2", "fine.mjs", "slow-hook.mjs"],
        ]);
        assert.deepEqual([code, stderr], [0, ""]);
        assert.match(stdout, /2 passing/);
      });

      it("unknot why leaves a suite alone that ends: its output and its code", async () => {
        const fine = await unknot(node, ["why", "--", "mocha", "fine.mjs"]);
        assert.deepEqual([fine.code, fine.stderr], [0, ""]);
        assert.match(fine.stdout, /1 passing/);
        assert.equal((await unknot(node, ["why", "--", "mocha", "fails.mjs"])).code, 1);
      });

      it("lists what is open, and nothing that is closed", async () => {
        const running = start(folder, "opens.mjs", { node, env: { UNKNOT_TESTS: "1" } });
        await running.printed("ready");
        const client = await running.connect();
        const opened = ({ handles = [], sites }: Dump) => {
          const by = ({ stack }: Handle) =>
            stack
              .map((index) => /opens$|closes$/.exec(sites[index]?.function ?? "")?.[0])
              .find((name) => name !== undefined);
          return handles.map((handle) => `${handle.kind} ${by(handle)}`).sort();
        };
        const expected = [
          "child process opens",
          "file watcher opens",
          "interval opens",
          "server opens",
          // Both ends of one connection, and of UDP the only one.
          "socket opens",
          "socket opens",
          "socket opens",
          "timer opens",
          "worker thread opens",
        ];
        // What ends by itself may take a while.
        let last: readonly string[] = [];
        await client
          .dumpWhen("what is open", (dump) => {
            last = opened(dump);
            return last.join() === expected.join();
          })
          .catch(() => assert.deepEqual(last, expected));
        await running.kill();
      });

      it("expectNoTasks waits for tasks that end, and names those that do not", async () => {
        const { code, stdout } = await run(folder, "node_modules/mocha/bin/mocha.js", {
          node,
          args: ["expects.mjs"],
          env: { UNKNOT_REPORT_STDERR: "0" },
        });
        const place = `${folder.file("expects.mjs")}:${lineOf(programs["expects.mjs"], "stays")}:`;
        assert.ok(
          stdout.includes(`2 tasks are left behind:\n  'stays' (await for N ms) at ${place}`),
          stdout,
        );
        assert.match(stdout, /4 passing/);
        assert.equal(code, 0);
      });

      it("expectNoTasks does not pass untraced", async () => {
        const { code, stdout } = await run(folder, "node_modules/mocha/bin/mocha.js", {
          node,
          args: ["expects.mjs"],
          traced: false,
        });
        assert.notEqual(code, 0);
        assert.match(stdout, /The tests run untraced, so nobody knows their tasks/);
      });

      it("set-ups for mocha and node:test fail the test that leaves a task", async () => {
        const mocha = await run(folder, "node_modules/mocha/bin/mocha.js", {
          node,
          args: ["--exit", "--require", path.join(root, "dist/npm/testing-mocha.cjs"), "leaks.mjs"],
          traced: false,
        });
        assert.match(
          mocha.stdout,
          /"after each" hook: afterEach for "waits":\s+LeftTasksError: A task is left behind:/,
        );
        assert.equal(mocha.code, 1);
        const child = spawn(
          node.path,
          [
            "--import",
            "unknot/testing/node",
            "--test",
            "--test-force-exit",
            "--test-reporter=tap",
            "leaks-node.mjs",
          ],
          { cwd: folder.path, env: { ...process.env, ...folder.env, NO_COLOR: "1" }, ...ownGroup },
        );
        const { code, stdout } = await follow(child, folder).ended;
        assert.match(stdout, /not ok 3 - waits/);
        assert.match(stdout, /A task is left behind:\n\s+'waits' \(await for /);
        assert.match(stdout, /# pass 3\n# fail 1/);
        assert.equal(code, 1);
      });

      it("labels go with a task and with what it starts", async () => {
        const running = start(folder, "labels.mjs", { node });
        const client = await running.connect();
        const dump = await client.dumpAtRest("labels", (each) =>
          each.tasks.some((task) => task.labels?.["user"]),
        );
        const { all } = reading(dump);
        const shown = (name: string) =>
          all(name).map(({ labels: { long, ...labels } = { long: "" } }) => [labels, long?.length]);
        const both = ["r1", "r2"].map((id) => [{ request: id, user: `u${id}` }, 200]);
        assert.deepEqual(shown("request"), both);
        assert.deepEqual(
          shown("child").sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
          [...both, [{}, 0]].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
        );
        await running.kill();
      });
    });
  }
});
