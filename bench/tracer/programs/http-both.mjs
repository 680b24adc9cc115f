// 20,000 requests of a process to itself: a server of three async layers, and clients that wait by hand, 40 at a time over
// the loopback; 12,000 before them, so that what is measured is what a request costs and not what compiling costs.
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
const agent = new http.Agent({ keepAlive: true, maxSockets: 40 });
const { port } = server.address();

function ask(id) {
  return new Promise((resolve, reject) => {
    http
      .get({ port, host: "127.0.0.1", path: `/${id}`, agent }, (response) => {
        response.resume().on("end", resolve);
      })
      .on("error", reject);
  });
}

async function client(requests) {
  for (let index = 0; index < requests; index++) await ask(index % 100);
}

const crowd = (requests) => Promise.all(Array.from({ length: 40 }, () => client(requests)));

await crowd(300);
await report(() => crowd(500));
agent.destroy();
server.close();
