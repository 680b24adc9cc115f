// Generated programs as whole processes, with locks, limiters and queues of real libraries, run with and without the
// tracer: what they print in which tick, what nobody handles, and how they end is the same. `UNKNOT_RUNS=200` for more.
import assert from "node:assert/strict";
import { programs } from "@unknot/tracer/testing/programs.ts";
import fc from "fast-check";
import { inPairs, node20, nodes, programFolder, run, stacksOf } from "./kit.ts";

/**
 * What is there besides the program: it says in which turn, and after how many microtasks of it, something happens.
 * Without timers, because when these come depends on the machine; and how often a loop turns that is empty is not told.
 */
const head = `import { Mutex, Semaphore, tryAcquire } from "async-mutex";
import PQueue from "p-queue";
import pLimit from "p-limit";
import { setImmediate as sleep } from "node:timers/promises";
let turn = 0;
let ticks = 0;
function tick() { ticks++; if (ticks < 400) Promise.resolve().then(tick); }
function next() { turn++; ticks = 0; tick(); if (turn < 30) setImmediate(next).unref(); }
next();
const inTurn = (number, action) => setImmediate(turn >= number ? action : inTurn, number, action);
const show = (value) => value instanceof Error ? String(value) : value instanceof Promise ? "promise"
  : Array.isArray(value) ? "[" + value.map(show).join() + "]" : typeof value === "object" && value !== null ? Object.keys(value).join() : String(value);
const log = (...parts) => console.log(turn, ticks, ...parts.map(show));
const later = (value) => new Promise((resolve) => setImmediate(() => resolve(value)));
const thenable = (value) => ({ then: (resolve) => resolve(value) });
class Box { constructor(value) { this.promise = new Promise((resolve) => queueMicrotask(() => resolve(value))); } }
const lock = new Mutex();
const permits = new Semaphore(2);
const limit = pLimit(2);
const queue = new PQueue({ concurrency: 1 });
process.on("exit", (code) => console.log("exit", code));
process.on("beforeExit", (code) => console.log("before exit", code));
`;

const value = fc.constantFrom(
  "null",
  "later(1)",
  "sleep(0)",
  "thenable(2)",
  "new Box(3).promise",
  "Promise.reject(new Error('no'))",
);

/** One thing that goes on beside the program. */
const beside: fc.Arbitrary<(name: string) => string> = fc.oneof(
  fc
    .constantFrom("process.nextTick", "queueMicrotask", "setImmediate", "Promise.resolve().then")
    .map((when) => (name: string) => `${when}(() => log("${name}"));`),
  value.map(
    (awaited) => (name: string) =>
      `lock.runExclusive(async () => { log("${name} in"); await ${awaited}; return "${name}"; }).then(log, log);`,
  ),
  value.map(
    (awaited) => (name: string) =>
      `(async () => { const release = await lock.acquire(); try { log("${name} holds"); await ${awaited}; } finally { release(); } })().catch(log);`,
  ),
  value.map(
    (awaited) => (name: string) =>
      `(async function ${name}() { const [n, release] = await permits.acquire(); log("${name}", n); await ${awaited}; release(); })().then(log, (error) => log("${name}", error));`,
  ),
  value.map(
    (awaited) => (name: string) =>
      `limit(async (x) => { log("${name}", x); return await ${awaited}; }, 5).then(log, log);`,
  ),
  value.map(
    (awaited) => (name: string) =>
      `queue.add(async () => { log("${name}"); await ${awaited}; return "${name}"; }, { priority: ${name.length % 3} }).then(log, log);`,
  ),
  fc.constantFrom(
    (name: string) => `queue.onIdle().then(() => log("${name} idle"));`,
    (name: string) =>
      `tryAcquire(permits).acquire().then(([, release]) => { log("${name}"); release(); }, log);`,
    (name: string) => `lock.waitForUnlock().then(() => log("${name} unlocked", lock.isLocked()));`,
    (name: string) => `(async () => { await new Promise(() => {}); log("${name}"); })();`,
    (name: string) =>
      `const ${name} = lock.acquire(); ${name}.then((release) => { log(typeof release); release(); release(); });`,
  ),
);

/** How it ends, after all of that. */
const ending = fc.constantFrom(
  "",
  "process.exitCode = 3;",
  "inTurn(12, () => process.exit(4));",
  "inTurn(4, () => { throw new TypeError('thrown'); });",
  "(async () => { await null; throw new RangeError('nobody handles it'); })();",
  "process.on('unhandledRejection', (reason, promise) => log('unhandled', reason, promise));",
  "process.on('uncaughtException', (error, origin) => log(origin, error));",
  "await new Promise(() => {});",
);

const cases = fc
  .tuple(
    programs,
    fc.array(beside, { minLength: 2, maxLength: 8 }),
    ending,
    fc.constantFrom("throw", "warn", "strict"),
  )
  .map(([body, others, end, rejections]) => ({
    rejections,
    code: `${head}${end.startsWith("await") ? "" : end}
${others.map((each, index) => each(`b${index}`)).join("\n")}
(async function program(log, later, thenable, Box) {
${body}
})(log, later, thenable, Box).then((value) => log("fulfilled", value), (error) => log("rejected", error));
${end.startsWith("await") ? end : ""}
`,
  }));

describe("a generated program", function () {
  const folder = programFolder();
  const runs = Number(process.env["UNKNOT_RUNS"] ?? 6);
  this.timeout(20_000 * runs);
  let last = 0;
  for (const node of [...nodes, ...node20()]) {
    it(`prints and ends as untraced: ${node.name}`, async () => {
      await fc.assert(
        fc.asyncProperty(cases, async ({ code, rejections }) => {
          const name = `p${last++}.mjs`;
          folder.write(name, code);
          const [plain, traced] = await inPairs([false, true], (each) =>
            run(folder, name, {
              node,
              traced: each,
              options: [`--unhandled-rejections=${rejections}`],
              env: { UNKNOT_REPORT_STDERR: "0" },
            }),
          );
          const known = (ended: typeof plain) => ({
            ...ended,
            // In a line of many statements the caret may stand under another part of the same one.
            stderr: stacksOf(ended?.stderr ?? "")
              .replace(/\(node:\d+\)|^ +(?=\^$)/gm, "")
              // Node 20 writes one more line while it maps positions.
              .replace("^\n\n\n", "^\n\n")
              // Where it ends in its own code, its functions stand at other addresses each time.
              .replace(/\b0x[0-9a-f]+\b/g, "0x"),
          });
          assert.deepEqual(known(traced), known(plain), code);
        }),
        { numRuns: runs, interruptAfterTimeLimit: 15_000 * runs },
      );
    });
  }
});
