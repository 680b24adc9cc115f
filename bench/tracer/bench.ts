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
  readonly programs?: readonly string[] | undefined;
}

/** `start` has no file: it is `node -e 0`. */
export const programs = [
  "awaiting",
  "alive",
  "sequential",
  "kept",
  "locks",
  "channel",
  "http",
  "http-both",
  "hello",
  "start",
];

/**
 * Runs each program untraced, traced in both modes and with async_hooks, in turns, and prints CPU ratios to the untraced run of the
 * same turn: the geometric mean with its 95 % interval.
 */
export async function benchTracer({
  runs,
  node = process.execPath,
  programs: chosen = programs,
}: BenchTracerOptions): Promise<void> {
  const register = path.join(here, "..", "..", "dist", "npm", "register.cjs");
  if (!existsSync(register)) throw new Error("The tracer is not built: run 'npm run build' first.");
  const variants: Readonly<Record<string, Variant>> = {
    untraced: { args: [] },
    traced: { args: ["--require", register] },
    lean: { args: ["--require", register], env: { UNKNOT_MODE: "lean" } },
    async_hooks: { args: ["--require", path.join(here, "programs", "async-hooks.cjs")] },
  };
  console.log(
    `tracer on ${spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim()} (${runs} runs each, in turns)`,
  );
  for (const program of chosen) {
    if (program === "start") {
      benchStart(node, variants, runs);
      continue;
    }
    const samples = new Map(Object.keys(variants).map((name) => [name, [] as Sample[]]));
    for (let run = 0; run < runs; run++) {
      for (const [name, variant] of Object.entries(variants))
        samples.get(name)?.push(runProgram(node, variant, program));
    }
    const base = samples.get("untraced") ?? [];
    for (const [name, own] of samples) {
      const ratios = own.map((sample, run) => sample.cpuMs / (base[run]?.cpuMs ?? Number.NaN));
      const extra = median(own.map((sample, run) => sample.cpuMs - (base[run]?.cpuMs ?? Number.NaN)));
      console.log(
        `  ${program.padEnd(11)} ${name.padEnd(12)} ${median(own.map((each) => each.cpuMs))
          .toFixed(0)
          .padStart(6)} ms CPU  ` +
          `ratio ${ratioText(ratios)}  ` +
          `${extra >= 0 ? "+" : ""}${extra.toFixed(0)} ms  ${median(own.map((each) => each.rssMb)).toFixed(0)} MB`,
      );
    }
  }
}

/** How long it takes from the call of Node to the end of a program without a line. */
function benchStart(node: string, variants: Readonly<Record<string, Variant>>, runs: number): void {
  const samples = new Map(Object.keys(variants).map((name) => [name, [] as number[]]));
  for (let run = 0; run < runs; run++) {
    for (const [name, { args, env }] of Object.entries(variants)) {
      const begun = performance.now();
      spawnSync(node, [...args, "-e", "0"], { env: ownEnvironment(env) });
      samples.get(name)?.push(performance.now() - begun);
    }
  }
  const base = samples.get("untraced") ?? [];
  for (const [name, own] of samples) {
    const extra = median(own.map((each, run) => each - (base[run] ?? Number.NaN)));
    console.log(
      `  ${"start".padEnd(11)} ${name.padEnd(12)} ${median(own).toFixed(0).padStart(6)} ms     ` +
        `${extra >= 0 ? "+" : ""}${extra.toFixed(0)} ms`,
    );
  }
}

/** How a program is run. */
interface Variant {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

function ownEnvironment(own: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, NODE_OPTIONS: "", UNKNOT_SESSION: "", ...own };
}

function runProgram(node: string, { args, env }: Variant, program: string): Sample {
  const file = path.join(here, "programs", `${program}.mjs`);
  const done = spawnSync(node, [...args, file], { encoding: "utf8", env: ownEnvironment(env) });
  if (done.status !== 0) throw new Error(`'${program}' failed: ${done.stderr}`);
  return JSON.parse(done.stdout) as Sample;
}

/** Ratios are multiplied, not added, so their logarithms have the mean. */
function ratioText(ratios: readonly number[]): string {
  const logs = ratios.map(Math.log);
  const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length;
  const variance = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(1, logs.length - 1);
  const half = studentT(logs.length - 1) * Math.sqrt(variance / logs.length);
  const [middle, low, high] = [mean, mean - half, mean + half].map((each) => Math.exp(each).toFixed(2));
  return `${middle} [${low} ${high}]`;
}

/** The two-sided 95 % quantile of Student's distribution, by the expansion of Cornish and Fisher; exact to 1 % from 3 on. */
function studentT(degrees: number): number {
  const z = 1.959964;
  if (degrees < 3) return [Number.NaN, 12.71, 4.3][degrees] ?? Number.NaN;
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}
