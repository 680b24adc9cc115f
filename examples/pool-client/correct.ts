// A shop asks its database, through a pool of two connections. Every connection goes back to the pool, whatever happens.
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
  const connection = await pool.acquire();
  try {
    const count = await connection.countOrders(customer);
    return count === undefined ? `${customer} is unknown` : `${customer} has ${count} orders`;
  } finally {
    await pool.release(connection);
  }
}

async function main(): Promise<void> {
  for (const customer of ["Ada", "Zoe", "Bob", "Zoe", "Cy"]) console.log(await orders(customer));
}

await main();
