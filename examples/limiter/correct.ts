// A crawler reads the pages of a site, at most two at a time, and follows their links.
//
// Only the download takes one of the two places. It is given back before the links are followed, so there is always
// one for the next page.
import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";

/** The site: each page and the pages it links to. */
const site: Readonly<Record<string, readonly string[]>> = {
  "/": ["/pens", "/paper", "/ink"],
  "/pens": ["/pens/red", "/pens/blue"],
  "/paper": ["/paper/a4"],
  "/ink": [],
  "/pens/red": [],
  "/pens/blue": [],
  "/paper/a4": [],
};

const limit = pLimit(2);

async function download(page: string): Promise<readonly string[]> {
  await sleep(10);
  return site[page] ?? [];
}

async function visit(page: string): Promise<number> {
  const links = await limit(() => download(page));
  console.log(page);
  const below = await Promise.all(links.map(visit));
  return below.reduce((sum, pages) => sum + pages, 1);
}

console.log(`${await visit("/")} pages read.`);
