// What a traced program starts is traced, too, and notices as little: child processes however they are started, workers
// of a cluster, threads with options of their own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { RunReport } from "@unknot/protocol/report.ts";
import {
  follow,
  inPairs,
  nodes,
  ownGroup,
  programFolder,
  reading,
  registrations,
  root,
  run,
  start,
  until,
} from "./kit.ts";

const never = "new Promise(() => {})";
const waits = (name: string) =>
  `(async function ${name}() { await ${never}; })(); setInterval(() => {}, 1000);`;

const programs = {
  "child.mjs": `${waits("inChild")}\n`,
  "starts-all.mjs": `import { exec, execFile, fork, spawn } from "node:child_process";
const node = process.execPath;
const options = { stdio: "ignore" };
spawn(node, ["child.mjs", "spawned"], options);
spawn(node, ["child.mjs", "with no variables"], { ...options, env: {} });
exec(JSON.stringify(node) + " child.mjs through-a-shell");
execFile(node, ["child.mjs", "execFile"]);
fork("child.mjs", ["forked"], options);
fork("child.mjs", ["without options"], { ...options, execArgv: [] });
spawn(node, ["npm/node_modules/npm/bin/npm-cli.js"], options);
${waits("parent")}
`,
  // Starts what a script of a package says, as package managers do.
  "npm/node_modules/npm/bin/npm-cli.js": `require("node:child_process").spawn(process.execPath, ["child.mjs", "behind npm"], { stdio: "ignore" });
async function ofNpm() { await ${never}; }
ofNpm();
`,
  "cluster.mjs": `import cluster from "node:cluster";
import { createServer } from "node:http";
if (cluster.isPrimary) {
  cluster.setupPrimary({ execArgv: [] });
  for (let each = 0; each < 2; each++) cluster.fork();
  let ready = 0;
  cluster.on("listening", () => { if (++ready === 2) console.log("ready"); });
  (async function primary() { await ${never}; })();
} else {
  createServer().listen(0);
  (async function inClusterWorker() { await ${never}; })();
}
`,
  "threads.mjs": `import { SHARE_ENV, Worker } from "node:worker_threads";
class Own extends Worker {}
const file = new URL("./child.mjs", import.meta.url);
new Worker(file);
new Worker(file, { execArgv: [] });
new Worker(file, { env: {} });
new Own(file, { env: SHARE_ENV, execArgv: ["--no-warnings"] });
${waits("mainTask")}
`,
  // What a program can see of it: nothing.
  "looks.mjs": `import { exec, execFile, execFileSync, execSync, fork, spawn, spawnSync } from "node:child_process";
import { Worker } from "node:worker_threads";
import { text } from "node:stream/consumers";
import { once } from "node:events";
const node = process.execPath;
const code = "const { NODE_OPTIONS, UNKNOT_CHILD, UNKNOT_RUNTIME_FOLDER, A } = process.env; console.log(JSON.stringify([NODE_OPTIONS, UNKNOT_CHILD, A, process.execArgv.filter((each) => !/^--import$|unknot/.test(each))]))";
const plain = ["-e", code];
const env = { PATH: process.env.PATH, A: "1", NODE_OPTIONS: "--no-warnings" };
console.log(execFileSync(node, plain, { env, encoding: "utf8" }));
console.log(execFileSync(node, plain).toString());
console.log(execSync("node -p process.env.A", { env: { ...env, PATH: node.replace(/node$/, "") + ":" + env.PATH } }).toString());
console.log(spawnSync(node, plain, { encoding: "utf8" }).stdout, spawnSync(node, plain, { env, stdio: "pipe" }).status);
console.log(spawnSync("no-such-command").error.code, spawnSync("env", { env, encoding: "utf8" }).stdout);
console.log(await text(spawn("env", [], { env }).stdout));
console.log(await text(spawn(node, plain, { env }).stdout));
console.log(await text(spawn("node " + JSON.stringify("-p") + " 1+1", { shell: true, env: { ...env, PATH: node.replace(/node$/, "") + ":" + env.PATH } }).stdout));
const [error] = await once(spawn("./nowhere"), "error");
console.log(error.code, error.syscall, error.spawnargs);
try { spawn("x", { cwd: 5 }); } catch (error) { console.log(error.message); }
try { execFileSync(node, ["-e", "process.exit(3)"]); } catch (error) { console.log(error.status, error.message); }
try { new Worker("x", { execArgv: ["--no-such-option"] }); } catch (error) { console.log(error.code, error.message); }
try { Worker("x"); } catch (error) { console.log(error.constructor.name, error.message); }
class Own extends Worker { own = 1; }
const inThread = "const { parentPort } = require('node:worker_threads'); parentPort.postMessage([process.env.NODE_OPTIONS, process.env.UNKNOT_CHILD, process.env.A, process.execArgv.filter((each) => !/^--import$|unknot/.test(each))]);";
for (const options of [{ env }, { execArgv: [] }, { env, execArgv: ["--no-warnings"] }, {}]) {
  const worker = new Own(inThread, { ...options, eval: true });
  console.log(worker instanceof Worker, worker.own, worker.constructor === Own, ...(await once(worker, "message")));
}
console.log(new Worker("0", { eval: true }).constructor === Worker, Worker.name, Worker.length, String(Worker).slice(0, 20), Object.getPrototypeOf(Own) === Worker);
console.log([exec, execFile, execFileSync, execSync, fork, spawn, spawnSync].map((each) => [each.name, each.length, String(each).split("\\n")[0]].join()));
const lists = ["-e", "console.log(Object.entries(process.env).join(), Object.keys(require.cache).join())"];
const ordered = { Z: "1", NODE_OPTIONS: "--no-warnings", B: "2" };
console.log(execFileSync(node, lists, { env: ordered, encoding: "utf8" }), await text(spawn(node, lists, { env: ordered }).stdout));
const flag = process.versions.node.startsWith("22") ? "--experimental-permission" : "--permission";
const restricted = [flag, "--no-warnings", "-p", "1"];
for (const done of [
  spawnSync(node, restricted, { encoding: "utf8" }),
  spawnSync(node, ["-p", "2"], { env: { NODE_OPTIONS: flag + " --no-warnings" }, encoding: "utf8" }),
  spawnSync([JSON.stringify(node), ...restricted].join(" "), { shell: true, encoding: "utf8" }),
]) console.log(done.status, done.stdout, done.stderr);
console.log(await text(spawn(node, restricted).stdout), spawnSync(node, ["--no-addons", "-p", "3"], { encoding: "utf8" }).stderr);
class Options { get env() { return { A: "inherited" }; } get eval() { return true; } #own = 5; get workerData() { return this.#own; } }
const shows = "const { parentPort, workerData } = require('node:worker_threads'); parentPort.postMessage([process.env.A, workerData])";
console.log(await once(new Worker(shows, new Options()), "message"));
for (const extra of [{}, { env: {} }, { execArgv: [] }]) {
  const small = new Worker("(async () => { await null; })()", { ...extra, eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } });
  console.log(await once(small, "exit"));
}
console.log(await new Promise((resolve) => exec("exit 7", (error) => resolve([error.code, error.cmd]))));
const child = fork("answers.mjs", { env });
child.send("ping");
console.log(await once(child, "message").then(([message]) => message));
`,
  "answers.mjs": `process.on("message", (message) => { process.send([message, process.env.A, process.env.NODE_OPTIONS, process.argv.length]); process.disconnect(); });\n`,
};

describe("what a traced program starts", function () {
  if (process.platform === "win32") this.pending = true;
  const folder = programFolder(programs);

  for (const node of nodes) {
    describe(node.name, () => {
      it("is traced, however it is started", async () => {
        const running = start(folder, "starts-all.mjs", { node, env: { UNKNOT_SESSION: "one picture" } });
        const children = await until(
          "seven children to register",
          () => {
            const found = registrations(folder).filter((each) => each.parentPid === running.pid);
            return found.length >= 7 ? found : undefined;
          },
          () => JSON.stringify(registrations(folder), null, 1),
        );
        assert.deepEqual(
          [...new Set(children.map(({ title, session }) => `${title} ${session}`))],
          [`${folder.file("child.mjs")} one picture`],
        );
        for (const { pid } of children) {
          const client = await running.connect((each) => each.pid === pid);
          await client.dumpWhen("its task", (dump) => reading(dump).all("inChild").length === 1);
        }
        // The package manager itself is not traced.
        assert.ok(!registrations(folder).some(({ title }) => title.includes("npm-cli")));
        await running.kill();
        await until("all to be gone", () => children.every(({ pid }) => isGone(pid)) || undefined);
      });

      it("is traced as a thread, whatever options the thread has", async () => {
        const running = start(folder, "threads.mjs", { node });
        const threads = await until("four threads to register", () => {
          const found = registrations(folder).filter((each) => each.pid === running.pid && each.threadId > 0);
          return found.length === 4 ? found : undefined;
        });
        for (const { threadId } of threads) {
          const client = await running.connect(
            (each) => each.pid === running.pid && each.threadId === threadId,
          );
          await client.dumpWhen("its task", (dump) => reading(dump).all("inChild").length === 1);
        }
        assert.deepEqual((await (await running.connect()).dump()).coverage.blind, []);
        await running.kill();
      });

      it("sees and does the same as untraced", async () => {
        const [plain, traced] = await inPairs([false, true], (each) =>
          run(folder, "looks.mjs", {
            node,
            traced: each,
            options: ["--no-warnings"],
            env: { UNKNOT_REPORT_STDERR: "0" },
          }),
        );
        assert.equal(traced?.stdout, plain?.stdout);
        assert.deepEqual([traced?.code, traced?.stderr], [0, plain?.stderr]);
      });

      it("is left alone with UNKNOT_CHILDREN=0", async () => {
        const running = start(folder, "threads.mjs", { node, env: { UNKNOT_CHILDREN: "0" } });
        const client = await running.connect();
        await client.dumpWhen("what is not seen", ({ coverage }) =>
          coverage.blind.some((each) => each.startsWith("worker_threads (")),
        );
        await running.kill();
      });

      it("is in the report of the run with all that was left when it was killed", async () => {
        const child = spawn(
          node.path,
          [
            path.join(root, "dist", "npm", "unknot.mjs"),
            "run",
            "--report",
            "cluster.json",
            "--",
            "cluster.mjs",
          ],
          { cwd: folder.path, env: { ...process.env, ...folder.env, NO_COLOR: "1" }, ...ownGroup },
        );
        const running = follow(child, folder);
        await running.printed("ready");
        const own = await until("three processes to register", () => {
          const found = registrations(folder).filter(({ title }) => title === folder.file("cluster.mjs"));
          return found.length === 3 ? found : undefined;
        });
        for (const { pid } of own) {
          const client = await running.connect((each) => each.pid === pid);
          await client.dumpWhen("its task", ({ tasks }) => tasks.length === 1);
        }
        child.kill("SIGTERM");
        await running.ended;
        const report = JSON.parse(readFileSync(folder.file("cluster.json"), "utf8")) as RunReport;
        assert.deepEqual([report.processes.length, report.tasks.pending], [3, 3]);
        const [primary, ...workers] = report.processes;
        assert.deepEqual(
          workers.map(({ parentPid, pending }) => [parentPid, pending]),
          [1, 2].map(() => [primary?.pid, 1]),
        );
      });
    });
  }
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
