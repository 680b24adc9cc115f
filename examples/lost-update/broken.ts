// Payments are booked on an account, each as soon as its fee is known.
//
// What is wrong: the balance is read before the fee is waited for. All three payments read the same balance, and what
// the first two store is overwritten by the last one.
import { setTimeout as sleep } from "node:timers/promises";

interface Account {
  balance: number;
}

const account: Account = { balance: 100 };

async function feeOf(amount: number): Promise<number> {
  await sleep(5); // asking the bank
  return amount / 10;
}

async function book(amount: number): Promise<void> {
  const before = account.balance;
  const fee = await feeOf(amount);
  // Mistake: others have booked since then.
  account.balance = before + amount - fee;
}

await Promise.all([book(10), book(20), book(30)]);
console.log(`The balance is ${account.balance}.`);
