import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, globSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "./connection.ts";
import { findExecutable } from "./executable.ts";
import { openProgram, type ProgramOptions } from "./open-program.ts";
import type { Program } from "./program.ts";
import { startSession } from "./session.ts";
import { openPlaces, type Places } from "./testing/places.ts";
import { type TestProject, testProject } from "./testing/project.ts";

const source = `export async function f() {}\nf();`;

/**
 * A compiler that ends when it is asked to read a file of that name, unless the file is empty: a stand-in for one that
 * crashes on a text.
 */
function crashingCompiler(project: TestProject, name: string): string {
  const file = project.write(
    "bin/tsc",
    `#!${process.execPath}
const { spawn } = require("node:child_process");
const tsc = spawn(${JSON.stringify(findExecutable())}, process.argv.slice(2), { stdio: ["pipe", "pipe", "ignore"] });
let isReading = false;
tsc.stdout.on("data", (data) => {
  isReading = data.includes("readFile") && data.includes(${JSON.stringify(name)});
  process.stdout.write(data);
});
process.stdin.on("data", (data) => {
  if (isReading && !data.includes('{"content":""}')) { tsc.kill("SIGKILL"); process.exit(2); }
  tsc.stdin.write(data);
});
process.stdin.on("end", () => tsc.kill("SIGKILL"));
tsc.on("exit", () => process.exit(1));
`,
  );
  chmodSync(file, 0o755);
  return file;
}

describe("TypeScript's process", function () {
  this.timeout(60_000);
  let places: Places;
  const toDispose: (() => void)[] = [];

  before(() => {
    places = openPlaces();
  });
  afterEach(() => {
    for (const dispose of toDispose.splice(0).reverse()) dispose();
  });
  after(() => places.close());

  const write = (files: Readonly<Record<string, string>>): TestProject => {
    const project = testProject(files);
    toDispose.push(project.dispose);
    return project;
  };
  const open = (project: TestProject, options: ProgramOptions = {}): Program => {
    const program = openProgram(options);
    toDispose.push(program.close);
    program.open([project.folder]);
    return program;
  };
  const two = () => write({ "tsconfig.json": "{}", "a.ts": source, "b.ts": source });
  /** True when the program knows where the call of `f` leads. */
  const knows = (program: Program, file: string): boolean => {
    program.facts(file);
    return program.symbols(file, [places.idOf("a.ts", source, "f", -1)])[0]?.kind === "declared";
  };

  it("is started again when it was killed between questions", () => {
    const project = two();
    let pid = 0;
    const program = open(project, { watch: { begin: (now) => (pid = now) } });
    assert.ok(knows(program, project.path("a.ts")));
    const first = pid;
    process.kill(first, "SIGKILL");
    assert.ok(knows(program, project.path("b.ts")));
    assert.notEqual(pid, first);
    // Whatever is asked, it is answered.
    for (const act of [
      () => program.commit(),
      () => program.open([project.path("a.ts")]),
      () => program.setBuffer(project.path("a.ts"), `${source}\n`),
      () => program.commit(),
      () => program.text(project.path("a.ts")),
    ]) {
      process.kill(pid, "SIGKILL");
      act();
    }
    assert.equal(program.text(project.path("a.ts")), `${source}\n`);
    assert.deepEqual(program.notices(), []);
  });

  it("is started again when it dies of a question, which is asked once more", () => {
    const project = two();
    let deaths = 1;
    let armed = false;
    const begin = (pid: number) => {
      if (!armed || deaths === 0) return;
      deaths -= 1;
      process.kill(pid, "SIGKILL");
    };
    const program = open(project, { watch: { begin } });
    program.facts(project.path("a.ts"));
    armed = true;
    assert.ok(knows(program, project.path("a.ts")));
    assert.equal(deaths, 0);
  });

  it("is not asked again what it dies of every time, and answers the rest", () => {
    const project = two();
    let armed = false;
    let begun = 0;
    const begin = (pid: number) => {
      if (!armed) return;
      begun += 1;
      // The second time it only opens the project again.
      if (begun !== 2) process.kill(pid, "SIGKILL");
    };
    const deadly = open(project, { watch: { begin } });
    for (const file of deadly.files()) deadly.facts(file);
    armed = true;
    assert.equal(knows(deadly, project.path("a.ts")), false);
    armed = false;
    assert.match(deadly.notices()[0]?.message ?? "", /ends at questions about '.*a\.ts'/);
    assert.ok(knows(deadly, project.path("b.ts")));
    assert.equal(knows(deadly, project.path("a.ts")), false);
    deadly.setBuffer(project.path("a.ts"), `${source} `);
    deadly.commit();
    assert.ok(knows(deadly, project.path("a.ts")));
    assert.deepEqual(deadly.notices(), []);
  });

  it("hung and killed by a watchdog, is started again", () => {
    if (process.platform === "win32") return;
    const project = two();
    let pid = 0;
    const program = open(project, { watch: { begin: (now) => (pid = now) } });
    program.facts(project.path("a.ts"));
    const hung = pid;
    process.kill(hung, "SIGSTOP");
    // A thread that is still running could answer before it stops.
    while (isRunning(hung));
    spawn("sh", ["-c", `sleep 0.3; kill -KILL ${hung}`], { stdio: "ignore" });
    assert.ok(knows(program, project.path("a.ts")));
    assert.notEqual(pid, hung);
  });

  it("does not see the file that it crashes on", () => {
    if (process.platform === "win32") return;
    const names = ["a.ts", "crash.ts", "b.ts"];
    const project = write({
      "tsconfig.json": JSON.stringify({ files: names }),
      ...Object.fromEntries(names.map((name) => [name, source])),
    });
    const program = open(project, { executable: crashingCompiler(project, "/crash.ts") });
    assert.deepEqual(program.files(), names.map(project.path).sort());
    assert.ok(knows(program, project.path("a.ts")));
    assert.ok(knows(program, project.path("b.ts")));
    assert.equal(program.facts(project.path("crash.ts")), undefined);
    assert.match(
      program
        .notices()
        .map(({ message }) => message)
        .join(),
      /^TypeScript's process ends when it reads '.*crash\.ts'/,
    );
    program.setBuffer(project.path("crash.ts"), "");
    program.commit();
    assert.ok(program.facts(project.path("crash.ts")));
    assert.deepEqual(program.notices(), []);
  });

  it("does not open the project that it crashes on", () => {
    if (process.platform === "win32") return;
    const project = write({
      "good/tsconfig.json": "{}",
      "good/a.ts": source,
      "bad/tsconfig.json": "{}",
      "bad/b.ts": source,
    });
    const program = open(project, { executable: crashingCompiler(project, "/bad/tsconfig.json") });
    assert.ok(knows(program, project.path("good/a.ts")));
    assert.match(program.notices()[0]?.message ?? "", /ends when it opens '.*bad\/tsconfig\.json'/);
  });

  it("that never lives long ends the analysis with one sentence", () => {
    if (process.platform === "win32") return;
    const project = two();
    const executable = project.write("bin/tsc", `#!${process.execPath}\nprocess.exit(3);\n`);
    chmodSync(executable, 0o755);
    assert.throws(() => open(project, { executable }), {
      name: "TypeScriptUnavailable",
      message: /^TypeScript's process ends as soon as it starts \('.*bin\/tsc'\); install/,
    });
  });

  it("that can't be started is named", () => {
    const project = two();
    assert.throws(() => openProgram({ executable: project.path("nope") }), {
      message: /nope' does not exist/,
    });
    if (process.platform === "win32") return;
    const executable = project.write("bin/tsc", "not a program");
    assert.throws(() => open(project, { executable }), { message: /bin\/tsc' can't be started/ });
  });

  it("keeps one snapshot, and drops it with the next", () => {
    const project = two();
    const executable = findExecutable();
    const nothing = () => undefined;
    const session = startSession({
      executable,
      overlay: {
        readFile: nothing,
        fileExists: nothing,
        directoryExists: nothing,
        getAccessibleEntries: nothing,
      },
      watch: { begin: nothing, end: nothing, stopped: nothing },
      onUnavailable: nothing,
      quarantine: () => false,
      onUnopenable: nothing,
    });
    session.update({ open: [project.path("tsconfig.json")] });
    const first = session.ask((snapshot) => snapshot);
    const { epoch } = session;
    session.update({ changed: [project.write("a.ts", "export {};")] });
    assert.equal(session.epoch, epoch + 1);
    assert.ok(first.isDisposed());
    assert.equal(session.ask((snapshot) => snapshot).isDisposed(), false);
    session.rest();
  });

  it("survives exceptions in callbacks", () => {
    const project = two();
    const fail = (): never => {
      throw new Error("no");
    };
    const overlay = { readFile: fail, fileExists: fail, directoryExists: fail, getAccessibleEntries: fail };
    const connection = connect(findExecutable(), overlay, true);
    const snapshot = connection.api.updateSnapshot({ openProjects: [project.path("tsconfig.json")] });
    assert.equal(snapshot.getProjects()[0]?.rootFiles.length, 2);
    assert.ok(connection.answers());
    connection.end();
    assert.equal(connection.answers(), false);
    connection.end();
  });

  it("ends with the process that started it, also when that is killed", async () => {
    if (process.platform === "win32") return;
    const project = two();
    const module = new URL("./open-program.ts", import.meta.url).href;
    const script = project.write(
      "start.mts",
      `import { openProgram } from ${JSON.stringify(module)};
const program = openProgram({ watch: { begin: (pid: number) => console.log(pid) } });
program.open([${JSON.stringify(project.folder)}]);
setInterval(() => undefined, 1000);
`,
    );
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    const pid = await new Promise<number>((resolve) =>
      child.stdout.once("data", (data) => resolve(Number.parseInt(String(data), 10))),
    );
    assert.ok(isAlive(pid));
    child.kill("SIGKILL");
    while (isAlive(pid)) await sleep(20);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie counts as gone: nobody may be there to reap it.
  return !(existsSync(`/proc/${pid}/stat`) && /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8")));
}

/** Whether a thread of a stopped process still runs, where the system tells. */
function isRunning(pid: number): boolean {
  return globSync(`/proc/${pid}/task/*/stat`).some((file) => !readFileSync(file, "utf8").includes(") T "));
}
