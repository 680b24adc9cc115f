import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { transformSync } from "esbuild";
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

/** A program as it is written, or as a minifier writes it: with commas for statements, and `return a(), b`. */
function programOf(body: string, minified: boolean): string {
  const source = `async function program(log, later, thenable, Box) {\n${body}\n}`;
  if (!minified) return source;
  const { code } = transformSync(source, { minifySyntax: true, minifyWhitespace: true, target: "esnext" });
  return code.trimEnd();
}

/** A transformed async function, called. */
function transformed(source: string): string {
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

/** A comma in what is returned does not make it the second argument of a call. */
const withComma = `async function f0(x) {
  const list = [];
  return await later(x), list.push(x), list;
}
const f1 = async (x) => { try { return } finally { return log(x), f0(x) } };
async function* f2(x) { return log(x), later(x); }
log(await f0(1), await f1(2), await f2(3).next());
return log("last"), f0(4);`;

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
        fc.asyncProperty(programs, fc.boolean(), async (body, minified) => {
          const source = programOf(body, minified);
          const expected = await runner.current?.run(`return (${source})(log, later, thenable, Box);`);
          const traced = await runner.current?.run(transformed(source));
          assert.equal(traced?.result, expected?.result, source);
          // Every task that ends gives its row back: a long-lived program does not fill the table.
          assert.equal(traced?.live, 0, source);
        }),
        {
          numRuns: Number(process.env["UNKNOT_RUNS"] ?? 150),
          examples: [
            [cutOff, false],
            [withComma, false],
          ],
        },
      );
    });
  });
}
