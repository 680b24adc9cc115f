import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type TestProject, testProject } from "../program/testing/project.ts";
import { type AnalysisHost, type AnalysisHostOptions, startAnalysis } from "./host.ts";

describe("analysis host", function () {
  this.timeout(60_000);
  const toDispose: (() => unknown)[] = [];

  afterEach(async () => {
    for (const dispose of toDispose.splice(0).reverse()) await dispose();
  });

  const write = (files: Readonly<Record<string, string>>): TestProject => {
    const project = testProject(files);
    toDispose.push(project.dispose);
    return project;
  };
  const start = (project: TestProject, options: AnalysisHostOptions = {}) => {
    const troubles: string[] = [];
    const host = startAnalysis({ onTrouble: (message) => troubles.push(message), ...options });
    toDispose.push(() => host.dispose());
    host.open([project.folder]);
    return { host, troubles };
  };
  const two = () => write({ "tsconfig.json": "{}", "a.ts": "export {};", "b.ts": "export {};" });
  const pidOf = (host: AnalysisHost): number => {
    const pid = host.typescriptPid();
    assert.ok(pid);
    return pid;
  };

  it("analyses what is open, and takes in changes with the next request", async () => {
    const project = two();
    const { host, troubles } = start(project);
    const first = await host.analyze();
    assert.deepEqual(first.files, [project.path("a.ts"), project.path("b.ts")]);
    assert.deepEqual(first.failures, []);
    assert.equal(first.stats.questions.trees, 2);
    host.setBuffer(project.path("a.ts"), "export const a = 1;");
    const second = await host.analyze({ files: [project.path("a.ts")] });
    assert.equal(second.generation, first.generation + 1);
    assert.equal(second.stats.questions.trees, 3);
    host.invalidate([project.write("c.ts", "export {};")]);
    assert.equal((await host.analyze()).files.length, 3);
    host.open([project.path("b.ts")]);
    assert.deepEqual((await host.analyze()).files, [project.path("b.ts")]);
    assert.deepEqual(troubles, []);
  });

  it("lets TypeScript's collector run less often when there is one analysis only", async function () {
    if (process.platform !== "linux") this.skip();
    const project = two();
    const collectorOf = async (options: AnalysisHostOptions) => {
      const { host } = start(project, options);
      await host.analyze();
      const environment = readFileSync(`/proc/${pidOf(host)}/environ`, "latin1").split("\0");
      return environment.filter((one) => one.startsWith("GOGC="));
    };
    const usual = process.env["GOGC"];
    delete process.env["GOGC"];
    try {
      assert.deepEqual(await collectorOf({}), []);
      assert.deepEqual(await collectorOf({ isBrief: true }), ["GOGC=200"]);
      process.env["GOGC"] = "50";
      assert.deepEqual(await collectorOf({ isBrief: true }), ["GOGC=50"]);
    } finally {
      if (usual === undefined) delete process.env["GOGC"];
      else process.env["GOGC"] = usual;
    }
  });

  it("reports progress and notices", async () => {
    const project = two();
    project.write("tsconfig.json", `{ "extends": "./nope.json" }`);
    const { host } = start(project);
    const steps: string[] = [];
    const report = await host.analyze({ onProgress: (done, total) => steps.push(`${done}/${total}`) });
    assert.equal(steps.at(-1), "2/2");
    assert.match(report.notices[0]?.message ?? "", /nope\.json/);
  });

  it("answers requests in order, and skips those that are aborted", async () => {
    const project = two();
    const { host } = start(project);
    const order: string[] = [];
    const controller = new AbortController();
    const requests = [
      host.analyze().then(() => order.push("first")),
      host.analyze({ signal: controller.signal }).catch((error: Error) => order.push(error.message)),
      host.analyze().then(() => order.push("third")),
    ];
    controller.abort(new Error("no longer wanted"));
    await Promise.all(requests);
    assert.deepEqual(order, ["no longer wanted", "first", "third"]);
    await assert.rejects(host.analyze({ signal: AbortSignal.abort(new Error("too late")) }), /too late/);
  });

  it("frees who waits at once when a running request is aborted, and goes on", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`f${index}.ts`, "export {};\n"]),
    );
    const project = write({ "tsconfig.json": "{}", ...files });
    const { host } = start(project);
    const controller = new AbortController();
    let last = 0;
    const aborted = host.analyze({
      signal: controller.signal,
      onProgress: (done) => {
        last = done;
        controller.abort(new Error("enough"));
      },
    });
    await assert.rejects(aborted, /enough/);
    assert.ok(last < 200);
    assert.equal((await host.analyze()).files.length, 200);
  });

  it("starts TypeScript's process again when it was killed", async () => {
    const project = two();
    const { host, troubles } = start(project);
    await host.analyze();
    const pid = pidOf(host);
    process.kill(pid, "SIGKILL");
    host.setBuffer(project.path("a.ts"), "export const a = 1;");
    assert.equal((await host.analyze()).files.length, 2);
    assert.notEqual(pidOf(host), pid);
    assert.deepEqual(troubles, []);
  });

  it("never blocks while TypeScript's process is stopped, and gets over it", async () => {
    if (process.platform !== "linux") return;
    const project = two();
    const { host, troubles } = start(project);
    await host.analyze();
    const pid = pidOf(host);
    process.kill(pid, "SIGSTOP");
    host.setBuffer(project.path("a.ts"), "export const a = 1;");
    // A thread that waits with the worker has no turns meanwhile, or one; a busy machine gives it more of them.
    let turns = 0;
    const counting = setInterval(() => turns++, 10);
    assert.equal((await host.analyze()).files.length, 2);
    clearInterval(counting);
    assert.ok(turns >= 5, `${turns} turns`);
    assert.notEqual(pidOf(host), pid);
    assert.deepEqual(troubles, ["TypeScript's process does not answer, so it is started again."]);
  });

  it("kills TypeScript's process when a question takes too long", async () => {
    if (process.platform === "win32") return;
    const project = two();
    const { host, troubles } = start(project, { budgets: { openMs: 1000, questionMs: 1000 } });
    await host.analyze();
    process.kill(pidOf(host), "SIGSTOP");
    host.setBuffer(project.path("a.ts"), "export const a = 1;");
    assert.equal((await host.analyze()).files.length, 2);
    assert.equal(troubles.length, 1);
  });

  it("says so when memory is short, and works again with less to do", async () => {
    const line = "export const x = [() => f(() => g(1, 2, 3)), async () => { await h(); }];\n";
    const project = write({ "small/a.ts": "export {};", "large/a.ts": line.repeat(30_000) });
    const { host, troubles } = start(project, { resourceLimits: { maxOldGenerationSizeMb: 24 } });
    host.open([project.path("large")]);
    await assert.rejects(host.analyze(), {
      name: "AnalysisUnavailable",
      message:
        "The analysis ended twice (it ran out of memory); allow it more memory or open fewer projects at once.",
    });
    assert.deepEqual(troubles, new Array(2).fill("The analysis is started again: it ran out of memory."));
    host.open([project.path("small")]);
    assert.equal((await host.analyze()).files.length, 1);
  });

  it("keeps to the memory it may take", async () => {
    const line = "export const x = [() => f(() => g(1, 2, 3)), async () => { await h(); }];\n";
    const project = write({ "a.ts": line.repeat(20_000), "b.ts": line.repeat(20_000) });
    const { host, troubles } = start(project, { maxMemoryMb: 10 });
    await assert.rejects(host.analyze(), { message: /it takes \d+ MB of the 10 MB it may take/ });
    assert.equal(troubles.length, 2);
  });

  it("names what is missing", async () => {
    const project = two();
    const { host } = start(project, { executable: project.path("nope") });
    await assert.rejects(host.analyze(), { name: "AnalysisUnavailable", message: /nope' does not exist/ });
    await assert.rejects(host.analyze(), { name: "AnalysisUnavailable", message: /nope' does not exist/ });
  });

  it("rests, keeping what was told", async () => {
    const project = two();
    const { host } = start(project);
    await host.analyze();
    const pid = pidOf(host);
    host.setBuffer(project.path("c.ts"), "export {};");
    await host.rest();
    assert.equal(host.typescriptPid(), undefined);
    await gone(pid);
    assert.equal((await host.analyze()).files.length, 3);
  });

  it("leaves no process behind, not even a stopped one", async () => {
    const project = two();
    const { host } = start(project);
    await host.analyze();
    const pid = pidOf(host);
    if (process.platform !== "win32") process.kill(pid, "SIGSTOP");
    host.setBuffer(project.path("a.ts"), "");
    const request = assert.rejects(host.analyze(), { name: "AnalysisUnavailable" });
    await host.dispose();
    await request;
    await gone(pid);
    await assert.rejects(host.analyze(), { name: "AnalysisUnavailable" });
  });
});

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(10);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !(existsSync(`/proc/${pid}/stat`) && /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8")));
}
