// What an extension of the editor starts traced: test runners begin with a file of their own and start the tests from
// there, with variables of their own.
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import path from "node:path";
import { installShim } from "@unknot/client/debugging/install-shim.ts";
import { withTracer } from "@unknot/client/debugging/trace-configuration.ts";
import { nodes, programFolder, reading, registrations, root, start, until } from "./kit.ts";

const never = "new Promise(() => {})";

const runner = "extensions/acme.runner-1.0.0/out/run.js";
const programs = {
  "extensions/acme.runner-1.0.0/package.json": '{ "type": "commonjs" }\n',
  // It starts its tests in every way that does not inherit its options, and waits for them.
  [runner]: `const { spawn, spawnSync } = require("node:child_process");
const { Worker } = require("node:worker_threads");
const own = { ...process.env, NODE_OPTIONS: "--no-warnings", OWN: "1" };
const looks = "console.log(JSON.stringify([process.env.NODE_OPTIONS, process.env.OWN, 'UNKNOT_CHILD' in process.env]))";
process.stdout.write(spawnSync(process.execPath, ["-e", looks], { env: own }).stdout);
async function run() {
  const child = spawn(process.execPath, ["tests.mjs", "process"], { stdio: "inherit", env: own });
  spawn(process.execPath, ["tests.mjs", "refuses"], { stdio: "inherit", env: { ...own, UNKNOT_TRACE: "0" } });
  spawn(process.execPath, ["tests.mjs", "inherits"], { stdio: "inherit" });
  new Worker("./tests.mjs", { env: {} });
  new Worker("./tests.mjs", { env: own, execArgv: [] });
  await new Promise((resolve) => child.once("exit", resolve));
}
run();
`,
  "tests.mjs": `async function inTest() { await ${never}; }
inTest();
console.log("waits", process.argv[2] ?? "thread");
setInterval(() => {}, 1000);
`,
};

describe("what an extension of the editor starts", function () {
  if (process.platform === "win32") this.pending = true;
  const folder = programFolder(programs);
  const extension = folder.file("extensions/unknot.unknot-0.1.0-linux-x64/dist/extension");
  let env: Readonly<Record<string, string>> = {};
  before(() => {
    cpSync(path.join(root, "dist", "extension", "tracer"), path.join(extension, "tracer"), {
      recursive: true,
    });
    const files = {
      shim: installShim(path.join(root, "dist", "extension", "shim.cjs"), folder.file("storage")),
      register: path.join(extension, "tracer", "register.cjs"),
      folder: path.join(extension, "tracer"),
    };
    ({ env } = withTracer({ env: {} }, files, "launch 1") as { env: Readonly<Record<string, string>> });
  });

  for (const node of nodes) {
    it(`is traced, but for what is the extension's own, on ${node.name}`, async () => {
      const running = start(folder, runner, { node, traced: false, env });
      await until("the tests", () => running.stdout().match(/waits/g)?.length === 5 || undefined);
      const mine = () =>
        registrations(folder).filter(({ pid, parentPid }) => [pid, parentPid].includes(running.pid));
      const found = await until("all to register", () => (mine().length >= 5 ? mine() : undefined));
      assert.deepEqual(
        found.map(({ session }) => session),
        Array(5).fill("launch 1"),
      );
      const isRunner = (each: { pid: number; threadId: number }) =>
        each.pid === running.pid && each.threadId === 0;
      for (const { pid, threadId } of found.filter((each) => !isRunner(each))) {
        const client = await running.connect((each) => each.pid === pid && each.threadId === threadId);
        await client.dumpWhen("its task", (dump) => reading(dump).all("inTest").length === 1);
      }
      assert.deepEqual((await (await running.connect(isRunner)).dump()).tasks, []);
      const [seen = ""] = running.stdout().split("\n");
      assert.deepEqual(JSON.parse(seen), ["--no-warnings", "1", false]);
      await running.kill();
    });
  }
});
