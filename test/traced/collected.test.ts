import assert from "node:assert/strict";
import type { Dump } from "@unknot/protocol/dump.ts";
import { allNodes, lineOf, type nodes, programFolder, reading, run, start } from "./kit.ts";
import { withRandomNames } from "./random-names.ts";

/** A promise that is lost at once, and with it whoever could settle it; nothing in the program says that it is meant so. */
const lost = "new Promise((resolve) => { globalThis.last = typeof resolve; })";

const scene = (name: string, source: string) => ({ name: `${name}.mjs`, ...withRandomNames(name, source) });

/** Each has one mistake, whose line says `// here`. */
const mistakes = {
  channel: {
    ...scene(
      "channel",
      `import { Chan } from "ts-chan";
async function $produce($results) { await $results.send(1); }
async function $consume($results) {
  for await (const each of $results) globalThis.last = each; // here
}
function $begin() {
  const $results = new Chan(2);
  $consume($results);
  $produce($results);
}
$begin();
`,
    ),
    says: ["channel-never-closed", "cannot-resume", ["consume"], "results"],
  },
  "an event": {
    ...scene(
      "an event",
      `import { EventEmitter, once } from "node:events";
class $Job extends EventEmitter {}
async function $listens() { await once(new $Job(), "done"); } // here
async function $boss() { await $listens(); }
async function $above() { return $boss(); }
$above();
`,
    ),
    says: ["cannot-resume", "cannot-resume", ["listens"], "1 task waits behind"],
  },
  "a promise": {
    ...scene(
      "a promise",
      `class $Store {
  #load = async () => {
    const value = await ${lost}; // here
    return value;
  };
  async $get() { return (await this.#load()) + 1; }
}
for (let each = 0; each < 20; each++) new $Store().$get();
`,
    ),
    says: ["cannot-resume", "cannot-resume", Array(20).fill("#load"), "20 tasks"],
  },
  "a lock that a lost task holds": {
    ...scene(
      "a lock",
      `import { Mutex } from "async-mutex";
const $ledger = new Mutex();
async function $asks() { await ${lost}; }
async function $holds() {
  const release = await $ledger.acquire(); // here
  try { await $asks(); } finally { release(); }
}
async function $wants() { await $ledger.acquire(); }
$holds(); $wants();
`,
    ),
    says: ["lock-not-released", "owner-gone", ["wants"], "can never go on to give it back"],
  },
  "a section that is never left": {
    ...scene(
      "a section",
      `import { Mutex } from "async-mutex";
const $ledger = new Mutex();
async function $holds() {
  await $ledger.runExclusive(async () => { // here
    await ${lost};
  });
}
async function $wants() { await $ledger.runExclusive(async () => {}); }
$holds(); $wants();
`,
    ),
    says: ["lock-not-released", "owner-gone", ["wants"], "can never go on to give it back"],
  },
  "a slot of a limiter": {
    ...scene(
      "a limiter",
      `import pLimit from "p-limit";
const $limit = pLimit(1);
async function $stuck() { await ${lost}; }
async function $wants() {}
$limit(() => $stuck()); // here
$limit(() => $wants());
`,
    ),
    says: ["owner-gone", "owner-gone", undefined, "can never go on to give it back"],
  },
  "a task that is kept": {
    ...scene(
      "kept",
      `const $kept = new Map();
async function $stuck() { await ${lost}; }
async function $joins() { await Promise.all([...$kept.values()]); } // here
async function $behind() { await $joins(); }
$kept.set("a", $stuck());
$kept.set("b", $stuck());
$kept.set("c", $behind());
$kept.delete("c");
`,
    ),
    says: ["waits-on-dead", "waits-on-dead", ["joins"], "1 task waits behind"],
  },
} as const;

/** What is said of programs that do the same and end their waits, or mean never to. */
const twins = {
  closed: scene(
    "closed",
    `import { Chan } from "ts-chan";
async function $consume($results) { for await (const each of $results) globalThis.last = each; console.log("closed"); }
const $results = new Chan(2);
$consume($results);
await $results.send(1);
$results.close();
`,
  ),
  "losers of a race": scene(
    "races",
    `import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
async function $asks() { await ${lost}; }
async function $loses() { await $asks(); }
async function $listens() { await once(new EventEmitter(), "never"); }
async function $races() { await Promise.race([$loses(), Promise.all([$listens(), $asks()]), sleep(1)]); }
await $races();
`,
  ),
  "parked for ever": scene(
    "parked",
    `const $forever = () => new Promise(() => {});
async function $serves() { await new Promise(() => {}); }
async function $servesToo() { await $forever(); }
async function $main() { await $serves(); }
$main(); $servesToo();
const $kept = [$main(), $servesToo()];
async function $joins() { await Promise.all($kept); }
void $joins();
`,
  ),
  "kept by somebody": scene(
    "kept by somebody",
    `import { EventEmitter, once } from "node:events";
import { Mutex } from "async-mutex";
import { setTimeout as sleep } from "node:timers/promises";
const $bus = new EventEmitter();
const $gate = Promise.withResolvers();
const $lock = new Mutex();
async function $listens() { await once($bus, "x"); }
async function $waits() { await $gate.promise; }
async function $sleeps() { await sleep(3_600_000); }
async function $parked() { await sleep(3_600_000, undefined, { ref: false }); }
async function $holds() { const release = await $lock.acquire(); await $waits(); release(); }
async function $wants() { await $lock.acquire(); }
async function* $counts() { await $waits(); yield 1; }
async function $reads() { for await (const each of $counts()) globalThis.last = each; }
for (const begin of [$listens, $waits, $sleeps, $parked, $holds, $wants, $reads]) begin();
`,
  ),
};

// What waits here has been compiled with all that V8 knows, and goes on in every way in which a task can.
const hot = scene(
  "hot",
  `import { createInterface } from "node:readline";
const $gates = [];
let done = 0;
async function $fails(how) { try { await how; throw new Error("on purpose"); } catch { await how; return 1; } finally { await how; } }
async function $loops(how) { for (let each = 0; each < 3; each++) await how; return 1; }
const $arrow = async (how) => (await how) + (await how);
class $Some { async #inner(how) { return how; } async $outer(how) { const value = await this.#inner(how); return value; } }
async function* $items(how) { try { yield await how; yield how; } finally { await how; } }
async function $iterates(how) { let sum = 0; for await (const each of $items(how)) sum += each; return sum; }
async function $stops(how) { for await (const each of $items(how)) return each; }
const $some = new $Some();
const all = [$fails, $loops, $arrow, (how) => $some.$outer(how), $iterates, $stops];
for (let round = 0; round < 3000; round++) for (const each of all) await each(Promise.resolve(1));
const hang = () => { const gate = Promise.withResolvers(); $gates.push(gate); return gate.promise; };
for (let round = 0; round < 200; round++) for (const each of all) void each(hang()).then(() => done++);
console.log("ready");
for await (const line of createInterface(process.stdin)) {
  for (const { resolve } of $gates) resolve(1);
  setTimeout(() => console.log("done", done), 50);
}
`,
);

// It only ever leaks, and collects garbage as every program does.
const natural = scene(
  "natural",
  `import { EventEmitter, once } from "node:events";
async function $handle() { await once(new EventEmitter(), "answer"); } // here
setInterval(() => { $handle(); globalThis.waste = Array.from({ length: 60_000 }, () => ({})); }, 5);
`,
);

const alive = "\nsetInterval(() => {}, 1000);\nconsole.log('ready');\n";

describe("a task whose code is gone", () => {
  const folder = programFolder();
  for (const { name, source } of [...Object.values(mistakes), ...Object.values(twins)])
    folder.write(name, source + alive);
  for (const { name, source } of [hot, natural]) folder.write(name, source);

  /** Asks for proofs and gives the next dump. */
  const provedDump = async (name: string, node: (typeof nodes)[number]): Promise<Dump> => {
    const running = start(folder, name, { node });
    await running.printed("ready");
    const client = await running.connect();
    assert.deepEqual(await client.request("prove", {}), { done: true });
    const dump = await client.dump();
    await running.kill();
    return dump;
  };

  for (const node of allNodes()) {
    describe(node.name, () => {
      for (const [title, { name, source, gapOf, nameOf, says }] of Object.entries(mistakes)) {
        it(`is proved to wait for ever: ${title}`, async () => {
          const dump = await provedDump(name, node);
          const [id, verdict, tasks, words] = says;
          const found = dump.problems.find((problem) => problem.verdict === verdict);
          assert.ok(found, JSON.stringify(dump.problems, null, 1));
          assert.deepEqual([found.id, found.certainty], [id, "proved"]);
          if (tasks !== undefined) {
            const names = found.tasks.map((task) => gapOf(reading(dump).nameOf(task)?.replace(/^.*\./, "")));
            assert.deepEqual(names, tasks);
          }
          assert.equal(found.at[0]?.line, lineOf(source, "here"));
          const wanted = source.includes(nameOf(words)) ? nameOf(words) : words;
          assert.ok(found.message.includes(wanted), found.message);
          assert.ok(dump.problems.every(({ certainty }) => certainty === "proved"));
        });
      }

      for (const [title, { name }] of Object.entries(twins)) {
        it(`is no mistake: ${title}`, async () => {
          const { problems, tasks } = await provedDump(name, node);
          assert.deepEqual(problems, []);
          if (title === "kept by somebody") {
            assert.deepEqual(
              tasks.filter(({ collected }) => collected !== undefined),
              [],
            );
          }
        });
      }

      it("is none that goes on, whatever V8 has made of it", async () => {
        const running = start(folder, hot.name, { node, stdio: ["pipe", "pipe", "pipe"] });
        await running.printed("ready");
        const client = await running.connect();
        for (let round = 0; round < 3; round++) await client.request("prove", {});
        const { tasks, problems } = await client.dump();
        assert.ok(tasks.length > 1200, `${tasks.length}`);
        assert.deepEqual([tasks.filter(({ collected }) => collected !== undefined), problems], [[], []]);
        running.child.stdin?.write("go\n");
        await running.printed("done 1200");
        await client.dumpWhen("all to have ended", (dump) => dump.tasks.every(({ kind }) => kind === "main"));
        await running.kill();
      });

      it("is found without being asked for when the program collects garbage", async () => {
        const running = start(folder, natural.name, { node });
        const client = await running.connect();
        const { problems } = await client.dumpWhen("a proof", (dump) =>
          dump.problems.some(({ certainty }) => certainty === "proved"),
        );
        assert.deepEqual(
          problems.map(({ verdict, certainty, at }) => [verdict, certainty, at[0]?.line]),
          [["cannot-resume", "proved", lineOf(natural.source, "here")]],
        );
        await running.kill();
      });
    });
  }

  it("is not looked for in a program that is blocked, only in one that turns, and keeps none alive", async () => {
    folder.write("busy.mjs", "console.log('ready'); for (;;);\n");
    const running = start(folder, "busy.mjs");
    await running.printed("ready");
    const client = await running.connect();
    await client.dumpWhen("the loop to be seen blocked", ({ loop }) => loop.state === "blocked");
    assert.deepEqual(await client.request("prove", {}), { done: false });
    await running.kill();
    folder.write(
      "slow.mjs",
      "console.log('ready'); setInterval(() => { for (const until = Date.now() + 400; Date.now() < until; ); }, 1);\n",
    );
    const slow = start(folder, "slow.mjs");
    await slow.printed("ready");
    const asked = await slow.connect();
    await asked.dumpWhen("the loop to be seen blocked", ({ loop }) => loop.state === "blocked");
    assert.deepEqual(await asked.request("prove", {}), { done: true });
    await slow.kill();
    folder.write(
      "ends.mjs",
      "import { setTimeout as sleep } from 'node:timers/promises';\nawait sleep(300);\n",
    );
    assert.equal((await run(folder, "ends.mjs")).code, 0);
  });
});
