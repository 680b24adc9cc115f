// Places where ever more tasks wait, in programs that run: leaks are told of, programs that are right are not, however
// many of their tasks wait. Counts are 200 ms apart here.
import assert from "node:assert/strict";
import type { Dump } from "@unknot/protocol/dump.ts";
import { lineOf, nodes, programFolder, reading, start } from "./kit.ts";

const env = { UNKNOT_GROWTH: "0.2" };

const leak = `import { Chan } from "ts-chan";
import { Mutex } from "async-mutex";
const answers = new Chan<string>(0);
const ledger = new Mutex();
async function waits(): Promise<void> {
  await answers.recv(); // waits
}
async function handle(): Promise<void> {
  await waits();
}
async function forgets(): Promise<void> {
  const release = await ledger.acquire(); // kept
  if (performance.now() < 0) release();
}
async function late(): Promise<void> {
  await ledger.acquire();
}
await forgets();
void late();
setInterval(() => {
  void handle(); // started
}, 2);
`;

/** Each prints how far it is, and goes on until it is ended. */
const right: Readonly<Record<string, string>> = {
  "a steady load of slow requests": `
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const waiting: (() => void)[] = [];
let handled = 0;
async function handle(): Promise<void> {
  await new Promise<void>((resolve) => waiting.push(resolve));
  if (++handled % 250 === 0) console.log("round", handled / 250);
}
async function client(): Promise<void> {
  for (;;) await handle();
}
for (let clients = 0; clients < 400; clients++) void client();
for (;;) {
  await sleep(5);
  for (const resolve of waiting.splice(0, 5)) resolve();
}
`,
  "a pool that warms up": `
import { Chan } from "ts-chan";
const jobs = new Chan<number>(0);
let workers = 0;
async function worker(): Promise<void> {
  for (;;) await jobs.recv();
}
let rounds = 0;
setInterval(() => {
  if (workers++ < 50) void worker();
  if (++rounds % 10 === 0) console.log("round", rounds / 10);
}, 25);
`,
  "a batch of which all are waited for": `
import pLimit from "p-limit";
const limit = pLimit(5);
let done = 0;
async function job(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (++done % 500 === 0) console.log("round", done / 500);
}
await Promise.all(Array.from({ length: 10_000 }, () => limit(job)));
`,
};

const longWaits = ({ problems }: Dump) => problems.filter(({ verdict }) => verdict === "long-wait");

describe("places where ever more tasks wait", () => {
  const folder = programFolder();

  for (const node of nodes) {
    it(`are told of after what keeps a lock for ever, ${node.name}`, async () => {
      const file = folder.write("leak.ts", leak);
      const client = await start(folder, "leak.ts", { node, env }).connect();
      const dump = await client.dumpWhen("a place that grows", (each) => longWaits(each).length > 0);
      const [problem, ...others] = longWaits(dump);
      assert.deepEqual(others, []);
      assert.equal(problem?.certainty, "heuristic");
      assert.deepEqual(problem.at[0], { file, line: lineOf(leak, "waits"), column: 3 });
      assert.match(
        problem.message,
        /^\d+ tasks in 'waits' wait at leak\.ts:6 for 'answers', started at leak\.ts:9; there were \d+ of them .* before, and ever more come than go on\.$/,
      );
      assert.ok(problem.tasks.length >= 60);
      assert.equal(problem.resources[0], reading(dump).resource("answers").id);
      const gone = await client.dumpWhen("the lock", ({ problems }) => problems[0]?.verdict === "owner-gone");
      assert.equal(gone.problems[0]?.at[0]?.line, lineOf(leak, "kept"));
    });

    for (const [what, source] of Object.entries(right)) {
      it(`are not found in ${what}, ${node.name}`, async () => {
        folder.write("right.ts", source);
        const program = start(folder, "right.ts", { node, env });
        const client = await program.connect();
        for (let round = 1; round <= 16; round++) {
          await program.printed(`round ${round}`);
          const dump = await client.dump();
          assert.deepEqual(longWaits(dump), []);
          assert.ok(dump.tasks.length >= 5);
        }
      });
    }
  }
});
