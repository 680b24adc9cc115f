// A shop asks its database, through a pool of two connections.
//
// What is wrong: for a customer who is not known, the connection is not given back. After the second one the pool is
// empty, and everybody waits for ever.
import { setTimeout as sleep } from "node:timers/promises";
import { createPool } from "generic-pool";

interface Connection {
  countOrders(customer: string): Promise<number | undefined>;
}

async function connect(): Promise<Connection> {
  return {
    async countOrders(customer) {
      await sleep(10); // asking the database
      return customer === "Zoe" ? undefined : customer.length;
    },
  };
}

const pool = createPool<Connection>({ create: connect, destroy: async () => {} }, { max: 2 });

async function orders(customer: string): Promise<string> {
  // Mistake: this connection is not always given back.
  const connection = await pool.acquire();
  const count = await connection.countOrders(customer);
  if (count === undefined) return `${customer} is unknown`;
  await pool.release(connection);
  return `${customer} has ${count} orders`;
}

async function main(): Promise<void> {
  for (const customer of ["Ada", "Zoe", "Bob", "Zoe", "Cy"]) console.log(await orders(customer));
}

await main();
