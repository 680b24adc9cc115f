// Tasks that fail while nothing awaits them: told of at the line that started them, and nothing else is changed.
import assert from "node:assert/strict";
import type { Dump } from "@unknot/protocol/dump.ts";
import { allNodes, lineOf, programFolder, run, runToLastDump, stacksOf } from "./kit.ts";

const tools = `import { setTimeout as sleep } from "node:timers/promises";
async function fails(after: number): Promise<void> {
  for (let round = 0; round < after; round++) await sleep(1);
  throw new Error("on purpose");
}
async function passesOn(): Promise<void> {
  await fails(2);
}
async function gives(): Promise<void> {
  return fails(2);
}
`;

const listening = `${tools}
process.on("unhandledRejection", (reason) => console.log("unhandled:", (reason as Error).message));
process.on("rejectionHandled", () => console.log("handled"));
for (let time = 0; time < 3; time++) {
  void fails(2); // later
}
fails(0); // at once
void passesOn(); // inner
void gives(); // returned
// Others start and end meanwhile.
for (let other = 0; other < 20; other++) void sleep(other % 4).then(async () => { await sleep(1); });

try {
  await fails(1);
} catch {}
await Promise.allSettled([fails(0), passesOn()]);
fails(1).catch(() => {});
await Promise.race([sleep(1), fails(3)]);
const late = fails(0);
await sleep(10);
await late.catch(() => console.log("caught late"));
await sleep(10);
const { emit } = process;
console.log(emit.name, emit.length, String(emit).slice(0, 20), Object.keys(process).includes("emit"));
console.log(process.listenerCount("unhandledRejection"), process.emit("own" as never, 1 as never), process.eventNames().length);
process.on("thrown", () => { throw new TypeError("from a listener"); });
try {
  process.emit("thrown" as never, undefined as never);
} catch (error) {
  console.log(String(error));
}
`;

const dying = `${tools}
async function handle(): Promise<void> {
  await sleep(1);
  fails(1); // dropped
}
await handle();
await sleep(1000);
`;

const failures = ({ problems }: Dump) =>
  problems
    .filter(({ verdict }) => verdict === "not-awaited")
    .map(({ at, message, id, certainty }) => ({ id, certainty, line: at[0]?.line, message }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));

describe("tasks that fail while nothing awaits them", () => {
  const folder = programFolder({ "listening.ts": listening, "dying.ts": dying });
  const about = { id: "floating-task", certainty: "observed" };

  for (const node of allNodes()) {
    it(`are told of where the program listens for rejections, those that are handled are not, ${node.name}`, async () => {
      const { last, stdout, code } = await runToLastDump(folder, "listening.ts", { node });
      const plain = await run(folder, "listening.ts", { node, traced: false });
      const lines = (text: string) => text.split("\n").filter((line) => !/^\d+ /.test(line));
      assert.deepEqual([lines(stdout), code], [lines(plain.stdout), plain.code]);
      assert.deepEqual(failures(last.dump), [
        {
          ...about,
          line: lineOf(listening, "later"),
          message: "'fails' failed 3 times and nothing awaits it.",
        },
        { ...about, line: lineOf(listening, "at once"), message: "'fails' failed and nothing awaits it." },
        { ...about, line: lineOf(listening, "inner"), message: "'passesOn' failed and nothing awaits it." },
        { ...about, line: lineOf(listening, "returned"), message: "'gives' failed and nothing awaits it." },
      ]);
    });

    it(`are told of when the program ends because of one, ${node.name}`, async () => {
      const { last, stderr, code } = await runToLastDump(folder, "dying.ts", { node });
      const plain = await run(folder, "dying.ts", { node, traced: false });
      assert.deepEqual([stacksOf(stderr), code], [stacksOf(plain.stderr), plain.code]);
      assert.deepEqual(failures(last.dump), [
        { ...about, line: lineOf(dying, "dropped"), message: "'fails' failed and nothing awaits it." },
      ]);
    });
  }
});
