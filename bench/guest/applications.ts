// `node bench/guest/applications.ts [program…]`: small applications on frameworks, queues and pools, with and without the
// tracer, and the same beside other tools that hook into Node, loaded before it and after it: what they print is compared.
// Needs `npm install --prefix bench/guest`; some need a server: REDIS_URL, DATABASE_URL, CHROMIUM.
//   --node PATH   the Node that runs them (this one)
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const folder = path.join(import.meta.dirname, "programs");
const register = path.join(import.meta.dirname, "..", "..", "dist", "npm", "register.cjs");
const tools = ["opentelemetry.cjs", "sentry.cjs", "dd-trace.cjs"].map((name) => path.join(folder, name));
/** No applications: what they share. */
const parts = new Set(["ask.mjs"]);
const patienceMs = 120_000;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { node: { type: "string" } } });
const node = values.node ?? process.execPath;
const chosen = globSync("*.mjs", { cwd: folder })
  .filter(
    (name) =>
      !parts.has(name) && (positionals.length === 0 || positionals.includes(path.basename(name, ".mjs"))),
  )
  .sort();
if (!existsSync(register)) throw new Error("The tracer is not built: run 'npm run build' first.");

for (const name of chosen) {
  const needed = /^\/\/ needs (\w+)/.exec(readFileSync(path.join(folder, name), "utf8"))?.[1];
  if (needed !== undefined && !process.env[needed]) {
    console.log(`${name}: left out, ${needed} is not set`);
    continue;
  }
  compare(name, "alone", runProgram(name, []), [runProgram(name, [register])]);
  for (const tool of tools) {
    compare(name, `with ${path.basename(tool, ".cjs")}`, runProgram(name, [tool]), [
      runProgram(name, [register, tool]),
      runProgram(name, [tool, register]),
    ]);
  }
}

function compare(name: string, how: string, plain: string, traced: readonly string[]): void {
  const different = traced.filter((each) => each !== plain);
  const lines = plain.split("\n").length - 1;
  const works = plain.startsWith("exit 0\n");
  const verdict = !works ? "FAILS UNTRACED" : different.length === 0 ? `same (${lines} lines)` : "DIFFERENT";
  console.log(`${name} ${how}: ${verdict}`);
  if (!works) process.exitCode = 1;
  if (!works) console.log(plain.split("\n").slice(0, 10).join("\n"));
  else for (const each of different) console.log(`--- untraced\n${plain}\n--- traced\n${each}`);
  if (different.length > 0) process.exitCode = 1;
}

/** What a program prints and how it ends, without what differs from run to run. */
function runProgram(name: string, preloads: readonly string[]): string {
  const { status, signal, stdout, stderr } = spawnSync(
    node,
    [...preloads.flatMap((file) => ["--import", pathToFileURL(file).href]), path.join(folder, name)],
    {
      encoding: "utf8",
      timeout: patienceMs,
      env: {
        ...process.env,
        NODE_OPTIONS: "",
        NO_COLOR: "1",
        UNKNOT_REPORT_STDERR: "0",
        OTEL_TRACES_EXPORTER: "none",
      },
    },
  );
  const text = `${stdout}${stderr}`.replaceAll(/\(node:\d+\)/g, "").replaceAll(/127\.0\.0\.1:\d+/g, "here");
  return `exit ${status ?? signal}\n${text}`;
}
