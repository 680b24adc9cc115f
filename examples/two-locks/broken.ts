// A shop with two things that must not change in the middle of something else, each behind its own lock: what is in
// stock, and the ledger with the money. An order and a refund change both.
//
// What is wrong: order() takes `stock` and then wants `ledger`, refund() takes `ledger` and then wants `stock`. When
// they run at the same time, each holds what the other needs: a deadlock. Neither ever ends.
import { setTimeout as sleep } from "node:timers/promises";
import { Mutex } from "async-mutex";

const stock = new Mutex();
const ledger = new Mutex();

let pens = 10;
let cents = 0;

async function order(count: number): Promise<void> {
  await stock.runExclusive(async () => {
    await sleep(10); // asking the warehouse
    // Mistake: holds `stock` and wants `ledger`.
    await ledger.runExclusive(async () => {
      pens -= count;
      cents += count * 150;
    });
  });
  console.log(`sold ${count}`);
}

async function refund(count: number): Promise<void> {
  await ledger.runExclusive(async () => {
    await sleep(10); // asking the bank
    // Mistake: holds `ledger` and wants `stock`.
    await stock.runExclusive(async () => {
      pens += count;
      cents -= count * 150;
    });
  });
  console.log(`took ${count} back`);
}

await Promise.all([order(3), refund(1)]);
console.log(`${pens} pens in stock, ${cents / 100} euros in the ledger.`);
