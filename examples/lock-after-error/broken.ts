// Money is taken from an account, one withdrawal at a time.
//
// What is wrong: when there is not enough money, withdraw() ends with an error and the lock is never given back. The
// next withdrawal waits for it for ever.
import { setTimeout as sleep } from "node:timers/promises";
import { Mutex } from "async-mutex";

const account = new Mutex();
let euros = 100;

async function withdraw(amount: number): Promise<number> {
  // Mistake: an error below keeps the lock.
  const release = await account.acquire();
  const known = euros;
  await sleep(10); // asking the bank
  if (amount > known) throw new Error(`${amount} euros are too much, there are only ${known}`);
  euros = known - amount;
  release();
  return euros;
}

for (const outcome of await Promise.allSettled([withdraw(30), withdraw(500), withdraw(20)])) {
  console.log(outcome.status === "fulfilled" ? `${outcome.value} euros left` : outcome.reason.message);
}
