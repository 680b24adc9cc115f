// `npm run accuracy`: checks real repositories at pinned commits and compares what is found with docs/accuracy.md,
// where a person has judged every error and warning. Fails when a finding has no verdict, or a verdict no finding.
//   --from <folder>   copies checkouts of the pinned commits from `<folder>/<name>` instead of asking GitHub
//   --only <name>     one repository
//   --write           rewrites the summary of docs/accuracy.md
//   --list            prints every finding as a row of the table, to be judged
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildAll, root } from "./build.ts";

const page = path.join(root, "docs", "accuracy.md");
const cli = path.join(root, "dist", "npm", "unknot.mjs");
const cache = path.join(tmpdir(), "unknot-accuracy");

/** What was judged in one repository. */
interface Judged {
  /** `timgit/pg-boss`. */
  readonly name: string;
  readonly commit: string;
  /** It is also checked with its dependencies installed. */
  readonly installs: boolean;
  readonly verdicts: readonly Verdict[];
}

interface Verdict {
  /** `src/a.ts:12 floating-task`. */
  readonly finding: string;
  readonly dependencies: "both" | "with" | "without";
  readonly isTrue: boolean;
}

interface Outcome {
  readonly judged: Judged;
  readonly installed: boolean;
  readonly lines: number;
  readonly found: readonly string[];
}

const { values: options } = parseArgs({
  options: {
    from: { type: "string" },
    only: { type: "string" },
    write: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

await buildAll();
const text = readFileSync(page, "utf8");
const outcomes: Outcome[] = [];
let isWrong = false;
for (const judged of readVerdicts(text)) {
  if (options.only !== undefined && judged.name.split("/").at(-1) !== options.only) continue;
  for (const installed of judged.installs ? [false, true] : [false]) {
    const outcome = check(judged, installed);
    outcomes.push(outcome);
    isWrong = compare(outcome) || isWrong;
  }
}
const summary = summaryOf(outcomes);
console.log(`\n${summary}`);
if (options.only === undefined) {
  const written = text.replace(/(<!-- summary -->\n)[\s\S]*?(<!-- end of summary -->)/, `$1\n${summary}\n$2`);
  if (options.write) writeFileSync(page, written);
  else if (written !== text) {
    console.log("The summary of docs/accuracy.md is another one: `npm run accuracy -- --write` writes it.");
    isWrong = true;
  }
}
process.exitCode = isWrong ? 1 : 0;

/** The sections of the page: `## owner/name`, a commit, a table of findings. */
function readVerdicts(markdown: string): Judged[] {
  return markdown.split(/^## /m).flatMap((section): Judged[] => {
    const name = /^([\w.-]+\/[\w.-]+)\n/.exec(section)?.[1];
    const commit = /^Commit `([0-9a-f]{40})`/m.exec(section)?.[1];
    if (name === undefined || commit === undefined) return [];
    const rows = [
      ...section.matchAll(/^\| `([^`]+)` \| ([a-z-]+) \| (both|with|without) \| (true|false) \|/gm),
    ];
    return [
      {
        name,
        commit,
        installs: /^Commit .*with and without dependencies/m.test(section),
        verdicts: rows.map(([, place, rule, dependencies, verdict]) => ({
          finding: `${place} ${rule}`,
          dependencies: dependencies as Verdict["dependencies"],
          isTrue: verdict === "true",
        })),
      },
    ];
  });
}

/** A checkout of the pinned commit, installed or bare, that nothing else touches. */
function checkoutOf({ name, commit }: Judged, installed: boolean): string {
  const short = name.split("/").at(-1) ?? name;
  const folder = path.join(cache, `${short}-${commit.slice(0, 12)}${installed ? "-installed" : ""}`);
  const done = path.join(folder, ".git", "unknot-ready");
  if (existsSync(done)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (options.from === undefined) {
    run("git", ["init", "--quiet"], folder);
    run("git", ["fetch", "--quiet", "--depth", "1", `https://github.com/${name}.git`, commit], folder);
    run("git", ["checkout", "--quiet", "FETCH_HEAD"], folder);
  } else {
    const source = path.resolve(options.from, short);
    const head = run("git", ["rev-parse", "HEAD"], source).stdout.trim();
    if (head !== commit)
      throw new Error(`${source} stands at ${head}, and the verdicts are about ${commit}.`);
    cpSync(source, folder, { recursive: true, filter: (file) => path.basename(file) !== "node_modules" });
  }
  if (installed) {
    const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"];
    run("npm", ["install", ...quiet], folder);
  }
  writeFileSync(done, "");
  return folder;
}

function check(judged: Judged, installed: boolean): Outcome {
  const folder = checkoutOf(judged, installed);
  const label = `${judged.name}, ${installed ? "with" : "without"} dependencies`;
  const started = performance.now();
  const { stdout } = run(
    process.execPath,
    [cli, "check", "--format", "json", "--severity", "warning", "--fail-on", "error", "--stats"],
    folder,
    [0, 1],
  );
  const { findings, notices } = JSON.parse(stdout) as {
    findings: { file: string; line: number; rule: string; message: string }[];
    notices: { message: string }[];
  };
  console.log(`${label}: ${findings.length} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const { message } of notices) if (message.includes("failed")) console.log(`  ${message}`);
  if (options.list) {
    for (const { file, line, rule, message } of findings)
      console.log(`| \`${file}:${line}\` | ${rule} | ${message}`);
  }
  return {
    judged,
    installed,
    lines: linesIn(folder),
    found: findings.map(({ file, line, rule }) => `${file}:${line} ${rule}`),
  };
}

/** Lines of TypeScript under version control. */
function linesIn(folder: string): number {
  const files = run("git", ["ls-tree", "-r", "--name-only", "HEAD"], folder).stdout.split("\n");
  return files
    .filter((file) => /\.[cm]?tsx?$/.test(file) && existsSync(path.join(folder, file)))
    .reduce((sum, file) => sum + readFileSync(path.join(folder, file), "utf8").split("\n").length, 0);
}

function expectedOf({ judged, installed }: Outcome): readonly Verdict[] {
  const other = installed ? "without" : "with";
  return judged.verdicts.filter((verdict) => verdict.dependencies !== other);
}

/** Whether findings and verdicts differ. */
function compare(outcome: Outcome): boolean {
  const open = [...outcome.found];
  const vanished = expectedOf(outcome).filter(({ finding }) => {
    const index = open.indexOf(finding);
    if (index >= 0) open.splice(index, 1);
    return index < 0;
  });
  for (const finding of open) console.log(`  without a verdict: ${finding}`);
  for (const { finding } of vanished) console.log(`  no longer found: ${finding}`);
  return open.length + vanished.length > 0;
}

function summaryOf(all: readonly Outcome[]): string {
  const rows = all.map((outcome) => {
    const { judged, installed, lines, found } = outcome;
    const right = expectedOf(outcome).filter((verdict) => verdict.isTrue).length;
    return [
      judged.name,
      lines.toLocaleString("en"),
      installed ? "with" : "without",
      String(found.length),
      String(right),
      found.length === 0 ? "–" : `${Math.round((100 * right) / found.length)} %`,
      found.length === 0 ? "–" : Math.round(lines / found.length).toLocaleString("en"),
    ];
  });
  const found = all.reduce((sum, outcome) => sum + outcome.found.length, 0);
  const right = all.reduce(
    (sum, outcome) => sum + expectedOf(outcome).filter((verdict) => verdict.isTrue).length,
    0,
  );
  const lines = all.reduce((sum, outcome) => sum + outcome.lines, 0);
  rows.push([
    "all",
    lines.toLocaleString("en"),
    "",
    String(found),
    String(right),
    found === 0 ? "–" : `${Math.round((100 * right) / found)} %`,
    found === 0 ? "–" : Math.round(lines / found).toLocaleString("en"),
  ]);
  const head = [
    "repository",
    "lines",
    "dependencies",
    "errors and warnings",
    "true",
    "precision",
    "lines per finding",
  ];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  accepted: readonly number[] = [0],
): { readonly stdout: string } {
  const done = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 512 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32" && command !== process.execPath,
  });
  if (done.error) throw done.error;
  if (!accepted.includes(done.status ?? -1)) {
    throw new Error(`${command} ${args.join(" ")} in ${cwd} ended with ${done.status}:\n${done.stderr}`);
  }
  return { stdout: done.stdout };
}
