// Go's `/debug/pprof/` of a traced program: read strictly, and by Go's own tool where it is installed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestOptions,
} from "node:http";
import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import {
  lineOf,
  nodes,
  programFolder,
  type Running,
  reading,
  registrationOf,
  registrations,
  start,
} from "./kit.ts";

const shop = `import { Mutex } from "async-mutex";
const ledger = new Mutex();
const stock = new Mutex();
const ready = Promise.withResolvers();
let entered = 0;
async function both(first, second) {
  const release = await first.acquire();
  if (++entered === 2) ready.resolve();
  await ready.promise;
  await second.acquire(); // knots
  release();
}
async function idles() {
  await new Promise(() => {}); // idles
}
const gate = new Mutex();
const opened = new Promise((resolve) => process.stdin.once("data", resolve));
async function holds() {
  const release = await gate.acquire();
  await opened;
  release(); // gives back
}
async function queues() {
  await holds();
}
void both(ledger, stock);
void both(stock, ledger);
for (let n = 0; n < 3; n++) void idles();
console.log("begun");
await Promise.all([queues(), queues(), queues()]);
console.log("ready");
process.stdin.once("data", () => {
  console.log("spins");
  for (const end = performance.now() + 60_000; performance.now() < end; );
});
`;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function ask(url: string, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}

const text = async (url: string) => (await ask(url)).body.toString();

/** A profile with its numbers resolved; fails on everything that is not as the format says. */
async function profileOf(url: string) {
  const { status, body } = await ask(url);
  assert.equal(status, 200, body.toString());
  const {
    stringTable,
    sampleType,
    sample,
    location,
    function: functions,
    mapping,
  } = Profile.decode(gunzipSync(body));
  const string = (index: number | bigint) => {
    const found = stringTable.strings[Number(index)];
    assert.ok(found !== undefined);
    return found;
  };
  assert.equal(string(0), "");
  assert.equal(mapping.length, 1);
  return {
    types: sampleType.map(({ type, unit }) => `${string(type)}/${string(unit)}`),
    samples: sample.map(({ value, locationId, label }) => {
      assert.equal(value.length, sampleType.length);
      return {
        values: value.map(Number),
        labels: Object.fromEntries(label.map(({ key, str }) => [string(key), string(str)])),
        stack: locationId.map((id) => {
          const place = location[Number(id) - 1];
          assert.equal(Number(place?.id), Number(id));
          const line = place?.line[0];
          const called = functions[Number(line?.functionId) - 1];
          assert.ok(line !== undefined && called !== undefined);
          return `${string(called.name)} ${string(called.filename).split("/").pop()}:${Number(line.line)}`;
        }),
      };
    }),
  };
}

describe("/debug/pprof/", () => {
  const folder = programFolder({ "shop.mjs": shop, "short.mjs": `console.log("ends");` });
  const at = (mark: string) => `shop.mjs:${lineOf(shop, mark)}`;

  const urlOf = async (running: Running) => {
    const { pprof } = await registrationOf(
      folder,
      (each) => each.pid === running.pid && each.pprof !== undefined,
    );
    return pprof as string;
  };
  const serve = async (address = "0", node = nodes[0] as (typeof nodes)[0]) => {
    const running = start(folder, "shop.mjs", {
      node,
      stdio: ["pipe", "pipe", "pipe"],
      env: { UNKNOT_PPROF: address, UNKNOT_REPORT_STDERR: "0" },
    });
    await holdLong(running);
    return { running, url: await urlOf(running) };
  };
  /** What is counted has lasted for many steps of the clock before the test ends it. */
  const holdLong = async (running: Running) => {
    await running.printed("begun");
    const client = await running.connect();
    await client.dumpWhen(
      "long waits for the gate",
      (dump) =>
        reading(dump)
          .all("holds")
          .filter(({ state, wait }) => state === "mutex.lock" && (wait?.sinceMs ?? 0) >= 200).length === 2,
    );
    client.close();
    running.child.stdin?.write("open\n");
    await running.printed("ready");
  };

  for (const node of nodes) {
    it(`serves what Go's does (${node.name})`, async () => {
      const { url } = await serve("0", node);
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/debug\/pprof\/$/);

      const goroutine = await profileOf(`${url}goroutine`);
      assert.deepEqual(goroutine.types, ["goroutine/count"]);
      assert.equal(
        goroutine.samples.reduce((sum, { values: [count] }) => sum + (count ?? 0), 0),
        5,
      );
      assert.ok(goroutine.samples.some(({ stack }) => stack[0] === `idles ${at("idles")}`));

      const leak = await profileOf(`${url}goroutineleak`);
      assert.deepEqual(leak.types, ["goroutineleak/count"]);
      assert.deepEqual(
        leak.samples.map(({ stack: [where], labels: { leak: verdict } }) => [where, verdict]),
        [
          [`both ${at("knots")}`, "deadlock"],
          [`both ${at("knots")}`, "deadlock"],
        ],
      );

      const mutex = await profileOf(`${url}mutex`);
      assert.deepEqual(mutex.types, ["contentions/count", "delay/nanoseconds"]);
      const [blamed] = mutex.samples;
      assert.deepEqual(
        blamed?.stack.slice(0, 2).map((each) => each.split(" ").pop()),
        [at("gives back"), `shop.mjs:${lineOf(shop, "gives back") + 3}`],
      );
      assert.ok(blamed?.values.every((value) => value > 0));

      const block = await profileOf(`${url}block`);
      const waited = block.samples.filter(({ labels }) => labels["resource"] === "gate");
      assert.ok(waited.length > 0 && waited.every(({ labels }) => labels["state"] === "mutex.lock"));

      assert.match(await text(`${url}goroutine?debug=1`), /^goroutine profile: total 5\n3 @ 0x/);
      assert.match(await text(`${url}goroutine?debug=2`), /^goroutine \d+ \[mutex\.lock \(deadlock\)\]:\n/);
      assert.match(
        await text(`${url}mutex?debug=1`),
        /^--- mutex:\ncycles\/second=1000000000\nsampling period=1\n\d+ [12] @ 0x/,
      );
      assert.match(await text(`${url}taskdump`), /^taskdump 1 grouped\n/);
      const index = await ask(url);
      assert.match(index.headers["content-type"] ?? "", /^text\/html/);
      assert.match(index.body.toString(), /lock-order-inversion/);
      assert.equal((await ask(`${url}heap`)).status, 404);
      assert.equal((await ask(`${url}goroutine?debug=3`)).status, 400);
    });
  }

  it("is read by Go's own tool, where that is installed", async function () {
    if (spawnSync("go", ["version"]).status !== 0) this.skip();
    const { url } = await serve();
    mkdirSync(folder.file("pprof"), { recursive: true });
    const tool = (...args: string[]) => {
      const done = spawnSync("go", ["tool", "pprof", "-nodefraction=0", ...args], {
        encoding: "utf8",
        env: { ...process.env, PPROF_TMPDIR: folder.file("pprof"), HOME: folder.path },
      });
      assert.equal(done.status, 0, done.stderr);
      return done.stdout;
    };
    assert.match(tool("-top", `${url}goroutine`), /Type: goroutine\n[\s\S]*\n +3 +60\.00% .* idles\n/);
    assert.match(tool("-traces", `${url}goroutineleak`), /leak: +deadlock/);
    assert.match(tool("-top", `${url}mutex`), /Type: delay\n[\s\S]*s +100% .* holds\n/);
    assert.match(tool("-top", "-sample_index=contentions", `${url}block`), /Type: contentions/);
  });

  it("answers while the main thread is blocked", async () => {
    const { running, url } = await serve();
    running.child.stdin?.write("go\n");
    await running.printed("spins");
    const { samples } = await profileOf(`${url}goroutine`);
    assert.ok(samples.some(({ stack }) => stack[0] === `idles ${at("idles")}`));
    await running.kill();
  });

  it("answers only who calls this machine by its own name, and changes nothing", async () => {
    const { url } = await serve();
    const { port } = new URL(url);
    const status = async (options: RequestOptions) => (await ask(url, options)).status;
    assert.equal(await status({ headers: { host: `localhost:${port}` } }), 200);
    assert.equal(await status({ headers: { host: "localhost:7070" } }), 200, "through a tunnel");
    assert.equal(await status({ headers: { host: `[::1]:${port}`, origin: "http://localhost:1" } }), 200);
    assert.equal(await status({ headers: { host: `rebound.example:${port}` } }), 403);
    assert.equal(await status({ headers: { host: `127.0.0.1.example:${port}` } }), 403);
    assert.equal(await status({ headers: { origin: "https://evil.example" } }), 403);
    assert.equal(await status({ headers: { origin: "null" } }), 403);
    assert.equal(await status({ headers: { "sec-fetch-site": "cross-site" } }), 403);
    assert.equal(await status({ method: "POST" }), 405);
    assert.equal(await status({ method: "HEAD" }), 200);
  });

  it("takes another port when its own is taken", async () => {
    const other = createServer(() => {}).listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const { url } = await serve(`localhost:${port}`);
    assert.notEqual(new URL(url).port, String(port));
    assert.equal((await ask(url)).status, 200);
    other.close();
    other.closeAllConnections();
  });

  it("is not there unless somebody asks for it, and keeps nothing alive", async () => {
    // It goes on for as long as somebody may write to it.
    const quiet = start(folder, "shop.mjs", { stdio: ["pipe", "pipe", "pipe"] });
    await holdLong(quiet);
    assert.equal(registrations(folder).find(({ pid }) => pid === quiet.pid)?.pprof, undefined);
    if (process.platform === "linux") {
      const listening = readFileSync(`/proc/${quiet.pid}/net/tcp`, "utf8");
      const inodes = spawnSync("ls", ["-l", `/proc/${quiet.pid}/fd`], { encoding: "utf8" }).stdout;
      const own = listening.split("\n").filter((line) => {
        const [, , , state, , , , , , inode] = line.trim().split(/\s+/);
        return state === "0A" && inodes.includes(`socket:[${inode}]`);
      });
      assert.deepEqual(own, []);
    }
    const short = await start(folder, "short.mjs", { env: { UNKNOT_PPROF: "0" } }).ended;
    assert.deepEqual([short.code, short.stdout], [0, "ends\n"]);
  });

  for (const address of ["0.0.0.0:6060", ":6060", "192.168.0.1:6060", "example.com:6060", "99999", "yes"]) {
    it(`refuses '${address}', says so and lets the program run`, async () => {
      const ended = await start(folder, "short.mjs", { env: { UNKNOT_PPROF: address } }).ended;
      assert.deepEqual([ended.code, ended.stdout], [0, "ends\n"]);
      assert.equal(
        ended.stderr,
        "unknot: 'UNKNOT_PPROF' names no port of this machine alone, such as 6060 or 127.0.0.1:6060.\n",
      );
    });
  }
});
