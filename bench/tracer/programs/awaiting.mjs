// 100,000 tasks that await a timer, all at once.
import { report } from "./report.mjs";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function task(index) {
  await sleep(100);
  return index;
}

await report(async () => {
  await Promise.all(Array.from({ length: 100_000 }, (_, index) => task(index)));
});
