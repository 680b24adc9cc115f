// Three workers make thumbnails. Files come to them through one channel, results leave through another.
//
//   produce() ── jobs ──▶ work() x3 ── results ──▶ show()
//
// A reader of a channel can only stop when the channel is closed, so each channel has somebody who closes it: the
// producer closes `jobs` when there are no more files, and when the last worker is done `results` is closed.
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

async function closeWhenDone(workers: readonly Promise<void>[], results: Chan<Thumbnail>): Promise<void> {
  try {
    await Promise.all(workers);
  } finally {
    results.close();
  }
}

async function main(): Promise<void> {
  const jobs = new Chan<string>(2);
  const results = new Chan<Thumbnail>(2);
  const workers = ["Ada", "Bob", "Cy"].map((name) => work(name, jobs, results));
  const [count] = await Promise.all([show(results), produce(jobs), closeWhenDone(workers, results)]);
  console.log(`${count} thumbnails made.`);
}

async function show(results: Chan<Thumbnail>): Promise<number> {
  let count = 0;
  for await (const { file, madeBy } of results) {
    console.log(`${file} by ${madeBy}`);
    count++;
  }
  return count;
}

await main();
