// `npm test`: builds, then runs every suite, also when an earlier one failed, and adds the counts up.
//   --fast          without the suites that need a VS Code
//   --suite name…   only these
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { root } from "./build.ts";

/** How test/e2e/install.ts says that this system can't have what it installs. */
const notHere = 3;

interface Suite {
  readonly name: string;
  readonly files: readonly string[];
  /** Milliseconds one test may take. */
  readonly timeout: number;
  /** Needs Chromium and a VS Code workbench. */
  readonly editor?: boolean;
}

const suites: readonly Suite[] = [
  {
    name: "unit",
    files: ["{protocol,models,dump,tracer,server,cli,client,scripts}/**/*.test.ts"],
    timeout: 30_000,
  },
  { name: "whole", files: ["test/!(e2e)/**/*.test.ts"], timeout: 120_000 },
  { name: "editor", files: ["test/e2e/**/*.spec.ts"], timeout: 180_000, editor: true },
];

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly title: string; readonly error: string }[];
}

/** Lines of an error that are repeated at the end, where readers of a long log look first. */
const errorLines = 40;

const { values } = parseArgs({
  options: { fast: { type: "boolean" }, suite: { type: "string", multiple: true } },
});
const counts = path.join(mkdtempSync(path.join(tmpdir(), "unknot-test-")), "counts");
const problems: string[] = [];

run("build", [process.execPath, "scripts/build.ts"]);
const chosen = suites.filter((suite) =>
  values.suite ? values.suite.includes(suite.name) : !(values.fast && suite.editor),
);
for (const suite of chosen) {
  if (suite.editor && !editorReady()) continue;
  run(suite.name, [
    process.execPath,
    "node_modules/mocha/bin/mocha.js",
    "--reporter",
    "test/reporter.cjs",
    "--require",
    "./test/same-seed.mjs",
    "--timeout",
    String(suite.timeout),
    ...suite.files,
  ]);
}

const total = existsSync(counts)
  ? readFileSync(counts, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Counts)
  : [];
const sum = (key: "passed" | "failed" | "skipped") => total.reduce((so, one) => so + one[key], 0);
for (const { title, error } of total.flatMap((one) => one.failures)) {
  const lines = error.split("\n").slice(0, errorLines);
  console.log(`\nfailed: ${title}\n${lines.map((line) => `    ${line}`).join("\n")}`);
}
for (const problem of problems) console.log(problem);
// A suite that broke down without a failed test counts as one.
const broken = Math.max(problems.length - total.filter((one) => one.failed > 0).length, 0);
console.log(`\n${sum("passed")} passed, ${sum("failed") + broken} failed, ${sum("skipped")} skipped`);
rmSync(path.dirname(counts), { recursive: true, force: true });
process.exitCode = problems.length === 0 ? 0 : 1;

function run(name: string, [command = "", ...args]: readonly string[]): void {
  console.log(`\n— ${name}`);
  const started = Date.now();
  const done = spawnSync(command, ["--disable-warning=ExperimentalWarning", ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, UNKNOT_TEST_COUNTS: counts },
  });
  console.log(`— ${name}: ${((Date.now() - started) / 1000).toFixed(0)} s`);
  if (done.status !== 0) problems.push(`${name} failed (${done.signal ?? `exit ${done.status}`})`);
}

/** Installs what the editor suite needs; says so when this system can't have it. */
function editorReady(): boolean {
  const done = spawnSync(process.execPath, ["test/e2e/install.ts"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", 2],
  });
  if (done.status === 0) return true;
  const message =
    done.status === notHere
      ? `The editor tests did not run: ${done.stdout.trim()}.`
      : "The editor tests did not run: what they need was not installed, see above.";
  if (process.env["CI"] === "true" || done.status !== notHere) problems.push(message);
  else console.log(message);
  return false;
}
