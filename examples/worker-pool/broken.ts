// Three workers make thumbnails. Files come to them through one channel, results leave through another.
//
//   produce() ── jobs ──▶ work() x3 ── results ──▶ show()
//
// What is wrong: nobody closes `results`. All thumbnails are made and shown, then show() waits for one more, for ever.
// Node notices that nothing is left to do and ends the process in the middle of it: the last line is never printed.
import { setTimeout as sleep } from "node:timers/promises";
import { Chan } from "ts-chan";

interface Thumbnail {
  readonly file: string;
  readonly madeBy: string;
}

const files = ["beach.jpg", "cat.jpg", "dune.jpg", "elk.jpg", "fern.jpg", "goat.jpg", "hill.jpg"];

async function produce(jobs: Chan<string>): Promise<void> {
  try {
    for (const file of files) await jobs.send(file);
  } finally {
    jobs.close();
  }
}

async function work(name: string, jobs: Chan<string>, results: Chan<Thumbnail>): Promise<void> {
  for await (const file of jobs) {
    await sleep(10); // scaling the picture
    await results.send({ file, madeBy: name });
  }
}

async function waitUntilDone(workers: readonly Promise<void>[]): Promise<void> {
  await Promise.all(workers);
}

async function main(): Promise<void> {
  const jobs = new Chan<string>(2);
  // Mistake: never closed.
  const results = new Chan<Thumbnail>(2);
  const workers = ["Ada", "Bob", "Cy"].map((name) => work(name, jobs, results));
  const [count] = await Promise.all([show(results), produce(jobs), waitUntilDone(workers)]);
  console.log(`${count} thumbnails made.`);
}

async function show(results: Chan<Thumbnail>): Promise<number> {
  let count = 0;
  // Mistake: this loop never ends.
  for await (const { file, madeBy } of results) {
    console.log(`${file} by ${madeBy}`);
    count++;
  }
  return count;
}

await main();
