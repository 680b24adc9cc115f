// Money is taken from an account, one withdrawal at a time.
//
// Whatever happens between taking the lock and giving it back, `finally` gives it back: also when there is not enough
// money.
import { setTimeout as sleep } from "node:timers/promises";
import { Mutex } from "async-mutex";

const account = new Mutex();
let euros = 100;

async function withdraw(amount: number): Promise<number> {
  const release = await account.acquire();
  try {
    const known = euros;
    await sleep(10); // asking the bank
    if (amount > known) throw new Error(`${amount} euros are too much, there are only ${known}`);
    euros = known - amount;
    return euros;
  } finally {
    release();
  }
}

for (const outcome of await Promise.allSettled([withdraw(30), withdraw(500), withdraw(20)])) {
  console.log(outcome.status === "fulfilled" ? `${outcome.value} euros left` : outcome.reason.message);
}
