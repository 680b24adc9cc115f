// A server that is asked for a long time: locks, limits, failures, combinations, streams and abandoned waits. Answers a
// message with the memory it uses after a collection (needs `--expose-gc`).
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Mutex, Semaphore } from "async-mutex";

const accounts = new Mutex();
const permits = new Semaphore(8);
let served = 0;

async function load(id) {
  await null;
  if (id % 50 === 0) throw new RangeError(`no ${id}`);
  return { id, at: await Promise.resolve(id) };
}

async function* parts(id) {
  for (let part = 0; part < 3; part++) {
    await null;
    yield `${id}.${part};`;
  }
}

async function handle(id) {
  const [one, other] = await Promise.allSettled([load(id), load(id + 1)]);
  const first = await Promise.race([load(id + 2).catch(() => undefined), sleep(1)]);
  const text = [];
  for await (const part of parts(id)) {
    text.push(part);
    if (id % 7 === 0) break;
  }
  await accounts.runExclusive(async () => {
    await null;
    served++;
  });
  const [, release] = await permits.acquire();
  try {
    await load(id + 3).catch(() => {});
  } finally {
    release();
  }
  // What nobody waits for any more is collected, and its row given back.
  if (id % 100 === 0) new Promise(() => {}).then(load);
  return JSON.stringify([one.status, other.status, first?.id, text.join("")]);
}

const server = createServer((request, response) => {
  handle(Number(request.url.slice(1))).then(
    (text) => response.end(text),
    (error) => response.writeHead(500).end(String(error)),
  );
});
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("message", () => {
  globalThis.gc();
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  process.send({ served, rss, heapUsed, external, arrayBuffers });
});
