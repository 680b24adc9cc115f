import { once } from "node:events";
import { createServer } from "node:http";
import { Agent, request, setGlobalDispatcher } from "undici";

const agent = new Agent({ connections: 2 });
setGlobalDispatcher(agent);
const server = createServer((req, res) => setTimeout(() => res.end(`seen ${req.url}`), 2));
server.listen(0);
await once(server, "listening");
const origin = `http://127.0.0.1:${server.address().port}`;
const texts = await Promise.all(
  Array.from({ length: 12 }, async (_, n) => {
    const { body, statusCode } = await request(`${origin}/${n}`);
    return `${statusCode} ${await body.text()}`;
  }),
);
console.log(texts.join("\n"));
const stopped = new AbortController();
const cut = request(`${origin}/cut`, { signal: stopped.signal });
stopped.abort();
await cut.catch((error) => console.log(error.name));
await agent.close();
server.close();
