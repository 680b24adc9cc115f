// Real suites under vitest, jest and Playwright Test, in the oldest and the newest version that the tracer knows: what
// `unknot why` says of those that leave something, and that nothing else changes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { installPackages } from "../models/install.ts";
import { type Ended, follow, inPairs, lineOf, nodes, ownGroup, programFolder, root } from "../traced/kit.ts";

type Age = "oldest" | "newest";
type Runner = "vitest" | "jest" | "playwright";

const word = () => `n${Math.random().toString(36).slice(2, 8)}`;
/** Nothing can know them. */
const names = { suite: word(), polls: word(), serves: word(), waits: word(), late: word(), fails: word() };
const modules = { lib: word(), leaks: word(), equal: word() };

const lib = `import { createServer } from "node:net";
interface Gone { readonly lines: number }
export type { Gone };

export async function ${names.waits}(): Promise<void> {
  await new Promise(() => {}); // waits
}
export function ${names.polls}(everyMs: number): void {
  setInterval(() => {}, everyMs); // polls
}
export function ${names.serves}(): Promise<void> {
  return new Promise((done) => void createServer().listen(0, done)); // listens
}
export async function ${names.fails}(depth: number): Promise<number> {
  if (depth > 0) return await ${names.fails}(depth - 1);
  await null; throw new Error("on purpose");
}
export async function* counts(to: number): AsyncGenerator<number> {
  for (let at = 0; ; at++) {
    if (at === to) return;
    yield at;
  }
}
export async function unused(list: readonly number[]): Promise<number> {
  for await (const each of list) if (each > 1) return each;
  try { return await Promise.resolve(list.length); } finally { await null; }
}
`;

/** How a suite is written for a runner. */
const heads: Readonly<Record<Runner, string>> = {
  vitest: `import { afterAll, describe, expect, it } from "vitest";`,
  jest: "const only = 0;",
  playwright: `import { expect, test as it } from "@playwright/test"; const { describe, afterAll } = it;`,
};

const leaks = (runner: Runner) => `${heads[runner]}
import { ${names.polls}, ${names.serves}, ${names.waits} } from "./${modules.lib}";

describe("${names.suite}", () => {
  it("${names.polls}", async () => { ${names.polls}(1234); }); // calls polls
  it("${names.serves}", async () => { await ${names.serves}(); }); // calls serves
  it("${names.waits}", async () => { void ${names.waits}(); }); // calls waits
  it("is fine", async () => {
    const timer = setTimeout(() => {}, 4321);
    await null;
    clearTimeout(timer);
  });
  afterAll(async () => { setTimeout(() => {}, 7654321); }); // in a hook
});
`;

const equal = (runner: Runner) => `${heads[runner]}
import { counts, ${names.fails} } from "./${modules.lib}";

const order: string[] = [];
describe("${names.suite}", () => {
  it("keeps stack traces", async () => { order.push("a"); await ${names.fails}(2); });
  it("keeps texts", async () => {
    expect((async (x: number) => { await x; return [x]; }).toString()).toBe("other");
  });
  it("keeps columns behind awaits", async () => { await null; const seen = []; for await (const each of counts(2)) seen.push(each); await seen; expect(seen).toEqual([0]); });
  it("runs in order", async () => {
    const later = (async () => { await null; order.push("c"); })();
    order.push("b");
    await later;
    expect(order).toEqual(["a", "b", "c"]);
  });
${
  runner === "playwright"
    ? ""
    : `  it("keeps snapshots", async () => {
    await null; expect({ b: [1], a: (async () => { await 1; }).name }).toMatchInlineSnapshot(\`
      {
        "a": "",
        "b": [
          2,
        ],
      }
    \`);
  });`
}
});
`;

const endings: Readonly<Record<Runner, string>> = {
  vitest: "vt.ts",
  jest: "jt.ts",
  playwright: "pw.ts",
};
const runners: readonly Runner[] = ["vitest", "jest", "playwright"];

const commands: Readonly<Record<Runner, readonly string[]>> = {
  vitest: ["vitest", "run"],
  jest: ["jest"],
  playwright: ["playwright", "test"],
};

const configurations = {
  "vitest.config.mjs": `import { unknot } from "unknot/vitest";
const { SETUP, POOL } = process.env;
export default {
  plugins: SETUP ? [unknot()] : [],
  test: {
    pool: POOL ?? "forks",
    include: ["*.vt.ts"],
    coverage: { include: ["${modules.lib}.ts"], reporter: ["json"], reportOnFailure: true },
  },
};
`,
  "jest.config.cjs": `module.exports = {
  ...(process.env.SETUP ? { runner: "unknot/jest" } : {}),
  testMatch: ["**/*.jt.ts"],
  coverageReporters: ["json"],
  collectCoverageFrom: ["${modules.lib}.ts"],
  coverageProvider: "v8",
  transform: {
    "\\\\.ts$": ["babel-jest", {
      presets: ["@babel/preset-typescript"],
      plugins: ["@babel/plugin-transform-modules-commonjs"],
    }],
  },
};
`,
  "playwright.config.ts": `import { defineConfig } from "@playwright/test";
if (process.env.SETUP) require("unknot/playwright");
export default defineConfig({ testDir: ".", testMatch: "*.pw.ts", reporter: "list", workers: 1 });
`,
};

const hangs = (runner: Runner) => `${heads[runner]}
import { ${names.waits} } from "./${modules.lib}";
describe("${names.suite}", () => {
  it("${names.late}", async () => { await null; });
  afterAll(async () => { await ${names.waits}(); }); // never ends
});
`;

const setUp = (runner: Runner) => `${heads[runner]}
import { ${names.waits} } from "./${modules.lib}";
${
  runner === "playwright"
    ? `import { noTasks } from "unknot/playwright";
const test = it.extend(noTasks);`
    : "const test = it;"
}
test("${names.waits}", async () => { void ${names.waits}(); });
test("${names.late}", async () => { await null; });
`;

const cache = (age: Age) => path.join(root, ".cache", "runners", age);

for (const age of ["oldest", "newest"] as const) {
  describe(`test runners in the ${age} version`, () => {
    const folder = programFolder();
    const [node = { name: "", path: process.execPath }] = nodes;
    const suites: Readonly<Record<string, (runner: Runner) => string>> = {
      [modules.leaks]: leaks,
      [modules.equal]: equal,
      setup: setUp,
      hangs,
    };
    const fileOf = (suite: string, runner: Runner) => `${suite}.${endings[runner]}`;

    before(function () {
      this.timeout(240_000);
      const manifest = fileURLToPath(new URL(`${age}.json`, import.meta.url));
      installPackages(manifest, cache(age), []);
      const unknot = path.join(cache(age), "node_modules", "unknot");
      rmSync(unknot, { recursive: true, force: true });
      cpSync(path.join(root, "dist", "npm"), unknot, { recursive: true });
      for (const runner of runners) {
        mkdirSync(folder.file(runner));
        symlinkSync(path.join(cache(age), "node_modules"), folder.file(`${runner}/node_modules`), "junction");
        folder.write(`${runner}/${modules.lib}.ts`, lib);
        for (const [suite, text] of Object.entries(suites)) {
          folder.write(`${runner}/${fileOf(suite, runner)}`, text(runner));
        }
        for (const [name, text] of Object.entries(configurations)) folder.write(`${runner}/${name}`, text);
      }
    });

    const run = (
      runner: Runner,
      args: readonly string[],
      { why = true, env = {} }: { readonly why?: boolean; readonly env?: NodeJS.ProcessEnv } = {},
    ): Promise<Ended> => {
      const bin = folder.file(`${runner}/node_modules/.bin`);
      const words = [...commands[runner], ...args];
      const command = why
        ? [path.join(root, "dist", "npm", "unknot.mjs"), "why", "--", ...words]
        : [path.join(bin, words[0] ?? ""), ...words.slice(1)];
      const child = spawn(node.path, command, {
        cwd: folder.file(runner),
        env: {
          ...process.env,
          ...folder.env,
          PATH: [path.dirname(node.path), process.env["PATH"]].join(path.delimiter),
          NO_COLOR: "1",
          FORCE_COLOR: undefined,
          CI: "1",
          ...env,
        },
        stdio: ["ignore", "pipe", "pipe"],
        ...ownGroup,
      });
      return follow(child, folder).ended;
    };

    /** The answer names each with the line that made it, the line that called that, and the test. */
    const assertNamed = (runner: Runner, { stderr }: Ended) => {
      const file = fileOf(modules.leaks, runner);
      const at = (name: string, text: string, mark: string) => `${name}:${lineOf(text, mark)}:`;
      const test = (title: string) => `in the test '${file} > ${names.suite} > ${title}'`;
      const expected: readonly (readonly [from: string, places: readonly string[]])[] = [
        [
          "an interval (every 1234 ms) keeps it alive",
          [
            at(`at ${names.polls} ${modules.lib}.ts`, lib, "polls"),
            at(file, leaks(runner), "calls polls"),
            test(names.polls),
          ],
        ],
        [
          "a server (port ",
          [
            at(`${modules.lib}.ts`, lib, "listens"),
            at(file, leaks(runner), "calls serves"),
            test(names.serves),
          ],
        ],
        ["a timer (after 7654321 ms) keeps it alive", [at(file, leaks(runner), "in a hook")]],
        [
          `the task '${names.waits}' is left`,
          [
            at(`at ${names.waits} ${modules.lib}.ts`, lib, "waits"),
            at(file, leaks(runner), "calls waits"),
            test(names.waits),
          ],
        ],
      ];
      for (const [from, places] of expected) {
        const start = stderr.indexOf(from);
        assert.ok(start >= 0, `${from}\n${stderr}`);
        const block = stderr.slice(start, stderr.indexOf("\n\n", start) + 1 || undefined);
        // A bundler may give functions other names.
        for (const place of places) {
          const plain = place.replace(/^at \w+ /, "");
          assert.ok(block.includes(place) || block.includes(plain), `${place}\n${stderr}`);
        }
      }
      assert.ok(!stderr.includes("4321 ms keeps"), "what was closed is not named");
      assert.equal(stderr.match(/ keeps it alive\n/g)?.length, 3, stderr);
    };

    const forced = /was ended by force after its tests; without that, it would have gone on:/;

    it("unknot why names what vitest's workers leave", async () => {
      const pools = age === "oldest" ? ["forks", "vmThreads"] : ["forks", "threads"];
      await inPairs(pools, async (POOL) => {
        const ended = await run("vitest", [modules.leaks], { env: { POOL } });
        assert.match(ended.stderr, forced);
        assertNamed("vitest", ended);
        assert.equal(ended.code, 0);
      });
    });

    it("unknot why names what keeps jest alive, and what its workers leave", async () => {
      const [alone, workers] = await Promise.all([
        run("jest", [modules.leaks]),
        run("jest", ["-w", "2", `(${modules.leaks}|setup)`]),
      ]);
      assert.match(
        alone.stderr,
        /unknot: the tests are done since [\d.]+ m?s, and process \d+ \(.*jest.*\) goes on:/,
      );
      assertNamed("jest", alone);
      assert.equal(alone.code, 66);
      assert.match(workers.stderr, forced);
      assertNamed("jest", workers);
      assert.equal(workers.code, 0);
    });

    it("unknot why names what Playwright Test's workers leave", async () => {
      const ended = await run("playwright", [modules.leaks]);
      assert.match(ended.stderr, forced);
      assertNamed("playwright", ended);
      assert.equal(ended.code, 0);
    });

    for (const runner of runners) {
      it(`${runner} gives the same results, stack traces and coverage`, async () => {
        const covered = runner === "playwright" ? [] : ["--coverage"];
        const outcome = async (why: boolean) => {
          // Jest tells more when it knows how long a test takes.
          const dir = `coverage-${why}`;
          const to =
            runner === "jest"
              ? [`--coverageDirectory=${dir}`, "--no-cache"]
              : runner === "vitest"
                ? [`--coverage.reportsDirectory=${dir}`]
                : [];
          const { code, stdout, stderr } = await run(runner, [modules.equal, ...covered, ...to], { why });
          const coverage =
            runner === "playwright"
              ? ""
              : readFileSync(folder.file(`${runner}/${dir}/coverage-final.json`), "utf8");
          return { code, output: timeless(stdout), errors: timeless(stderr), coverage };
        };
        const plain = await outcome(false);
        assert.match(plain.output + plain.errors, /on purpose/);
        assert.equal(plain.code, 1);
        assert.deepEqual(await outcome(true), plain);
      });
    }

    it("unknot why names what a hook waits for that never ends", async () => {
      const soon: Readonly<Record<Runner, string>> = {
        vitest: "--hookTimeout=500",
        jest: "--testTimeout=500",
        playwright: "--timeout=1500",
      };
      await inPairs(runners, async (runner) => {
        const { code, stderr } = await run(runner, ["hangs", soon[runner]]);
        // A process that ends by itself says it in the words of the tracer.
        assert.match(
          stderr,
          runner === "jest"
            ? new RegExp(
                `unknot: exited with work pending[^]*name: "${names.waits}", test: "hangs.*afterAll"`,
              )
            : new RegExp(
                `unknot: the tests failed, and process[^]*the task '${names.waits}' is left, await for`,
              ),
        );
        assert.ok(stderr.includes(`${modules.lib}.ts:${lineOf(lib, "waits")}`), stderr);
        assert.ok(
          stderr.includes(`${fileOf("hangs", runner)}:${lineOf(hangs(runner), "never ends")}`),
          stderr,
        );
        assert.equal(code, 1);
      });
    });

    it("set-ups fail the test that leaves a task", async () => {
      await inPairs(runners, async (runner) => {
        const ended = await run(runner, ["setup"], { why: false, env: { SETUP: "1" } });
        const text = ended.stdout + ended.stderr;
        const place = `${folder.file(runner)}/${modules.lib}.ts:${lineOf(lib, "waits")}:`;
        assert.ok(
          new RegExp(
            `LeftTasksError: A task is left behind:\\s+'${names.waits}' \\(await for [\\d.]+ m?s\\) at `,
          ).test(text) && text.includes(place),
          text,
        );
        assert.match(text, /1 failed/, runner);
        assert.match(text, /1 passed/, runner);
        assert.equal(ended.code, 1);
      });
    });
  });
}

/** Without durations, times of the day, and what depends on them. */
function timeless(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/^\s*(Start at|Duration|Time:)/.test(line))
    .join("\n")
    .replace(/\(node:\d+\)/g, "")
    .replace(/ ?\(?\b[\d.]+ ?m?s\b\)?/g, "")
    .trim();
}
