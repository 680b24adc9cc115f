// `node bench/guest/suites.ts <checkout…>`: runs the own tests of packages with and without the tracer and says which
// test came out differently. A checkout is a clone of the repository at the tag of a version, with its dependencies.
//   --node PATH   the Node that runs the tests (this one)
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

/** How the tests of a package are run so that they are reported as TAP, from its folder. */
const commands: Readonly<Record<string, (node: string) => readonly string[]>> = {
  // ts-node compiles them; they are no modules for Node's own stripping of types.
  "async-mutex": (node) => [
    node,
    "--no-experimental-strip-types",
    "node_modules/mocha/bin/_mocha",
    "--reporter=tap",
    "test/*.ts",
  ],
  "p-queue": (node) => [node, "--import=tsx/esm", "--test", "--test-reporter=tap", ...globbed("test/*.ts")],
  "p-limit": (node) => [node, "node_modules/ava/entrypoints/cli.mjs", "--tap"],
  fastify: (node) => [node, "--test", "--test-reporter=tap", ...globbed("test/**/*.test.{js,mjs}")],
  // Those of WPT, Autobahn and jest have runners of their own; `npm run generate-pem` and `build:node` come first.
  undici: (node) => [
    node,
    "--expose-gc",
    "--test",
    "--test-timeout=180000",
    // Most of the time they wait.
    "--test-concurrency=4",
    "--test-reporter=tap",
    ...globbed(`test/{${undiciFolders.join()}}*.js`),
  ],
};

const undiciFolders = [
  "",
  "busboy/",
  "cache/",
  "cache-interceptor/",
  "cookie/",
  "eventsource/",
  "fetch/",
  "infra/",
  "interceptors/",
  "node-fetch/**/",
  "node-test/**/",
  "subresource-integrity/",
  "webidl/",
  "websocket/**/",
];

const register = path.join(import.meta.dirname, "..", "..", "dist", "npm", "register.cjs");
let folder = "";

interface Outcome {
  readonly exitCode: number | null;
  /** The result of each test by its name; of several with one name all of them. */
  readonly tests: ReadonlyMap<string, string>;
  readonly count: number;
  /** What the tracer saw: threads that left a dump, and the tasks that they started. */
  readonly threads: number;
  readonly tasks: number;
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { node: { type: "string" } } });
if (positionals.length === 0 || !existsSync(register)) {
  console.error(
    positionals.length === 0
      ? `Takes checkouts of ${Object.keys(commands).join(", ")}.`
      : "The tracer is not built: run 'npm run build' first.",
  );
  process.exitCode = 2;
}
for (const checkout of positionals) {
  folder = path.resolve(checkout);
  const { name, version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
  };
  const command = commands[name]?.(values.node ?? process.execPath);
  if (command === undefined) {
    console.error(`It is not known how the tests of '${name}' are run.`);
    process.exitCode = 2;
    continue;
  }
  const [plain, again, traced] = [
    runTests(command, false),
    runTests(command, false),
    runTests(command, true),
  ];
  const unsteady = new Set(differences(plain, again));
  const changed = differences(plain, traced).filter((test) => !unsteady.has(test));
  console.log(
    `${name} ${version}: ${plain.count} tests untraced (exit ${plain.exitCode}), ${traced.count} traced (exit ${traced.exitCode}); ` +
      `${traced.tasks} tasks in ${traced.threads} threads; ${changed.length} different` +
      (unsteady.size > 0 ? `, and ${unsteady.size} that differ between two untraced runs` : ""),
  );
  for (const test of changed) {
    console.log(
      `  ${test}: ${plain.tests.get(test) ?? "not run"} untraced, ${traced.tests.get(test) ?? "not run"} traced`,
    );
  }
  if (changed.length > 0 || plain.count === 0 || traced.threads === 0) process.exitCode = 1;
}

function globbed(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: folder, exclude: (file) => file.includes("node_modules") }).sort();
}

function runTests([file = "", ...args]: readonly string[], isTraced: boolean): Outcome {
  const runtimeFolder = mkdtempSync(path.join(tmpdir(), "unknot-suites-"));
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1", CI: "1" };
  delete env["NODE_OPTIONS"];
  if (isTraced) {
    Object.assign(env, {
      NODE_OPTIONS: `--require ${register}`,
      UNKNOT_RUNTIME_FOLDER: runtimeFolder,
      UNKNOT_SESSION: "suites",
      UNKNOT_LAST_DUMP: "always",
      UNKNOT_REPORT_STDERR: "0",
    });
  }
  const { status, stdout } = spawnSync(file, args, {
    cwd: folder,
    env,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const dumps = readdirSync(runtimeFolder).filter((each) => each.endsWith(".last.json"));
  const started = dumps.map(
    (each) =>
      (JSON.parse(readFileSync(path.join(runtimeFolder, each), "utf8")) as { started?: number }).started ?? 0,
  );
  rmSync(runtimeFolder, { recursive: true, force: true });
  return {
    exitCode: status,
    ...testsOf(stdout),
    threads: dumps.length,
    tasks: started.reduce((sum, each) => sum + each, 0),
  };
}

/** The tests of a TAP report, those inside of others with the names of these. */
function testsOf(report: string): Pick<Outcome, "tests" | "count"> {
  const tests = new Map<string, string[]>();
  let count = 0;
  const around: string[] = [];
  for (const line of report.split("\n")) {
    const subtest = /^( *)# Subtest: (.*)$/.exec(line);
    if (subtest !== null) {
      around.length = (subtest[1] ?? "").length / 4;
      around.push(subtest[2] ?? "");
      continue;
    }
    const result = /^( *)(ok|not ok) \d+ ?-? ?(.*)$/.exec(line);
    if (result === null) continue;
    const [, indent = "", outcome = "", name = ""] = result;
    const depth = indent.length / 4;
    const full = [...around.slice(0, depth), withoutTimes(name)].join(" > ");
    tests.set(full, [...(tests.get(full) ?? []), outcome]);
    count++;
  }
  return { count, tests: new Map([...tests].map(([name, all]) => [name, all.sort().join()])) };
}

/** Runners write how long a test took, and paths of files that are made for a run. */
function withoutTimes(name: string): string {
  return name.replace(/ # (time=|SKIP|TODO).*$/, "").replace(/ \(\d[\d.]*m?s\)$/, "");
}

function differences(one: Outcome, other: Outcome): readonly string[] {
  const names = new Set([...one.tests.keys(), ...other.tests.keys()]);
  return [...names].filter((name) => one.tests.get(name) !== other.tests.get(name));
}
