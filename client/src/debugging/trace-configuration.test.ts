import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type Configuration,
  isFromTerminal,
  isNode,
  isTracerWorker,
  launchOf,
  nodeOptionsOf,
  runsTypeScriptAsIs,
  type TraceSettings,
  threadOf,
  wantsTrace,
  withSkippedTracer,
  withTracer,
} from "./trace-configuration.ts";

const on: TraceSettings = { debugSessions: true, configurations: {} };
const launch = { type: "pwa-node", request: "launch", name: "Run main.ts", program: "/app/main.ts" };
const files = { shim: "/home/me/shim.cjs", register: "/ext/tracer/register.cjs", folder: "/ext/tracer" };

describe("which debug configurations are traced", () => {
  const cases: readonly (readonly [string, Configuration, TraceSettings, boolean])[] = [
    ["a Node launch", launch, on, true],
    ["a command in the debug terminal", { ...launch, type: "node-terminal" }, on, true],
    ["a process that js-debug reports by itself", { ...launch, __pendingTargetId: "7" }, on, false],
    ["an attach", { ...launch, request: "attach" }, on, false],
    ["a browser", { ...launch, type: "pwa-chrome" }, on, false],
    ["Deno", { ...launch, runtimeExecutable: "/usr/bin/deno" }, on, false],
    ["Bun on Windows", { ...launch, runtimeExecutable: "bun.exe" }, on, false],
    ["a package manager's script", { ...launch, runtimeExecutable: "npm" }, on, true],
    ["one that says no in its environment", { ...launch, env: { UNKNOT_TRACE: "0" } }, on, false],
    [
      "a file that the user runs traced",
      { ...launch, __unknotTraced: true },
      { ...on, debugSessions: false },
      true,
    ],
    ["any when the setting is off", launch, { ...on, debugSessions: false }, false],
    [
      "one that is always traced",
      launch,
      { debugSessions: false, configurations: { "Run main.ts": "always" } },
      true,
    ],
    ["one that is never traced", launch, { ...on, configurations: { "Run main.ts": "never" } }, false],
    [
      "one beside it",
      { ...launch, name: "Other" },
      { ...on, configurations: { "Run main.ts": "never" } },
      true,
    ],
  ];
  for (const [what, configuration, settings, expected] of cases) {
    it(`${what}: ${expected ? "yes" : "no"}`, () => {
      assert.equal(wantsTrace(configuration, settings), expected);
    });
  }
});

describe("a process that js-debug has found in a terminal", () => {
  const attached = { type: "node-terminal", request: "attach", name: "JavaScript Debug Terminal" };

  it("is told from what is started, and stepping skips the tracer there, too", () => {
    assert.ok(isFromTerminal(attached));
    assert.ok(!isFromTerminal({ ...attached, request: "launch" }));
    assert.ok(!isFromTerminal({ ...launch, request: "attach" }));
    assert.deepEqual(withSkippedTracer({ ...attached, skipFiles: ["<node_internals>/**"] }, files), {
      ...attached,
      skipFiles: ["<node_internals>/**", "/ext/tracer/**", "/home/me/shim.cjs"],
    });
  });
});

describe("a traced debug configuration", () => {
  it("carries the launch, the tracer and the shim", () => {
    const traced = withTracer(launch, files, "launch-1");
    assert.equal(launchOf(traced), "launch-1");
    assert.deepEqual(traced, {
      ...launch,
      env: {
        NODE_OPTIONS: '--require "/home/me/shim.cjs"',
        UNKNOT_REGISTER: "/ext/tracer/register.cjs",
        UNKNOT_SESSION: "launch-1",
      },
      skipFiles: ["/ext/tracer/**", "/home/me/shim.cjs"],
    });
    assert.equal(launchOf(launch), undefined);
  });

  it("is not made for the tracer's own worker thread, nor are other workers mistaken for it", () => {
    const child = (name: string) => ({ type: "pwa-node", name, __pendingTargetId: "7" });
    assert.ok(isTracerWorker(child("[worker 1] Unknot tracer")));
    assert.ok(!isTracerWorker(child("[worker 2] resize")));
    assert.ok(!isTracerWorker(child("main.ts [4242]")));
    assert.ok(!isTracerWorker({ type: "pwa-node", name: "Unknot tracer" }));
  });

  it("keeps what the configuration and its envFile say", () => {
    const own = {
      ...launch,
      env: { A: "1", NODE_OPTIONS: "--no-warnings" },
      skipFiles: ["<node_internals>/**"],
    };
    const traced: Configuration = withTracer(own, files, "1", "--stack-trace-limit=5");
    assert.deepEqual((traced.env as Record<string, string>)["A"], "1");
    assert.match(nodeOptions(traced), /^--no-warnings --require/);
    assert.deepEqual(traced.skipFiles, ["<node_internals>/**", "/ext/tracer/**", "/home/me/shim.cjs"]);
    assert.match(
      nodeOptions(withTracer(launch, files, "1", "--stack-trace-limit=5")),
      /^--stack-trace-limit=5 --require/,
    );
  });

  it("gives a path that Node reads back, whatever it contains", () => {
    const folder = path.join(mkdtempSync(path.join(tmpdir(), "unknot-")), `a b's \\ "c" (d)`);
    mkdirSync(folder, { recursive: true });
    const shim = path.join(folder, "shim.cjs");
    writeFileSync(shim, "console.log('shim ran');");
    const env = { ...process.env, NODE_OPTIONS: nodeOptions(withTracer(launch, { ...files, shim }, "1")) };
    const output = execFileSync(process.execPath, ["-e", ""], { env, encoding: "utf8" });
    rmSync(path.dirname(folder), { recursive: true });
    assert.equal(output, "shim ran\n");
  });

  it("skips the tracer's files also below folders with glob characters", () => {
    const odd = { ...files, folder: "C:\\Users\\me (work)\\[ext]\\tracer" };
    assert.equal(
      (withTracer(launch, odd, "1") as Configuration & { skipFiles: string[] }).skipFiles[0],
      "C:/Users/me ?work?/?ext?/tracer/**",
    );
  });
});

describe("programs that a Node without TypeScript can't start", () => {
  const cases: readonly (readonly [string, Configuration, boolean])[] = [
    ["main.ts", launch, true],
    [
      "main.mts on a Node that is named",
      { ...launch, program: "main.mts", runtimeExecutable: "/opt/node20/bin/node" },
      true,
    ],
    ["main.js", { ...launch, program: "main.js" }, false],
    ["none", { ...launch, program: undefined }, false],
    ["main.ts after a task", { ...launch, preLaunchTask: "tsc: build" }, false],
    ["main.ts by tsx", { ...launch, runtimeExecutable: "tsx" }, false],
    ["main.ts with a loader", { ...launch, runtimeArgs: ["--import", "tsx"] }, false],
    ["main.ts with a loader in one word", { ...launch, runtimeArgs: ["--import=tsx"] }, false],
    [
      "main.ts with a loader in NODE_OPTIONS",
      { ...launch, env: { NODE_OPTIONS: "-r ts-node/register" } },
      false,
    ],
    ["main.ts with another flag", { ...launch, runtimeArgs: ["--inspect"] }, true],
  ];
  for (const [what, configuration, expected] of cases) {
    it(`${what}: ${expected ? "yes" : "no"}`, () =>
      assert.equal(runsTypeScriptAsIs(configuration), expected));
  }

  it("knows Node by its name", () => {
    for (const name of ["node", "node.exe", "/usr/bin/node", "nodejs", "node22"])
      assert.ok(isNode(name), name);
    for (const name of ["tsx", "nodemon", "node-dev", undefined, 7]) assert.ok(!isNode(name), String(name));
  });

  it("knows which thread a debug session of js-debug is for", () => {
    assert.deepEqual(threadOf("main.ts [4242]", "Run main.ts"), { pid: 4242, threadId: 0 });
    assert.deepEqual(threadOf("[worker 3] resize.js", "main.ts [4242]"), { pid: 4242, threadId: 3 });
    assert.equal(threadOf("Run main.ts", undefined), undefined);
    assert.equal(threadOf("[worker 3]", undefined), undefined);
  });
});

describe("NODE_OPTIONS of an envFile", () => {
  it("is found, unquoted, and not confused with others", () => {
    assert.equal(nodeOptionsOf("A=1\nNODE_OPTIONS=--no-warnings\n"), "--no-warnings");
    assert.equal(nodeOptionsOf('  export NODE_OPTIONS = "--a --b"  \r\n'), "--a --b");
    assert.equal(nodeOptionsOf("# NODE_OPTIONS=--x\nMY_NODE_OPTIONS=--y"), undefined);
  });
});

function nodeOptions(configuration: Configuration): string {
  return (configuration.env as Readonly<Record<string, string>>)["NODE_OPTIONS"] ?? "";
}
