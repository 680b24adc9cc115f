// A server of three async layers, for the programs here that are asked over HTTP.
import http from "node:http";

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

/** Listens on a free port of the loopback. */
export async function listen() {
  const server = http.createServer((request, response) => void handle(request, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
