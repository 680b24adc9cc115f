// needs DATABASE_URL
import { PgBoss } from "pg-boss";

const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, schema: `unknot_${process.pid}` });
boss.on("error", (error) => console.log("error", error.message));
await boss.start();
await boss.createQueue("squares");
const done = Promise.withResolvers();
const seen = [];
await boss.work("squares", { batchSize: 5, pollingIntervalSeconds: 0.5 }, async (jobs) => {
  for (const job of jobs) seen.push(job.data.n ** 2);
  if (seen.length === 10) done.resolve();
});
for (let n = 0; n < 10; n++) await boss.send("squares", { n });
await done.promise;
console.log(seen.sort((a, b) => a - b).join());
await boss.stop({ graceful: true, wait: true });
const db = boss.getDb();
console.log(typeof db.executeSql);
