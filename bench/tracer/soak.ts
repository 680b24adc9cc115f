// `node bench/tracer/soak.ts [--minutes N] [--untraced]`: asks a traced server for ten minutes and prints its memory twice
// a minute. It is flat when the last third uses no more than the second.
import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

interface Memory {
  readonly served: number;
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, untraced: { type: "boolean", default: false } },
});
const minutes = Number(values.minutes);
const connections = 20;
/** By how much the last third may lie above the second: what a collector leaves lying around. */
const slack = 1.05;

const register = path.join(import.meta.dirname, "..", "..", "dist", "npm", "register.cjs");
const server = fork(path.join(import.meta.dirname, "programs", "soak-server.mjs"), {
  execArgv: ["--expose-gc", ...(values.untraced ? [] : ["--require", register])],
});
const [{ port }] = (await once(server, "message")) as [{ port: number }];
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const until = performance.now() + minutes * 60_000;
let asked = 0;
const load = Promise.all(Array.from({ length: connections }, askOnAndOn));
const samples: Memory[] = [];
while (performance.now() < until) {
  await sleep(Math.min(30_000, (minutes * 60_000) / 12));
  server.send("memory");
  const [memory] = (await once(server, "message")) as [Memory];
  samples.push(memory);
  const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  console.log(
    `${memory.served} served  rss ${mb(memory.rss)} MB  heap ${mb(memory.heapUsed)} MB  external ${mb(memory.external)} MB`,
  );
}
await load;
server.kill();
agent.destroy();

const third = Math.floor(samples.length / 3);
for (const key of ["rss", "heapUsed", "external"] as const) {
  const median = (part: readonly Memory[]) =>
    part.map((each) => each[key]).sort((a, b) => a - b)[Math.floor(part.length / 2)] ?? 0;
  const [second, last] = [median(samples.slice(third, 2 * third)), median(samples.slice(-third))];
  const isFlat = last <= second * slack;
  console.log(
    `${key}: ${(last / second).toFixed(3)} of the second third in the last${isFlat ? "" : ", not flat"}`,
  );
  if (!isFlat) process.exitCode = 1;
}

async function askOnAndOn(): Promise<void> {
  while (performance.now() < until) {
    await new Promise<void>((resolve, reject) => {
      get({ port, agent, path: `/${++asked}`, host: "127.0.0.1" }, (response) => {
        response.resume().once("end", resolve);
      }).once("error", reject);
    });
  }
}
