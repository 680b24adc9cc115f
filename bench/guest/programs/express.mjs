import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import express from "express";
import { askAll } from "./ask.mjs";

const request = new AsyncLocalStorage();
const app = express();
app.use((req, _res, next) => request.run({ path: req.path }, next));
app.use(async (_req, res, next) => {
  await sleep(1);
  res.set("x-seen", request.getStore().path);
  next();
});
app.get("/orders/:id", async (req, res) => {
  const [order, items] = await Promise.all([load("order", req.params.id), load("items", req.params.id)]);
  res.json({ order, items, path: request.getStore().path });
});
app.get("/fails", async () => {
  await null;
  throw new RangeError("on purpose");
});
app.get("/stream", async (_req, res) => {
  for await (const part of parts()) res.write(part);
  res.end();
});
app.use((error, _req, res, _next) => res.status(500).send(`${error.name}: ${error.message}`));

async function load(what, id) {
  await sleep(Number(id) % 3);
  return `${what} ${id} for ${request.getStore().path}`;
}

async function* parts() {
  for (const part of ["one ", "two ", "three"]) {
    await sleep(1);
    yield part;
  }
}

const server = app.listen(0);
await once(server, "listening");
await askAll(`http://127.0.0.1:${server.address().port}`, [
  "/orders/1",
  "/orders/2",
  "/fails",
  "/stream",
  "/nowhere",
]);
server.close();
