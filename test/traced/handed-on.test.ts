// A lock whose task has ended without giving it back or handing it to somebody known: who took it and where is told, and
// that it holds it still is not.
import assert from "node:assert/strict";
import { blockerSentence, blockersOf } from "@unknot/dump/blockers.ts";
import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import { lookupOf } from "@unknot/dump/names.ts";
import { lineOf, nodes, programFolder, reading, start } from "./kit.ts";

const source = `import { Mutex } from "async-mutex";
const ledger = new Mutex();
const others: (() => void)[] = [];
async function reserves(): Promise<void> {
  others.push(await ledger.acquire()); // taken
}
async function waits(): Promise<void> {
  (await ledger.acquire())();
}
await reserves();
void waits();
console.log("ready");
setInterval(() => others.length, 1000);
`;

describe("a lock that was handed on", () => {
  const folder = programFolder({ "handed-on.ts": source });
  for (const node of nodes) {
    it(`is held by whoever got it, and who took it is told, ${node.name}`, async () => {
      const program = start(folder, "handed-on.ts", { node });
      await program.printed("ready");
      const client = await program.connect();
      const dump = await client.dumpAtRest(
        "somebody to wait",
        (each) => reading(each).resource("ledger").waiters.length > 0,
      );
      const [hold] = reading(dump).resource("ledger").holders;
      assert.deepEqual([hold?.task, hold?.release], [undefined, "handle"]);
      assert.equal(reading(dump).place(hold?.site), `handed-on.ts:${lineOf(source, "taken")}`);
      const text = [...writeTaskdump(dump, { mode: "full" })].join("");
      assert.match(text, /held by an unknown task, taken by reserves, for /);
      const sentences = blockersOf(dump, 5).map((blocker) => blockerSentence(lookupOf(dump), blocker));
      assert.equal(sentences.length, 1);
      assert.match(
        sentences[0] ?? "",
        /^'ledger' is held for .* by whoever got it from 'reserves' at handed-on\.ts:5; 1 task waits behind$/,
      );
      assert.deepEqual(dump.problems, []);
      await program.kill();
    });
  }
});
