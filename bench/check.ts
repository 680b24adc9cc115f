import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Cost, measure, median } from "./process-cost.ts";

const here = path.dirname(fileURLToPath(import.meta.url));

/** Cold `unknot check` of a repository beside oxlint's two type-aware promise rules, run in turns. */
export async function benchCheck(repository: string, runs: number): Promise<void> {
  installPeers();
  const unknot = path.join(here, "..", "dist", "npm", "unknot.mjs");
  const commands = {
    unknot: [
      // Nothing kept from an earlier run: a repository that has not changed would not be looked at again.
      ...["env", "UNKNOT_CACHE=0", process.execPath, unknot],
      ...["check", repository, "--format", "json", "--fail-on", "error"],
    ],
    oxlint: [
      path.join(here, "node_modules", ".bin", "oxlint"),
      "--type-aware",
      "-A",
      "all",
      "-D",
      "typescript/no-floating-promises",
      "-D",
      "typescript/no-misused-promises",
      "--format",
      "json",
      repository,
    ],
  };
  const costs = { unknot: [] as Cost[], oxlint: [] as Cost[] };
  for (let run = 0; run < runs; run++) {
    costs.unknot.push(checked("unknot", await measure(commands.unknot, repository)));
    // From here, because it looks for its type-aware half in the packages of the current folder.
    costs.oxlint.push(checked("oxlint", await measure(commands.oxlint, here)));
  }
  const middle = (tool: keyof typeof costs, of: (cost: Cost) => number) => median(costs[tool].map(of));
  const row = (name: string, unit: string, of: (cost: Cost) => number) => {
    const [ours, theirs] = [middle("unknot", of), middle("oxlint", of)];
    console.log(
      `  ${name.padEnd(12)} unknot ${ours.toFixed(1)} ${unit}, oxlint ${theirs.toFixed(1)} ${unit}, ratio ${(ours / theirs).toFixed(2)}`,
    );
  };
  console.log(`cold check of ${repository} (${runs} runs each, medians)`);
  row("CPU", "s", (cost) => cost.cpuSeconds);
  row("wall", "s", (cost) => cost.wallSeconds);
  row("peak memory", "MB", (cost) => (cost.peakBytes ?? Number.NaN) / 1e6);
  const exits = (tool: keyof typeof costs) =>
    [...new Set(costs[tool].map((cost) => cost.exitCode))].join(", ");
  console.log(`  exit codes   unknot ${exits("unknot")}, oxlint ${exits("oxlint")}`);
}

/** A tool that failed is fast; what it prints has to be its report. */
function checked(tool: string, cost: Cost): Cost {
  try {
    JSON.parse(cost.stdout);
  } catch {
    throw new Error(
      `${tool} ended with ${cost.exitCode} and printed no report: ${cost.stdout.slice(0, 500)}`,
    );
  }
  return cost;
}

function installPeers(): void {
  if (existsSync(path.join(here, "node_modules", "oxlint-tsgolint"))) return;
  const done = spawnSync(
    "npm",
    ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"],
    {
      cwd: here,
      stdio: "inherit",
      shell: process.platform === "win32",
    },
  );
  if (done.status !== 0) throw new Error("The peers in bench/package.json could not be installed.");
}
