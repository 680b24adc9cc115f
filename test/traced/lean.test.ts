// Lean mode: only libraries are looked at, and the program's own files run as they are.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { lineOf, nodes, programFolder, reading, run, runToLastDump } from "./kit.ts";

const locks = `import { Mutex } from "async-mutex";
import PQueue from "p-queue";
const lock = new Mutex();
const queue = new PQueue({ concurrency: 1 });
async function holder() {
  const release = await lock.acquire(); // takes
  await new Promise(() => {});
  release();
}
const waiter = () => lock.runExclusive(async () => {}); // waits
async function idle() {
  await queue.onIdle(); // idles
}
holder();
waiter();
queue.add(() => new Promise(() => {})); // adds
idle();
Error.prepareStackTrace = () => console.log("somebody asks for a stack");
waiter();
Error.prepareStackTrace = undefined;
console.log(String(waiter), new Error("x").stack.split("\\n")[1].replace(/^.*\\//, ""), process.sourceMapsEnabled);
`;

const covered = `export async function used(a) {
  if (a > 5) return await used(1);
  try {
    await null;
    return a;
  } finally {
    await (a ? null : used(7));
  }
}
export const never = async () => { for await (const x of []) console.log(x); };
await used(2);
`;

describe("lean mode", () => {
  const folder = programFolder({ "locks.mjs": locks, "covered.mjs": covered });

  for (const node of nodes) {
    describe(node.name, () => {
      it("shows who waits for and holds what, and the lines that asked", async () => {
        const { stdout, last } = await runToLastDump(folder, "locks.mjs", {
          node,
          env: { UNKNOT_MODE: "lean" },
        });
        assert.deepEqual(last.dump.coverage, {
          instrumented: last.dump.coverage.instrumented,
          transformed: 0,
          untouched: [],
          blind: ["async functions (lean mode)"],
          dropped: 0,
        });
        assert.ok(!stdout.includes("somebody asks"), "no stack is asked for");
        const { place } = reading(last.dump);
        const at = (mark: string) => `locks.mjs:${lineOf(locks, mark)}`;
        const lock = last.dump.resources.find(({ kind }) => kind === "mutex");
        assert.deepEqual(
          lock?.holders.map(({ site }) => place(site)),
          [at("takes")],
        );
        assert.equal(lock?.waiters.length, 2);
        assert.deepEqual(
          [...new Set(last.dump.tasks.map((task) => place(task.at)))].sort(),
          [at("adds"), at("idles"), at("waits")].sort(),
        );
      });

      it("runs the program's files as they are", async () => {
        const [plain, lean] = [
          await run(folder, "locks.mjs", { node, traced: false }),
          await run(folder, "locks.mjs", { node, env: { UNKNOT_MODE: "lean", UNKNOT_REPORT_STDERR: "0" } }),
        ];
        assert.deepEqual(lean, plain);
      });

      it("is the rule while coverage is measured, which comes out as untraced", async () => {
        const measured = async (traced: boolean) => {
          const out = folder.file(`coverage-${traced}-${path.basename(node.path)}-${node.name}`);
          mkdirSync(out);
          await run(folder, "covered.mjs", { node, traced, env: { NODE_V8_COVERAGE: out } });
          // Each thread that has ended by itself writes a file, the tracer's own, too.
          const results = readdirSync(out).flatMap((file) => {
            const { result } = JSON.parse(readFileSync(path.join(out, file), "utf8")) as {
              result: { url: string; functions: unknown }[];
            };
            return result;
          });
          return results.find(({ url }) => url.endsWith("covered.mjs"))?.functions;
        };
        const plain = await measured(false);
        assert.ok(plain);
        assert.deepEqual(await measured(true), plain);
        const { last } = await runToLastDump(folder, "covered.mjs", {
          node,
          env: { NODE_V8_COVERAGE: folder.file("coverage") },
        });
        assert.deepEqual(last.dump.coverage.blind, ["async functions (code coverage is measured)"]);
      });
    });
  }
});
