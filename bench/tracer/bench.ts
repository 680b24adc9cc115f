import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "../process-cost.ts";

const here = path.dirname(fileURLToPath(import.meta.url));

/** What one run of a program cost, as the program itself measured it. */
interface Sample {
  readonly cpuMs: number;
  readonly rssMb: number;
}

export interface BenchTracerOptions {
  readonly runs: number;
  /** The Node that runs the programs. */
  readonly node?: string;
  /** Names of programs, all if not given. */
  readonly programs?: readonly string[];
}

const programs = ["awaiting", "sequential", "kept", "locks", "channel", "http", "hello"];

/**
 * Runs each program untraced, traced and with async_hooks, in turns, and prints CPU ratios to the untraced run of the
 * same turn: the median, and the range of the middle half.
 */
export async function benchTracer({
  runs,
  node = process.execPath,
  programs: chosen = programs,
}: BenchTracerOptions): Promise<void> {
  const register = path.join(here, "..", "..", "dist", "npm", "register.cjs");
  if (!existsSync(register)) throw new Error("The tracer is not built: run 'npm run build' first.");
  const variants: Readonly<Record<string, readonly string[]>> = {
    untraced: [],
    traced: ["--require", register],
    async_hooks: ["--require", path.join(here, "programs", "async-hooks.cjs")],
  };
  console.log(
    `tracer on ${spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim()} (${runs} runs each, in turns)`,
  );
  for (const program of chosen) {
    const samples = new Map(Object.keys(variants).map((name) => [name, [] as Sample[]]));
    for (let run = 0; run < runs; run++) {
      for (const [name, args] of Object.entries(variants))
        samples.get(name)?.push(runProgram(node, args, program));
    }
    const base = samples.get("untraced") ?? [];
    for (const [name, own] of samples) {
      const ratios = own.map((sample, run) => sample.cpuMs / (base[run]?.cpuMs ?? Number.NaN));
      const extra = median(own.map((sample, run) => sample.cpuMs - (base[run]?.cpuMs ?? Number.NaN)));
      console.log(
        `  ${program.padEnd(11)} ${name.padEnd(12)} ${median(own.map((each) => each.cpuMs))
          .toFixed(0)
          .padStart(6)} ms CPU  ` +
          `ratio ${median(ratios).toFixed(2)} [${quantile(ratios, 0.25).toFixed(2)} ${quantile(ratios, 0.75).toFixed(2)}]  ` +
          `${extra >= 0 ? "+" : ""}${extra.toFixed(0)} ms  ${median(own.map((each) => each.rssMb)).toFixed(0)} MB`,
      );
    }
  }
}

function runProgram(node: string, args: readonly string[], program: string): Sample {
  const file = path.join(here, "programs", `${program}.mjs`);
  const env = { ...process.env, NODE_OPTIONS: "", UNKNOT_SESSION: "" };
  const done = spawnSync(node, [...args, file], { encoding: "utf8", env });
  if (done.status !== 0) throw new Error(`'${program}' failed: ${done.stderr}`);
  return JSON.parse(done.stdout) as Sample;
}

function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * at)] ?? Number.NaN;
}
