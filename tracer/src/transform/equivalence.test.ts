import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { programs } from "../testing/programs.ts";
import { withoutInsertions } from "./insertions.ts";
import { transform } from "./transform.ts";

/** Runs the body of an async function and gives what it logged, and how many rows it leaves in use. */
type Run = (code: string) => Promise<{ readonly result: string; readonly live: number }>;

function startRunner(watches: boolean): { run: Run; stop: () => Promise<unknown> } {
  const worker = new Worker(new URL("../testing/run-worker.ts", import.meta.url), {
    workerData: { watches },
  });
  const waiting = new Map<number, (result: { result: string; live: number }) => void>();
  worker.on("message", ({ id, ...result }: { id: number; result: string; live: number }) => {
    waiting.get(id)?.(result);
  });
  let last = 0;
  return {
    run: (code) =>
      new Promise((resolve) => {
        const id = ++last;
        waiting.set(id, resolve);
        worker.postMessage({ id, code });
      }),
    stop: () => worker.terminate(),
  };
}

/** The transformed body of an async function. */
function transformBody(body: string): string {
  const head = "async function program(log, later, thenable, Box) {\n";
  const source = `${head}${body}\n}`;
  const done = transform({
    source,
    file: "/p.js",
    typescript: false,
    kind: "commonjs",
    firstSite: 1,
    libraries: new Set(),
  });
  assert.ok(done, "there is something to trace");
  assert.equal(withoutInsertions(done.code), source);
  assert.equal(done.code.split("\n").length, source.split("\n").length);
  return `return (${done.code})(log, later, thenable, Box);`;
}

/** A result that a finally block has cut off is not given by a later return without a value. */
const cutOff = `async function f0(x) {
  for (let v0 = 0; v0 < 2; v0++) {
    for (const v1 of [1]) {
      try { if (x > 2) return x; if (x === 2) { return
      } } finally { if (x-- > 2) break; }
    }
  }
}
return f0(3);`;

for (const watches of [false, true]) {
  describe(`a transformed program${watches ? " whose promises are watched" : ""}`, function () {
    this.timeout(120_000);
    const runner = { current: undefined as ReturnType<typeof startRunner> | undefined };
    before(() => {
      runner.current = startRunner(watches);
    });
    after(() => runner.current?.stop());

    it("does what the untransformed one does", async () => {
      await fc.assert(
        fc.asyncProperty(programs, async (body) => {
          const plain = `return (async function program(log, later, thenable, Box) {\n${body}\n})(log, later, thenable, Box);`;
          const expected = await runner.current?.run(plain);
          const traced = await runner.current?.run(transformBody(body));
          assert.equal(traced?.result, expected?.result, body);
          // Every task that ends gives its row back: a long-lived program does not fill the table.
          assert.equal(traced?.live, 0, body);
        }),
        { numRuns: Number(process.env["UNKNOT_RUNS"] ?? 150), examples: [[cutOff]] },
      );
    });
  });
}
