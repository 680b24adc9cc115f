// Asks a site for several pages at once and waits for all of them. A page that can't be had is an outcome like any other:
// it does not take the others with it.
import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";

/** The site, so that nothing has to be on the Internet. It does not keep the program alive. */
async function startSite(): Promise<string> {
  const server = createServer((request, response) => {
    // One of its pages is ill: the connection breaks.
    if (request.url === "/ill") request.socket.destroy();
    else response.writeHead(200, { connection: "close" }).end(`this is ${request.url}`);
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function download(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });
}

async function read(url: string): Promise<string> {
  const text = await download(url);
  return text.toUpperCase();
}

const pages = ["/pens", "/ill", "/ink"];

async function readAll(site: string): Promise<void> {
  for (const outcome of await Promise.allSettled(pages.map((page) => read(site + page)))) {
    console.log(outcome.status === "fulfilled" ? outcome.value : "not to be had");
  }
}

await readAll(await startSite());
