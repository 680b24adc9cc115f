// A crawler reads the pages of a site, at most two at a time, and follows their links.
//
// What is wrong: visiting a page keeps one of the two places until all pages below it have been visited, and those
// need a place too. As soon as two pages with links are under way, both wait for a place that only they could give
// back.
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
  const links = await download(page);
  console.log(page);
  // Mistake: visit() runs in one place of `limit` and waits for another.
  const below = await Promise.all(links.map((link) => limit(() => visit(link))));
  return below.reduce((sum, pages) => sum + pages, 1);
}

console.log(`${await limit(() => visit("/"))} pages read.`);
