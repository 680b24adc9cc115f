// Orders are confirmed, and for each a line goes into the audit log.
//
// The line is awaited, so an error while writing it is an error of that order, and the shop goes on.
import { setTimeout as sleep } from "node:timers/promises";

interface Order {
  readonly id: number;
  readonly item: string;
}

const log: string[] = [];

async function audit(order: Order): Promise<void> {
  await sleep(5); // writing to the log server
  if (order.item === "") throw new Error(`order ${order.id} has no item`);
  log.push(`${order.id}: ${order.item}`);
}

async function confirm(order: Order): Promise<void> {
  await sleep(5); // sending the mail
  await audit(order);
  console.log(`order ${order.id} is confirmed`);
}

const orders: readonly Order[] = [
  { id: 1, item: "pen" },
  { id: 2, item: "" },
  { id: 3, item: "paper" },
];
for (const order of orders) {
  try {
    await confirm(order);
  } catch (error) {
    console.log(`order ${order.id} failed: ${error instanceof Error ? error.message : error}`);
  }
}
console.log(`${log.length} lines in the log.`);
