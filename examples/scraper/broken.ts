// Reads all pages of a site at once and counts their words. Each page sends its count into a channel; a wait group knows
// when the last one is through, and closes the channel.
//
//   read() x5 ── counts ──▶ sum()
//
// What is wrong: a page that is not there is never counted down. The wait group never comes to zero, so nobody closes the
// channel, and sum() waits for one more page for ever.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WaitGroup } from "@jpwilliams/waitgroup";
import { Chan } from "ts-chan";

const pages: Readonly<Record<string, string>> = {
  "/": "welcome to the shop",
  "/pens": "pens in red and blue",
  "/paper": "paper in all sizes",
  "/ink": "ink",
};

/** The site, so that nothing has to be on the Internet. It does not keep the program alive. */
async function startSite(): Promise<string> {
  const server = createServer((request, response) => {
    const text = pages[request.url ?? ""];
    response.writeHead(text === undefined ? 404 : 200, { connection: "close" }).end(text);
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function read(url: string, counts: Chan<number>, open: WaitGroup): Promise<void> {
  const response = await fetch(url);
  const text = await response.text();
  // Mistake: this page is never done.
  if (!response.ok) return;
  await counts.send(text.split(" ").length);
  open.done();
}

async function closeWhenDone(open: WaitGroup, counts: Chan<number>): Promise<void> {
  // Mistake: this never ends.
  await open.wait();
  counts.close();
}

async function sum(counts: Chan<number>): Promise<number> {
  let words = 0;
  // Mistake: this loop never ends.
  for await (const count of counts) words += count;
  return words;
}

async function scrape(site: string): Promise<number> {
  const counts = new Chan<number>();
  const open = new WaitGroup();
  const reading: Promise<void>[] = [];
  for (const page of [...Object.keys(pages), "/gone"]) {
    open.add();
    reading.push(read(site + page, counts, open));
  }
  const [words] = await Promise.all([sum(counts), closeWhenDone(open, counts), ...reading]);
  return words;
}

console.log(`${await scrape(await startSite())} words read.`);
