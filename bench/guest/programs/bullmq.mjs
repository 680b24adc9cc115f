// needs REDIS_URL
import { Queue, QueueEvents, Worker } from "bullmq";

const connection = { url: process.env.REDIS_URL, maxRetriesPerRequest: null };
const name = `unknot-${process.pid}`;
const queue = new Queue(name, { connection });
const events = new QueueEvents(name, { connection });
await events.waitUntilReady();
const worker = new Worker(
  name,
  async (job) => {
    await null;
    if (job.data.n % 5 === 0) throw new Error(`job ${job.data.n} fails`);
    return job.data.n ** 2;
  },
  { connection, concurrency: 4 },
);
const jobs = await queue.addBulk(Array.from({ length: 20 }, (_, n) => ({ name: "square", data: { n } })));
const ended = await Promise.allSettled(jobs.map((job) => job.waitUntilFinished(events)));
for (const each of ended) console.log(each.status, each.value ?? each.reason.message);
console.log(await queue.getJobCounts("completed", "failed", "waiting"));
await worker.close();
await queue.obliterate({ force: true });
await events.close();
await queue.close();
