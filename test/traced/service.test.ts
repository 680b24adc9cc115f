// How a traced process is asked, and by whom it is not.
import assert from "node:assert/strict";
import { chmodSync, lstatSync, mkdirSync, symlinkSync } from "node:fs";
import type { Socket } from "node:net";
import type { Overview, Registration } from "@unknot/protocol/wire.ts";
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from "vscode-jsonrpc/node";
import { type Client, nodes, openSocket, programFolder, registrationOf, run, start, until } from "./kit.ts";

const waits = `async function waits() { await new Promise((resolve) => setTimeout(resolve, 3_600_000)); }
waits();
console.log("ready");
`;

function speak(socket: Socket) {
  const rpc = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  rpc.onError(() => {});
  rpc.listen();
  return rpc;
}

const closed = (socket: Socket) =>
  new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.once("close", () => resolve())));

const overviewWith = (client: Client, wanted: keyof Overview) =>
  until(`an overview with '${wanted}'`, async () => {
    const overview = await client.request("overview", { membersPerGroup: 1 });
    return overview[wanted] === undefined ? undefined : overview;
  });

describe("the service of a traced process", () => {
  const folder = programFolder({
    "waits.mjs": waits,
    "open.mjs": `import { createServer } from "node:net";
const [moves] = process.argv.slice(2);
createServer().listen(0, "127.0.0.1", () => {
  for (let count = 0; count < 3; count++) setInterval(() => {}, 3_600_000);
  const hour = setTimeout(() => {}, 3_600_000);
  hour.unref();
  async function turn() { await null; }
  if (moves === "moves") setInterval(() => void turn(), 20);
  console.log("open");
});
`,
    "queue.mjs": `import { Mutex } from "async-mutex";
const [waitsFor] = process.argv.slice(2);
const [lock, never] = [new Mutex(), new Promise(() => {})];
async function wait() { await (waitsFor === "lock" ? lock.acquire() : never); }
for (let count = 0; count < 80_000; count++) void wait();
setInterval(() => {}, 3_600_000);
console.log("ready");
`,
    "table.mjs": `import { isSharedArrayBuffer } from "node:util/types";
console.log(isSharedArrayBuffer(globalThis.__unknot__.h.buffer));
`,
  });

  for (const node of nodes) {
    describe(node.name, () => {
      let registration: Registration;
      let pid: number;

      beforeEach(async () => {
        const running = start(folder, "waits.mjs", { node });
        pid = running.pid;
        await running.printed("ready");
        registration = await registrationOf(folder, (each) => each.pid === pid);
      });

      it("is for its own user only: folder, registration and socket", function () {
        if (process.platform === "win32") this.skip();
        const mode = (file: string) => (lstatSync(file).mode & 0o777).toString(8);
        assert.equal(mode(folder.runtimeFolder), "700");
        assert.equal(mode(`${folder.runtimeFolder}/${pid}-0.json`), "600");
        assert.equal(mode(registration.endpoint), "600");
        assert.ok(lstatSync(registration.endpoint).isSocket());
        assert.match(registration.token, /^[0-9a-f]{32}$/);
      });

      it("refuses who has a wrong token, another version or does not say hello", async () => {
        const refused = async (method: string, params: object, message: RegExp) => {
          const socket = await openSocket(registration.endpoint);
          const rpc = speak(socket);
          await assert.rejects(rpc.sendRequest(method, params), message);
          await closed(socket);
        };
        await refused("hello", { version: 1, token: "0".repeat(32) }, /the token is wrong/);
        await refused("hello", { version: 1, token: { length: 32 } }, /the token is wrong/);
        await refused("hello", { version: 2, token: registration.token }, /speaks version 1/);
        await refused("dump", { by: "x" }, /'hello' comes first/);
      });

      it("outlives messages that are none", async () => {
        const garbage = [
          "GET / HTTP/1.1\r\n\r\n",
          'Content-Length: 5\r\n\r\n{"a":',
          "Content-Length: -1\r\n\r\n",
          `Content-Length: 999999999999\r\n\r\n{}`,
          "\u0000".repeat(100_000),
          `Content-Length: 14\r\n\r\n{"id": 1, "x"}`,
          `Content-Length: 2\r\n\r\n[]`,
          `Content-Length: 4\r\n\r\nnull`,
        ];
        for (const bytes of garbage) {
          const socket = await openSocket(registration.endpoint);
          socket.on("error", () => {});
          socket.end(bytes);
          await closed(socket.resume());
        }
        const odd = speak(await openSocket(registration.endpoint));
        await odd.sendRequest("hello", { version: 1, token: registration.token });
        for (const [method, params] of [
          ["nothing", {}],
          ["dump", null],
          ["overview", { membersPerGroup: "many" }],
          [
            "list",
            { filter: {}, by: 7, order: "odd", under: { group: { toString: 1 } }, offset: -1, limit: 1e99 },
          ],
          ["list", { filter: "age>soon", under: null }],
          ["stacks", { filter: "x".repeat(10_000), most: "all" }],
        ] as const) {
          await odd.sendRequest(method, params).catch(() => {});
        }
        const asked = (await odd.sendRequest("dump", { by: "x".repeat(1000) })) as {
          by: string;
          tasks: object[];
        };
        assert.equal(asked.tasks.length, 1);
        assert.equal(asked.by.length, 40);
        odd.dispose();
      });

      it("tells what keeps the thread alive", async () => {
        const idle = start(folder, "open.mjs", { node });
        await idle.printed("open");
        const client = await idle.connect();
        // A server and three timers; nothing is kept alive by what it has printed to.
        assert.equal((await overviewWith(client, "handles")).handles, 4);
        await idle.kill();
      });

      it("estimates what it has cost to trace the thread, and tells what was done beside it", async () => {
        const moving = start(folder, "open.mjs", { node, args: ["moves"] });
        await moving.printed("open");
        const client = await moving.connect();
        const ask = () => client.request("overview", { membersPerGroup: 1 });
        const spent = await until("a task", async () => {
          const { cost, started = 0 } = await ask();
          return started > 0 ? cost : undefined;
        });
        assert.ok(spent.threadMs > 0 && spent.threadMs < 1 && spent.besideMs > 0);
        const later = await until("another task", async () => {
          const { cost } = await ask();
          return cost !== undefined && cost.threadMs > spent.threadMs ? cost : undefined;
        });
        assert.ok(later.besideMs > spent.besideMs);
        await moving.kill();
      });

      it("counts what keeps it alive under a debugger only when a task goes on", async () => {
        const options = ["--inspect=127.0.0.1:0"];
        const moving = start(folder, "open.mjs", { node, options, args: ["moves"] });
        await moving.printed("open");
        const { handles } = await overviewWith(await moving.connect(), "handles");
        // It is counted in one of its timers, which is not open while it runs.
        assert.ok(handles === 4 || handles === 5);
        await moving.kill();
        const idle = start(folder, "open.mjs", { node, options });
        await idle.printed("open");
        const client = await idle.connect();
        await client.request("overview", { membersPerGroup: 1 });
        assert.equal((await client.request("overview", { membersPerGroup: 1 })).handles, undefined);
        await idle.kill();
      });

      it("keeps its tables in memory that its worker shares", async () => {
        assert.equal((await run(folder, "table.mjs", { node })).stdout, "true\n");
      });
    });
  }

  it("looks at a long queue once, not once for each who waits in it", async () => {
    const workedFor = async (waitsFor: string) => {
      const running = start(folder, "queue.mjs", { args: [waitsFor] });
      await running.printed("ready");
      const client = await running.connect();
      const worked = async () =>
        (await client.request("overview", { membersPerGroup: 1 })).cost?.besideMs ?? 0;
      const before = await worked();
      const times = [await worked(), await worked(), await worked()];
      await running.kill();
      return times.map((time, index) => time - (times[index - 1] ?? before)).sort((a, b) => a - b)[0] ?? 0;
    };
    const [lock, nothing] = [await workedFor("lock"), await workedFor("nothing")];
    assert.ok(lock < 15 * nothing, `${lock} ms for a lock, ${nothing} ms for nothing known`);
  });

  it("serves several who ask at once", async () => {
    const running = start(folder, "waits.mjs");
    await running.printed("ready");
    const clients = await Promise.all(Array.from({ length: 8 }, () => running.connect()));
    const dumps = await Promise.all(clients.map((client) => client.dump()));
    for (const dump of dumps) assert.equal(dump.tasks.length, 1);
    await running.kill();
  });

  it("stays away from a folder that is not its user's own, and the program runs", async () => {
    const other = programFolder({ "waits.mjs": waits, "aside/file": "" });
    symlinkSync(other.file("aside"), other.runtimeFolder);
    const running = start(other, "waits.mjs");
    await running.printed("ready");
    // The worker is up when it has put up with that: another thread's end would wait for it.
    await until("the process to be there", () => running.child.exitCode === null || undefined);
    await running.kill();
  });

  it("closes a runtime folder that others could enter", async () => {
    const open = programFolder({ "waits.mjs": waits });
    mkdirSync(open.runtimeFolder);
    chmodSync(open.runtimeFolder, 0o755);
    const running = start(open, "waits.mjs");
    await running.connect();
    assert.equal((lstatSync(open.runtimeFolder).mode & 0o777).toString(8), "700");
    await running.kill();
  });
});
