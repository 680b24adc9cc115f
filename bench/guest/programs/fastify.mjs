import { setTimeout as sleep } from "node:timers/promises";
import fastify from "fastify";
import { askAll } from "./ask.mjs";

const app = fastify();
app.decorateRequest("user", "");
app.addHook("preHandler", async (request) => {
  await sleep(1);
  request.user = request.headers["x-user"] ?? "nobody";
});
app.register(
  async (inner) => {
    inner.get(
      "/orders/:id",
      { schema: { params: { type: "object", properties: { id: { type: "integer" } } } } },
      async (request) => ({
        id: request.params.id,
        user: request.user,
        items: await Promise.all(
          [1, 2, 3].map(async (item) => item * (await sleep(item, request.params.id))),
        ),
      }),
    );
    inner.get("/fails", async () => {
      await null;
      throw Object.assign(new Error("on purpose"), { statusCode: 418 });
    });
  },
  { prefix: "/api" },
);
app.get("/callback", (_request, reply) => setImmediate(() => reply.send("later")));
const origin = await app.listen({ port: 0, host: "127.0.0.1" });
await askAll(origin, ["/api/orders/7", "/api/orders/x", "/api/fails", "/callback"]);
await app.close();
