// What `unknot dump --attach` says of a process that was started without the tracer.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { readDumps } from "@unknot/dump/formats/read.ts";
import { temporaryFolder, unknot } from "./unknot.ts";

const program = `import { setTimeout as sleep } from "node:timers/promises";
async function load(id) { await sleep(3_600_000, id); }
class Shop {
  async open(order) { await load(order); }
}
async function* items() { yield 1; await sleep(3_600_000); }
globalThis.kept = [new Shop().open(3), new Shop().open(4), (async () => { for await (const item of items()) void item; })()];
function* plain() { yield 1; }
globalThis.generator = plain();
globalThis.generator.next();
process.on("SIGTERM", () => { console.log("goes on"); process.exit(7); });
console.log("ready");
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

describe("unknot dump --attach", function () {
  // The port that a process would open is read from /proc.
  if (process.platform !== "linux") this.pending = true;
  const folder = temporaryFolder({ "shop.mjs": program });
  let child: ChildProcess;
  let stderr = "";
  before(async () => {
    child = spawn(process.execPath, [`--inspect-port=${await freePort()}`, path.join(folder, "shop.mjs")], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    assert.ok(child.stdout);
    await once(child.stdout, "data");
  });
  after(() => child.kill("SIGKILL"));

  it("is named to who asks for a dump without it", async () => {
    const { code, stderr: said } = await unknot(["dump", String(child.pid)]);
    assert.equal(code, 2);
    assert.match(said, /is not traced: .*'unknot dump --attach \d+' pauses it/);
  });

  it("shows the suspended functions, says what is not known, and lets the process go on", async () => {
    for (const time of ["first", "second"]) {
      const {
        code,
        stdout,
        stderr: said,
      } = await unknot(["dump", "--attach", String(child.pid), "--format", "json"]);
      assert.deepEqual([code, /was started without Unknot/.test(said)], [0, true], `${time}: ${said}`);
      const [dump] = readDumps(stdout).dumps;
      assert.ok(dump);
      const own = dump.tasks.filter(({ external }) => external !== true);
      assert.deepEqual(
        own.map(({ name, kind, entry }) => `${kind} ${name} ${dump.sites[entry ?? -1]?.line}`).sort(),
        [
          "async function (anonymous) at shop.mjs:7 7",
          "async function Shop.open 4",
          "async function Shop.open 4",
          "async function load 2",
          "async function load 2",
          "async generator items 6",
        ],
      );
      assert.ok(own.every(({ entry }) => dump.sites[entry ?? -1]?.file === path.join(folder, "shop.mjs")));
      assert.ok(dump.coverage.blind.some((each) => each.includes("without Unknot")));
      assert.deepEqual(dump.problems, []);
    }
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    assert.equal(code, 7);
    assert.ok(!stderr.includes("Error"), stderr);
  });

  it("touches nothing but Node", async () => {
    const other = spawn("sleep", ["60"]);
    const { code, stderr: said } = await unknot(["dump", "--attach", String(other.pid)]);
    assert.deepEqual([code, /no process of Node/.test(said)], [2, true], said);
    assert.equal(other.exitCode, null);
    assert.ok(other.kill("SIGKILL"));
  });
});
