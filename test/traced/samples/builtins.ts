import type { Sample } from "./sample.ts";

/** What comes with Node has no versions: one of the two ages is enough. */
export const builtins: Readonly<Record<string, Sample>> = {
  events: {
    specifier: "node:events",
    not: ["oldest"],
    setUp: `import { EventEmitter } from "node:events";
const once = of("once");
const $bus = new EventEmitter();`,
    behaves: `
  setImmediate(() => $bus.emit("ready", 1, 2));
  log(await once($bus, "ready"), once.length, once.name, once === EventEmitter.once, $bus.eventNames().length);
  const failing = once($bus, "ready"); $bus.emit("error", new Error("on purpose"));
  await failing.catch((error) => log(error.message));
  const aborter = new AbortController();
  const aborted = once($bus, "ready", { signal: aborter.signal }); aborter.abort();
  await aborted.catch((error) => log(error.name));
  const target = new EventTarget(); setImmediate(() => target.dispatchEvent(new Event("ready")));
  log((await once(target, "ready")).length);
  await once(5, "x").catch((error) => log(error.code));
`,
    scene: `async function $listens() { await once($bus, "never"); }`,
    tasks: ["listens"],
    shows: { kind: "event", others: ["listens"] },
  },
  "child processes": {
    specifier: "node:child_process",
    not: ["oldest"],
    setUp: `import { once } from "node:events"; import { promisify } from "node:util";
const exec = of("exec"); const execFile = of("execFile"); const spawn = of("spawn");`,
    behaves: `
  log(JSON.stringify(await promisify(execFile)(process.execPath, ["-p", "1"])), JSON.stringify(await promisify(exec)("echo out")));
  await promisify(execFile)("/does/not/exist").catch((error) => log(error.code));
  const running = promisify(execFile)(process.execPath, ["-p", "2"]); log(running.child.pid > 0); await running;
  const $child = spawn(process.execPath, ["-e", "process.exit(3)"], { stdio: "ignore" });
  log(await once($child, "exit"));
`,
    scene: `
const $child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); process.stdin.on('end', () => process.exit()).resume()"], { stdio: ["pipe", "ignore", "ignore"] });
async function $joins() { await once($child, "exit"); }
async function $joinsByHand() { await new Promise((resolve, reject) => { $child.once("exit", (code) => resolve(code)); $child.once("error", reject); }); }
`,
    tasks: ["joins", "joinsByHand"],
    shows: {
      kind: "event",
      others: ["joins", "joinsByHand"],
      states: { joins: "IO wait", joinsByHand: "IO wait" },
    },
  },
  sockets: {
    specifier: "node:net",
    not: ["oldest"],
    setUp: `const connect = of("connect"); const createServer = of("createServer");
const server = createServer((peer) => peer.on("error", () => {}).on("data", () => peer.end("bye")).pause());
const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
const open = async () => { const port = await listening; return new Promise((resolve, reject) => { const socket = connect(port, "127.0.0.1"); socket.once("connect", () => resolve(socket)); socket.once("error", reject); }); };`,
    behaves: `
  server.on("connection", (peer) => peer.resume());
  const $socket = await open(); log($socket.readyState, connect.length, connect.name);
  await new Promise((resolve) => $socket.write("hello", resolve));
  log(String(await new Promise((resolve) => $socket.once("data", resolve))));
  await new Promise((resolve) => $socket.once("close", resolve)); log($socket.destroyed);
  await new Promise((resolve, reject) => { const gone = connect(1, "127.0.0.1"); gone.once("connect", resolve); gone.once("error", reject); }).catch((error) => log(error.code));
  await new Promise((resolve) => { const undefinedSocket = undefined; undefinedSocket.once("x", resolve); }).catch((error) => log(error.message));
  log(await new Promise((resolve) => server.close(resolve)));
`,
    scene: `
const $made = {};
async function $begins() { $made.socket = await open(); $reads($made.socket); $drains($made.socket); }
async function $reads(socket) { await new Promise((resolve) => socket.once("data", resolve)); }
async function $drains(socket) { socket.write(Buffer.alloc(1 << 25)); await new Promise((resolve) => socket.once("drain", resolve)); }
`,
    tasks: ["begins"],
    shows: {
      kind: "stream",
      others: ["reads", "drains"],
      states: { reads: "IO wait", drains: "stream.drain" },
    },
  },
  "callbacks of Node": {
    specifier: "node:child_process",
    not: ["oldest"],
    setUp: `import { EventEmitter } from "node:events"; import { lookup } from "node:dns"; import fs from "node:fs"; import { gzip } from "node:zlib";
const execFile = of("execFile"); const $children = [];`,
    behaves: `
  log(await new Promise((resolve, reject) => lookup("localhost", (error, address) => (error ? reject(error) : resolve(typeof address)))), lookup.length);
  log(await new Promise((resolve) => fs.readFile("/does/not/exist", (error) => resolve(error.code))));
  log((await new Promise((resolve, reject) => gzip("text", (error, data) => (error ? reject(error) : resolve(data))))).length > 0);
  log(await new Promise((resolve, reject) => { const child = execFile(process.execPath, ["-p", "1"], (error, out) => (error ? reject(error) : resolve(out))); log(child.pid > 0); }));
  log(await new Promise((resolve) => {
    const bus = new EventEmitter()
    bus.once("said", resolve).once("other", resolve)
    const other = new EventEmitter()

    other.on("said", () => resolve(6))
    bus.emit("said", 7)
  }))
  log(await new Promise((resolve) => {
    const later = new EventEmitter()
    if (later) later.on("said", (value) => resolve(value))
    later.emit("said", 8)
  }))
  log(await new Promise((resolve) => resolve(5)), await new Promise((resolve) => [1].forEach((each) => resolve(each))));
`,
    scene: `
async function $runs() { await new Promise((resolve, reject) => { $children.push(execFile(process.execPath, ["-e", "setInterval(() => {}, 1000); process.stdin.on('end', () => process.exit()).resume()"], (error, out) => (error ? reject(error) : resolve(out)))); }); }
`,
    tasks: ["runs"],
    shows: { kind: "event", others: ["runs"], states: { runs: "IO wait" } },
  },
  "worker threads": {
    specifier: "node:worker_threads",
    not: ["oldest"],
    setUp: `import { once } from "node:events";
const Worker = of("Worker");`,
    behaves: `
  const worker = new Worker("require('node:worker_threads').parentPort.postMessage('hello')", { eval: true });
  // The exit may follow the message at once.
  const exited = once(worker, "exit");
  log(await once(worker, "message"), await exited);
`,
    scene: `
const $worker = new Worker("require('node:worker_threads').parentPort.on('message', () => {})", { eval: true });
async function $asks() { await once($worker, "message"); }
`,
    tasks: ["asks"],
    shows: { kind: "event", others: ["asks"], states: { asks: "worker.wait" } },
  },
  fetch: {
    specifier: "node:http",
    not: ["oldest"],
    setUp: `const server = of("createServer")((request, response) => { if (request.url === "/answers") response.end('{"a":1}'); else if (request.url === "/begins") response.write("{"); });
const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve("http://127.0.0.1:" + server.address().port)));`,
    behaves: `
  const response = await fetch(await listening + "/answers");
  log(response.status, await response.json(), fetch.length, fetch.name, Object.keys(Object.getOwnPropertyDescriptor(globalThis, "fetch")).join());
  await fetch("http://127.0.0.1:1/").catch((error) => log(error.message));
  await fetch(await listening, { signal: AbortSignal.abort() }).catch((error) => log(error.name));
  await fetch("not a url").catch((error) => log(error.name));
  server.closeAllConnections(); server.close();
`,
    scene: `
async function $asks() { const at = await listening; await fetch(at + "/hangs"); }
async function $reads() { const response = await fetch(await listening + "/begins"); await response.text(); }
`,
    tasks: ["asks", "reads"],
    shows: { kind: "event", others: ["asks"], states: { asks: "IO wait" } },
  },
  "files, names, streams": {
    specifier: "node:fs/promises",
    not: ["oldest"],
    setUp: `import { lookup } from "node:dns/promises"; import { pipeline, finished } from "node:stream/promises"; import { PassThrough, Readable } from "node:stream"; import { once } from "node:events"; import { execFileSync } from "node:child_process"; import { mkdtempSync } from "node:fs"; import { tmpdir } from "node:os"; import path from "node:path";
const folder = mkdtempSync(path.join(tmpdir(), "files-")); const file = path.join(folder, "data");
const fs = main;`,
    behaves: `
  await fs.writeFile(file, "text"); log(await fs.readFile(file, "utf8"), (await fs.stat(file)).size, fs.readFile.name, fs.readFile.length);
  await fs.readFile(folder + "/none").catch((error) => log(error.code));
  log((await lookup("localhost")).family > 0);
  const through = new PassThrough(); through.resume();
  await pipeline(Readable.from(["a", "b"]), through); await finished(through); log(through.writableFinished);
  const handle = await fs.open(file); log(await handle.readFile("utf8")); await handle.close();
  for await (const each of await fs.opendir(folder)) log(each.name);
`,
    scene: `
const $stream = new PassThrough({ highWaterMark: 1 });
async function $drains() { $stream.write("too much"); await once($stream, "drain"); }
`,
    tasks: ["drains"],
    shows: { kind: "stream", others: ["drains"], states: { drains: "stream.drain" } },
  },
  "web streams": {
    specifier: "node:stream/web",
    not: ["oldest"],
    setUp: `const ReadableStream = of("ReadableStream"); const WritableStream = of("WritableStream");
const $source = new ReadableStream({});
const $sink = new WritableStream({ write: () => new Promise(() => {}) });`,
    behaves: `
  const source = new ReadableStream({ start(controller) { controller.enqueue(1); }, async pull(controller) { await tick(); controller.close(); } });
  const reader = source.getReader();
  log(JSON.stringify(await reader.read()), JSON.stringify(await reader.read()), reader.read.name, reader.read.length);
  reader.releaseLock(); await reader.read().catch((error) => log(error.code));
  const all = []; const sink = new WritableStream({ async write(chunk) { await tick(); all.push(chunk); } });
  const writer = sink.getWriter();
  for (const chunk of [1, 2, 3]) { await writer.ready; log(writer.desiredSize); await writer.write(chunk); }
  await writer.close(); log(all, await writer.write(4).catch((error) => error.name));
  log(Object.keys(Object.getOwnPropertyDescriptor(Object.getPrototypeOf(writer), "ready")).join());
`,
    scene: `
const writer = $sink.getWriter();
async function $writes() { await writer.write(1); }
async function $isReady() { await writer.ready; }
async function $reads() { await $source.getReader().read(); }
`,
    tasks: ["writes", "isReady", "reads"],
    shows: {
      kind: "stream",
      waiters: ["writes"],
      others: ["isReady"],
      states: { writes: "chan send", isReady: "stream.drain" },
    },
  },
};
