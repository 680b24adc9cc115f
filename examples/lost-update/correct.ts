// Payments are booked on an account, each as soon as its fee is known.
//
// The fee is waited for first. The balance is read and stored in one step, so no other payment comes in between.
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
  const fee = await feeOf(amount);
  account.balance = account.balance + amount - fee;
}

await Promise.all([book(10), book(20), book(30)]);
console.log(`The balance is ${account.balance}.`);
