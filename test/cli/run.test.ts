import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readDumps } from "@unknot/dump/formats/read.ts";
import { isAlive } from "@unknot/protocol/registration.ts";
import type { RunReport } from "@unknot/protocol/report.ts";
import type { Registration } from "@unknot/protocol/wire.ts";
import { programFolder, registrationOf, until } from "../traced/kit.ts";
import { unknot } from "./unknot.ts";

const deadlock = `import { Mutex } from "async-mutex";
import { setTimeout as sleep } from "node:timers/promises";
const one = new Mutex();
const two = new Mutex();
const both = async (first: Mutex, second: Mutex) => {
  const release = await first.acquire();
  await sleep(5);
  const releaseSecond = await second.acquire();
  releaseSecond();
  release();
};
`;

describe("unknot run", () => {
  const programs = programFolder({
    "fine.ts": `const wait = async (ms: number): Promise<number> => ms;
console.log(await wait(3), process.argv.slice(2));
console.error("to standard error");
process.exitCode = Number(process.argv[2] ?? 0);
`,
    "old.cjs": `const later = async () => { await null; console.log("done", require("node:path").basename(__filename)); };
later();
`,
    "throws.ts": `throw new Error("thrown");\n`,
    "killed.ts": `process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000);\n`,
    "hangs.ts": `${deadlock}
setInterval(() => {}, 1000);
const pair = [both(one, two), both(two, one)];
setTimeout(() => console.log("ready"), 100);
await Promise.all(pair);
`,
    "ends.ts": `${deadlock}
await Promise.all([both(one, two), both(two, one)]);
`,
    "waits.ts": `process.on("SIGTERM", () => { console.log("asked to end"); process.exit(7); });
setInterval(() => {}, 1000);
console.log("ready");
`,
  });
  const { path: folder, env } = programs;
  const run = (args: readonly string[], whileRunning?: (child: ChildProcess) => void) =>
    unknot(["run", ...args], { cwd: folder, env, ...(whileRunning ? { whileRunning } : {}) });
  const onceReady = (act: (child: ChildProcess) => void) => (child: ChildProcess) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("ready")) act(child);
    });
  };
  /** Also when the program can be asked, which may be later. */
  const onceTraced = (act: (child: ChildProcess, pid: number) => void) =>
    onceReady((child) => {
      const isOwn = ({ title, pid }: Registration) => path.basename(title) === "hangs.ts" && isAlive(pid);
      void registrationOf(programs, isOwn).then(({ pid }) => act(child, pid));
    });
  const reportIn = (file: string) => JSON.parse(readFileSync(path.join(folder, file), "utf8")) as RunReport;

  const readIfThere = (file: string) =>
    existsSync(path.join(folder, file)) ? readFileSync(path.join(folder, file), "utf8") : "";

  it("leaves arguments, output and exit code as they are", async () => {
    const fine = await run(["--", "fine.ts", "3", "--report", "x"]);
    assert.deepEqual([fine.code, fine.stdout], [3, "3 [ '3', '--report', 'x' ]\n"]);
    assert.match(fine.stderr, /^to standard error$/m);
    assert.equal((await run(["--", "throws.ts"])).code, 1);
    assert.deepEqual((await run(["--", "old.cjs"])).stdout, "done old.cjs\n");
    assert.deepEqual((await run(["--", "node", "--no-warnings", "old.cjs"])).stdout, "done old.cjs\n");
  });

  it("ends by the signal that ended the program", async () => {
    assert.equal((await run(["--", "killed.ts"])).signal, "SIGTERM");
  });

  it("writes report and dump of a program that deadlocks and ends", async () => {
    const plain = spawnSync(process.execPath, ["ends.ts"], { cwd: folder });
    const { code } = await run(["--report", "ends.json", "--dump-on-exit", "ends.taskdump", "--", "ends.ts"]);
    assert.equal(code, plain.status);
    const report = reportIn("ends.json");
    assert.equal(report.version, 1);
    const [problem] = report.problems;
    assert.deepEqual(
      [problem?.id, problem?.verdict, problem?.certainty],
      ["lock-order-inversion", "deadlock", "proved"],
    );
    assert.deepEqual(
      problem?.tasks.map((task) => task.name),
      ["both", "both"],
    );
    assert.ok(problem?.at.some((at) => path.basename(at.file) === "ends.ts" && at.line === 8));
    assert.ok(report.tasks.started >= 2 && report.tasks.pending >= 2);
    assert.ok(report.coverage.instrumented.some((library) => library.startsWith("async-mutex@")));
    const { dumps, notes } = readDumps(readFileSync(path.join(folder, "ends.taskdump"), "utf8"));
    assert.deepEqual(notes, []);
    assert.equal(dumps[0]?.problems[0]?.label, "D1");
  });

  it("traces what a command of the system starts, and says when that is nothing", async function () {
    if (process.platform === "win32") this.skip();
    const { code, stdout } = await run([
      "--report",
      "system.json",
      "--",
      "sh",
      "-c",
      "node old.cjs && exit 4",
    ]);
    assert.deepEqual([code, stdout], [4, "done old.cjs\n"]);
    assert.ok(reportIn("system.json").tasks.started >= 1);
    const none = await run(["--", "sh", "-c", "exit 5"]);
    assert.equal(none.code, 5);
    assert.match(none.stderr, /^unknot: no traced program was seen/m);
  });

  it("ends with 66 when asked to fail on a problem, and only then", async () => {
    assert.equal((await run(["--fail-on-problem", "--", "ends.ts"])).code, 66);
    assert.equal((await run(["--fail-on-problem", "--", "fine.ts"])).code, 0);
  });

  it("counts what the configuration mutes, and neither prints it nor fails because of it", async () => {
    const config = path.join(folder, "unknot.config.json");
    writeFileSync(config, '{ "mutedProblems": [{ "problem": "deadlock", "file": "ends.ts" }] /* known */ }');
    try {
      const ended = await run(["--fail-on-problem", "--report", "muted.json", "--", "ends.ts"]);
      assert.notEqual(ended.code, 66);
      assert.doesNotMatch(ended.stderr, /deadlock/);
      const { problems, muted } = reportIn("muted.json");
      assert.deepEqual([problems.filter(({ verdict }) => verdict === "deadlock").length, muted], [0, 1]);
      writeFileSync(config, '{ "mutedProblems": [{ "problem": "deadlock", "file": "other.ts" }] }');
      const loud = await run(["--fail-on-problem", "--", "ends.ts"]);
      assert.equal(loud.code, 66);
      assert.match(loud.stderr, /deadlock/);
    } finally {
      rmSync(config);
    }
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`writes the report of a program that hangs before it passes ${signal} on`, async () => {
      const file = `hangs-${signal}.json`;
      const ended = await run(
        ["--report", file, "--", "hangs.ts"],
        onceTraced((child) => child.kill(signal)),
      );
      assert.equal(ended.signal, signal, ended.stderr);
      assert.deepEqual(
        reportIn(file).problems.map((problem) => problem.verdict),
        ["deadlock"],
      );
    });
  }

  it("has the report also when the program got the signal first, as from a terminal", async () => {
    const ended = await run(
      ["--report", "group.json", "--", "hangs.ts"],
      onceTraced((_, pid) => {
        const isWritten = () => readIfThere("group.json").includes('"deadlock"') || undefined;
        void until("the report", isWritten).then(() => process.kill(pid, "SIGTERM"));
      }),
    );
    assert.equal(ended.signal, "SIGTERM");
    assert.deepEqual(
      reportIn("group.json").problems.map((problem) => problem.verdict),
      ["deadlock"],
    );
  });

  it("lets the program answer a signal itself", async () => {
    const { code, stdout } = await run(
      ["--", "waits.ts"],
      onceReady((child) => child.kill("SIGTERM")),
    );
    assert.deepEqual([code, stdout], [7, "ready\nasked to end\n"]);
  });

  it("shows a running program in ps and dump", async () => {
    let listed = "";
    let dumped = "";
    await run(
      ["--", "hangs.ts"],
      onceTraced((child, pid) => {
        void (async () => {
          listed = (await unknot(["ps", "--json"], { env })).stdout;
          dumped = (await unknot(["dump", String(pid)], { env })).stdout;
          child.kill("SIGKILL");
          process.kill(pid, "SIGKILL");
        })();
      }),
    );
    assert.match(listed, /hangs\.ts/);
    assert.doesNotMatch(listed, /token/);
    assert.match(dumped, /\ndeadlock D1: task \d+ -> mutex#\d+/);
    assert.match(dumped, /hangs\.ts:8:/);
  });

  it("says in one sentence why it can't start", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [
        ["--", "nowhere.ts"],
        /^unknot: There is no program 'nowhere\.ts': name a JavaScript or TypeScript file/,
      ],
      [[], /^unknot: Say what to run: unknot run -- program\.ts\n$/],
      [["--", "node"], /^unknot: Say which file Node shall run/],
      [["--report", "no/folder/x.json", "--", "fine.ts"], /^unknot: There is no folder 'no\/folder'/],
    ];
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await run(args);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, message);
    }
    assert.ok(!existsSync(path.join(folder, "no")));
  });
});
