// Orders are confirmed, and for each a line goes into the audit log.
//
// What is wrong: nothing waits for audit(). The shop counts lines that are not written yet, and the error of order 2
// has nobody to go to: Node ends the whole process because of it.
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
  // Mistake: nothing waits for this task.
  audit(order);
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
