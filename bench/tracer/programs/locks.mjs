// 100,000 critical sections of eight tasks that share one lock.
import { Mutex } from "async-mutex";
import { report } from "./report.mjs";

const lock = new Mutex();
let balance = 0;

async function deposit(times) {
  for (let index = 0; index < times; index++) {
    await lock.runExclusive(async () => {
      balance = await Promise.resolve(balance + 1);
    });
  }
}

await deposit(1000);
await report(() => Promise.all(Array.from({ length: 8 }, () => deposit(12_500))));
