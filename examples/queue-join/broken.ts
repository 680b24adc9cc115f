// Three clerks sort letters from one queue. The office joins the queue: it waits until every letter has been dealt with.
// Then it puts one "go home" per clerk into the queue, a sentinel, and the clerks stop.
//
// What is wrong: a letter without an address is never counted down. The office waits for it for ever, the clerks wait for
// more, and nobody sends them home.
import { setTimeout as sleep } from "node:timers/promises";
import { WaitGroup } from "@jpwilliams/waitgroup";
import { Chan } from "ts-chan";

const goHome = Symbol("go home");
const letters = ["Ada", "Bob", "", "Cy", "Dee", "Eve", "Flo"];

const queue = new Chan<string | typeof goHome>(letters.length);

async function sort(clerk: string, open: WaitGroup): Promise<number> {
  let sorted = 0;
  for (;;) {
    // Mistake: nobody sends anything any more.
    const letter = await queue.recv();
    if (letter.done || letter.value === goHome) return sorted;
    await sleep(10); // reading the address
    // Mistake: then it is never done.
    if (letter.value === "") continue; // nobody knows where it goes
    console.log(`${clerk}: to ${letter.value}`);
    sorted++;
    open.done();
  }
}

async function office(): Promise<void> {
  const open = new WaitGroup();
  const clerks = ["Kim", "Lou", "Max"];
  const work = clerks.map((clerk) => sort(clerk, open));
  for (const letter of letters) {
    open.add();
    await queue.send(letter);
  }
  // Mistake: this never ends.
  await open.wait();
  for (const _ of clerks) await queue.send(goHome);
  const sorted = await Promise.all(work);
  console.log(`${sorted.reduce((sum, each) => sum + each, 0)} letters sorted.`);
}

await office();
