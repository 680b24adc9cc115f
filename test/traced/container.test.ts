// What is left of a system in a small container: process 1, a read-only root, no shell, a user without a name. Made with
// namespaces of Linux, where these are allowed.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { readDumps } from "@unknot/dump/formats/read.ts";
import { follow, nodes, ownGroup, programFolder, type Running, reading, root, until } from "./kit.ts";

const server = `import { Mutex } from "async-mutex";
import { existsSync, writeFileSync } from "node:fs";
const lock = new Mutex();
async function holds() { await lock.acquire(); await new Promise(() => {}); }
async function waits() { await lock.acquire(); }
void holds();
void waits();
let writable = true;
try { writeFileSync("./x", ""); } catch { writable = false; }
console.log(JSON.stringify({ pid: process.pid, writable, shell: existsSync("/bin/sh") && spawnsShell() }));
function spawnsShell() { return process.getBuiltinModule("node:child_process").spawnSync("/bin/sh", ["-c", "true"]).error === undefined; }
setInterval(() => {}, 1000);
`;

const unshare = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"];
const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];

describe("in a container", () => {
  const folder = programFolder({ "server.mjs": server });
  const volume = folder.file("volume");
  before(function () {
    mkdirSync(volume, { mode: 0o700 });
    const possible = spawnSync("unshare", [...asRoot, ...unshare, "sh", "-c", "mount -o remount,ro,bind /"]);
    if (process.platform !== "linux" || possible.status !== 0) this.skip();
  });

  /** A program as process 1 of a system in which nothing can be written but the volume. */
  const startIn = (env: NodeJS.ProcessEnv): Running => {
    const shell = realpathSync("/bin/sh");
    const script = `mount --bind '${volume}' '${volume}'
mount --bind /dev/null /etc/passwd
mount -o remount,ro,bind /
mount --bind /dev/null '${shell}'
exec '${(nodes[0] as (typeof nodes)[0]).path}' --import unknot/register server.mjs`;
    const child = spawn("unshare", [...asRoot, ...unshare, "sh", "-c", script], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"], TMPDIR: "/proc/nowhere", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...ownGroup,
    });
    return follow(child, folder);
  };

  /** The id that process 1 has outside. */
  const outside = (running: Running): number =>
    Number(readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, "utf8").trim());

  it("writes a dump by signal to standard error", async () => {
    const running = startIn({ UNKNOT_DUMP_SIGNAL: "SIGUSR2" });
    await running.printed('"pid"');
    assert.deepEqual(JSON.parse(running.stdout()), { pid: 1, writable: false, shell: false });
    process.kill(outside(running), "SIGUSR2");
    await until(
      "the dump",
      () => running.stderr().includes("# end") || undefined,
      () => running.stderr(),
    );
    const [dump] = readDumps(running.stderr()).dumps;
    assert.ok(dump);
    assert.equal(reading(dump).wantedBy("waits"), "lock");
    assert.deepEqual(dump.coverage.instrumented.length, 1);
    await running.kill();
  });

  it("writes dumps into a volume", async () => {
    const running = startIn({ UNKNOT_DUMP_SIGNAL: "SIGUSR2", UNKNOT_DUMP_FILE: `${volume}/` });
    await running.printed('"pid"');
    process.kill(outside(running), "SIGUSR2");
    const file = await until("a dump", () => readdirSync(volume).find((name) => name.endsWith(".taskdump")));
    const text = await until("the whole of it", () => {
      const written = readFileSync(path.join(volume, file), "utf8");
      return written.includes("# end") ? written : undefined;
    });
    assert.equal(
      reading(readDumps(text).dumps[0] as NonNullable<ReturnType<typeof readDumps>["dumps"][0]>).wantedBy(
        "waits",
      ),
      "lock",
    );
    await running.kill();
  });

  it("is asked by a second process in it, with a folder for sockets in a volume", async () => {
    const running = startIn({ UNKNOT_RUNTIME_FOLDER: volume });
    await running.printed('"pid"');
    await until("a registration", () => readdirSync(volume).find((name) => name === "1-0.json"));
    const command = path.join(root, "dist", "npm", "unknot.mjs");
    const inside = spawnSync(
      "nsenter",
      ["--target", String(outside(running)), "--mount", "--pid", process.execPath, command, "dump", "1"],
      { encoding: "utf8", env: { PATH: process.env["PATH"], UNKNOT_RUNTIME_FOLDER: volume } },
    );
    assert.deepEqual([inside.status, inside.stderr], [0, ""]);
    assert.match(inside.stdout, /^taskdump 1 grouped\n# process {2}pid 1,/);
    await running.kill();
  });
});
