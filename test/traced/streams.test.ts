// Tasks that wait for streams, lines and events in loops, and for what `stream/promises` gives: a dump names which one, and
// the program does the same traced and untraced.
import assert from "node:assert/strict";
import { lineOf, nodes, programFolder, reading, run, start } from "./kit.ts";

const tools = `import { EventEmitter, on, once } from "node:events";
import { createReadStream, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import * as asking from "node:readline/promises";
import { PassThrough, Readable, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
`;

const waiting = `${tools}
const orders = new PassThrough({ objectMode: true }); // orders
const log = new Writable({ write() {} }); // log
const bus = new EventEmitter(); // bus
const source = new ReadableStream(); // source
const typed = createInterface({ input: new PassThrough() }); // typed
const numbers = Readable.from((async function* () { await new Promise(() => {}); yield 1; })()); // numbers
const letters = new PassThrough(); // letters
const asks = asking.createInterface({ input: new PassThrough(), output: new PassThrough() }); // asks

async function takes() { for await (const order of orders) void order; } // takes
async function pulls() { for await (const chunk of source) void chunk; }
async function reads() { for await (const line of typed) void line; }
async function counts() { for await (const number of numbers) void number; }
async function hears() { for await (const [said] of on(bus, "said")) void said; }
async function pipes() { await pipeline(letters, new PassThrough(), log); }
async function finishes() { await finished(log); }
async function collects() { return text(orders); }
async function waitsFor() { await once(bus, "done"); }
async function asksFor() { return asks.question("name? "); }
async function works() {
  for await (const order of orders) {
    void order;
    for await (const line of typed) void line;
  }
}
async function afterwards() {
  for await (const item of [1, 2]) void item;
  for await (const chunk of Readable.from([1, 2])) void chunk;
  await new Promise(() => {});
}
const third = new PassThrough({ objectMode: true });
async function inBody() {
  for await (const order of third) { void order; await once(bus, "go"); }
}
third.write({});
// A loop that waits for a while and goes on is in the profile of waits; the test says when.
const slow = new PassThrough({ objectMode: true }); // slow
async function drinks() { for await (const drop of slow) void drop; } // drinks
const drunk = drinks();
process.stdin.once("data", () => slow.end());
void [drunk, takes(), pulls(), reads(), counts(), hears(), pipes(), finishes(), collects(), waitsFor(), asksFor(), afterwards(), inBody()];
await new Promise<void>((resolve) => setImmediate(resolve));
console.log("ready");
setInterval(() => {}, 1000);
`;

const behaving = `${tools}
const log: string[] = [];
const order: string[] = [];
const say = (...words: unknown[]) => log.push(words.map((word) => JSON.stringify(word) ?? String(word)).join(" "));
const ticks = async (name: string) => { for (let round = 0; round < 6; round++) { await null; order.push(name + round); } };
async function loops() {
  const other = ticks("t");
  for await (const each of Readable.from(["a", "b", "c"])) { say(each); if (each === "b") break; }
  for await (const each of ReadableStream.from([1, 2, 3])) say(each);
  outer: for await (const one of Readable.from([1, 2])) {
    for await (const two of Readable.from([3, 4])) { if (two === 4) continue outer; say(one, two); }
  }
  await other;
}
async function fails() {
  const broken = new PassThrough();
  setImmediate(() => broken.destroy(new Error("broken")));
  try { for await (const each of broken) say(each); } catch (error) { say((error as Error).message); }
  try { await pipeline(broken, new PassThrough()); } catch (error) { say((error as Error).message, (error as { code?: string }).code); }
  try { await finished(broken); } catch (error) { say((error as Error).message); }
  const aborter = new AbortController();
  const heard = on(new EventEmitter(), "x", { signal: aborter.signal });
  setImmediate(() => aborter.abort());
  try { for await (const each of heard) say(each); } catch (error) { say((error as Error).name); }
}
async function reads() {
  writeFileSync("lines.txt", "one\\ntwo\\nthree");
  for await (const line of createInterface({ input: createReadStream("lines.txt") })) say(line);
  say(await text(createReadStream("lines.txt")));
  const sink = new PassThrough();
  const all = text(sink);
  say(await pipeline(createReadStream("lines.txt"), async function* (source) { for await (const part of source) yield String(part).toUpperCase(); }, sink), await all);
  const bus = new EventEmitter();
  const heard = on(bus, "said");
  bus.emit("said", 1); bus.emit("said", 2);
  for await (const [said] of heard) { say(said); if (said === 2) break; }
  say(bus.eventNames().length, Object.prototype.toString.call(heard), on.length, on.name, pipeline.name, text.length);
}
await loops();
await fails();
await reads();
console.log(log.join("\\n"));
console.log(order.join());
`;

describe("waits for streams", () => {
  const folder = programFolder({ "waiting.ts": waiting, "behaving.ts": behaving });

  const expected: Readonly<Record<string, readonly [state: string, type: string, name: string]>> = {
    takes: ["IO wait", "Readable", "orders"],
    pulls: ["chan receive", "ReadableStream", "source"],
    reads: ["IO wait", "readline.Interface", "typed"],
    counts: ["IO wait", "Readable", "numbers"],
    hears: ["event.wait", "EventEmitter", "bus"],
    pipes: ["IO wait", "Readable", "letters"],
    finishes: ["IO wait", "Writable", "log"],
    collects: ["IO wait", "Readable", "orders"],
    waitsFor: ["event.wait", "EventEmitter", "bus"],
    asksFor: ["IO wait", "readline.Interface", "asks"],
    inBody: ["event.wait", "EventEmitter", "bus"],
  };

  for (const node of nodes) {
    it(`name the stream and where it was made, ${node.name}`, async () => {
      const program = start(folder, "waiting.ts", { node, stdio: ["pipe", "pipe", "pipe"] });
      await program.printed("ready");
      const client = await program.connect();
      const dump = await client.dumpAtRest("a loop to wait long", (each) =>
        reading(each)
          .all("drinks")
          .some(({ wait }) => (wait?.sinceMs ?? 0) >= 200),
      );
      const { task, site } = reading(dump);
      const found = Object.keys(expected).map((name) => {
        const { state, wait } = task(name);
        const resource =
          wait?.on === "resource" ? dump.resources.find(({ id }) => id === wait.resource) : undefined;
        if (resource?.name !== undefined)
          assert.equal(site(resource.created)?.line, lineOf(waiting, resource.name), resource.name);
        return [name, [state, resource?.type, resource?.name]];
      });
      assert.deepEqual(Object.fromEntries(found), expected);
      assert.equal(site(task("takes").at)?.line, lineOf(waiting, "takes"));
      assert.deepEqual(task("afterwards").wait?.on, "unknown");
      assert.deepEqual(dump.problems, []);
      program.child.stdin?.write("on\n");
      const { contention } = await client.dumpWhen("a loop to have waited", (each) =>
        (each.contention?.waits ?? []).some(({ resource }) => resource?.name === "slow"),
      );
      const waited = contention?.waits.find(({ resource }) => resource?.name === "slow");
      assert.equal(waited?.state, "IO wait");
      assert.ok((waited?.totalMs ?? 0) >= 100);
      await program.kill();
    });

    it(`change nothing of what programs do, ${node.name}`, async () => {
      const [traced, plain] = [
        await run(folder, "behaving.ts", { node }),
        await run(folder, "behaving.ts", { node, traced: false }),
      ];
      assert.deepEqual([traced.stdout, traced.stderr, traced.code], [plain.stdout, plain.stderr, 0]);
    });
  }
});
