// A server of three async layers answers 20,000 requests of another process, which is not traced, 40 at a time over the
// loopback; 12,000 before them, so that what is measured is what a request costs and not what compiling costs.
import { fork } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { report } from "./report.mjs";

const rows = new Map(
  Array.from({ length: 100 }, (_, index) => [String(index), { id: index, name: `n${index}` }]),
);

async function find(id) {
  await null;
  return rows.get(id);
}

async function load(id) {
  const [row, next] = await Promise.all([find(id), find(String((Number(id) + 1) % 100))]);
  return { ...row, next: next.name };
}

async function handle(request, response) {
  const item = await load(request.url.slice(1));
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(item));
}

const server = http.createServer((request, response) => void handle(request, response));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address();
const client = fork(new URL("./http-client.mjs", import.meta.url), [String(port)], {
  execArgv: [],
  env: { ...process.env, NODE_OPTIONS: "", UNKNOT_TRACE: "0" },
});

async function ask(requests) {
  const answered = once(client, "message");
  client.send(requests);
  await answered;
}

await ask(12_000);
await report(() => ask(20_000));
client.disconnect();
server.close();
