// A real server under load answers the same traced and untraced, and its dumps are consistent.
import assert from "node:assert/strict";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { text } from "node:stream/consumers";
import type { Dump } from "@unknot/protocol/dump.ts";
import { inPairs, nodes, programFolder, type Running, start } from "./kit.ts";

const shop = `import Fastify from "fastify";
import { Mutex, Semaphore } from "async-mutex";
import pLimit from "p-limit";
import { setTimeout as sleep } from "node:timers/promises";

interface Order { readonly id: number; item: string; total: number }

const app = Fastify();
const stock = new Map<string, number>([["pen", 1000], ["ink", 3]]);
const orders: Order[] = [];
const ledger = new Mutex();
const printers = new Semaphore(2);
const mail = pLimit(3);

async function reserve(item: string, count: number): Promise<number> {
  return ledger.runExclusive(async () => {
    const left = (stock.get(item) ?? 0) - count;
    await null;
    if (left < 0) throw Object.assign(new Error(\`no \${item} left\`), { statusCode: 409 });
    stock.set(item, left);
    return left;
  });
}
async function print(order: Order): Promise<string> {
  const [, release] = await printers.acquire();
  try {
    await sleep(1);
    return \`\${order.item}: \${order.total}\`;
  } finally {
    release();
  }
}
app.addHook("onRequest", async (request, reply) => {
  await null;
  reply.header("x-path", request.url);
});
app.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) => {
  await reply.code(error.statusCode ?? 500).send({ message: error.message, name: error.name });
});
app.get("/stock/:item", async (request) => {
  const { item } = request.params as { item: string };
  return { item, known: stock.has(item) };
});
app.post("/order", async (request, reply) => {
  const { id, item, count } = request.body as { id: number; item: string; count: number };
  await reserve(item, count);
  const order: Order = { id, item, total: count * 3 };
  orders.push(order);
  const [label, sent] = await Promise.all([print(order), mail(async () => { await null; return id; })]);
  return reply.code(201).send({ label, sent });
});
app.get("/fails", async () => { await sleep(1); throw new TypeError("on purpose"); });
app.get("/stream", async function* stream() { yield "a"; await sleep(1); yield "b"; } as never);
app.get("/slow", async () => { await sleep(5); return { slow: true }; });
app.get("/hangs", async function hangs() { await ledger.acquire(); await new Promise(() => {}); });
await app.listen({ port: 0, host: "127.0.0.1" });
console.log("port " + (app.server.address() as { port: number }).port);
`;

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Ask {
  readonly path: string;
  readonly body?: object;
}

const asks: readonly Ask[] = Array.from({ length: 600 }, (_, id): Ask => {
  switch (id % 6) {
    case 0:
      return { path: `/stock/${id % 12 === 0 ? "pen" : "none"}` };
    case 1:
      return { path: "/order", body: { id, item: "pen", count: 2 } };
    case 2:
      return { path: "/order", body: { id, item: "glue", count: 1 } };
    case 3:
      return { path: "/fails" };
    case 4:
      return { path: "/slow" };
    default:
      return { path: id % 12 === 5 ? "/nowhere" : "/order", body: { id } };
  }
});

function send(port: number, { path, body }: Ask, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        host: "127.0.0.1",
        path,
        agent,
        method: body === undefined ? "GET" : "POST",
        headers: body === undefined ? {} : { "content-type": "application/json" },
      },
      async (incoming) => {
        const { date: _, ...headers } = incoming.headers;
        resolve({ status: incoming.statusCode, headers, body: await text(incoming) });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Sends all requests over some connections at once; the answers are in the order of the requests. */
async function load(port: number): Promise<readonly Answer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  try {
    return await Promise.all(asks.map((each) => send(port, each, agent)));
  } finally {
    agent.destroy();
  }
}

async function portOf(running: Running): Promise<number> {
  await running.printed("port ");
  return Number(/port (\d+)/.exec(running.stdout())?.[1]);
}

/** Everything in a dump that refers to something else has to find it, also while the program writes. */
function assertConsistent(dump: Dump): void {
  const tasks = new Map(dump.tasks.map((task) => [task.id, task]));
  const resources = new Map(dump.resources.map((resource) => [resource.id, resource]));
  assert.equal(tasks.size, dump.tasks.length, "no id twice");
  for (const task of dump.tasks) {
    for (const site of [task.at, task.entry, task.created]) assert.ok(site === undefined || dump.sites[site]);
    for (const held of task.holding) assert.ok(resources.has(held), `task ${task.id} holds ${held}`);
    if (task.parent !== undefined) assert.ok(task.parent < task.id, "a parent is older");
    const { wait } = task;
    if (wait?.on === "resource") assert.ok(resources.has(wait.resource));
    if (wait?.on === "tasks")
      for (const each of wait.tasks) assert.ok(tasks.has(each), `${each} is waited for`);
  }
  for (const resource of dump.resources) {
    for (const waiter of resource.waiters) assert.ok(tasks.has(waiter), `${waiter} waits for ${resource.id}`);
  }
  assert.deepEqual(
    dump.problems.filter((problem) => problem.certainty === "proved"),
    [],
  );
}

describe("a Fastify server", () => {
  const folder = programFolder({ "shop.mts": shop });

  for (const node of nodes) {
    it(`answers the same under load, and dumps meanwhile are consistent: ${node.name}`, async () => {
      const [plain, traced] = await inPairs([false, true], async (isTraced) => {
        const running = start(folder, "shop.mts", { node, traced: isTraced, options: ["--no-warnings"] });
        const port = await portOf(running);
        const client = isTraced ? await running.connect() : undefined;
        let loading = true;
        let atWork = 0;
        const look = async () => {
          try {
            while (loading && client) {
              const dump = await client.dump();
              assertConsistent(dump);
              if (dump.tasks.length > 5) atWork++;
            }
          } finally {
            loading = false;
          }
        };
        const work = async () => {
          const first = await load(port);
          // On a busy machine all may be answered before the first dump: there is load until dumps have shown it.
          while (loading && client && atWork < 3) await load(port);
          loading = false;
          return first;
        };
        const [answers] = await Promise.all([work(), ...(client ? [look()] : [])]);
        if (client) {
          // Nothing of what has been answered stays.
          const quiet = await client.dumpWhen("the server to rest", (dump) => dump.tasks.length === 0);
          assert.deepEqual(quiet.resources, []);
          assert.equal(quiet.coverage.dropped, 0);
          // A request that hangs shows.
          void send(port, { path: "/hangs" }, new Agent()).catch(() => {});
          const hanging = await client.dumpAtRest("the request to hang", (dump) => dump.tasks.length > 0);
          assert.equal(hanging.tasks[0]?.name, "hangs");
        }
        await running.kill();
        return answers;
      });
      assert.deepEqual(traced, plain);
      assert.deepEqual([...new Set(plain?.map((answer) => answer.status))].sort(), [200, 201, 404, 409, 500]);
    });
  }
});
