import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** What one command cost, all the processes it started included. */
export interface Cost {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Sum of the resident sets of all its processes at the worst moment; undefined where /proc is missing. */
  readonly peakBytes?: number;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end and measures it. CPU seconds come from bash's `time`, which counts every child that was
 * waited for; memory is sampled from /proc.
 */
export function measure(command: readonly string[], cwd: string): Promise<Cost> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn("bash", ["-c", 'TIMEFORMAT="%U %S"; time "$@"', "bash", ...command], {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let peakBytes = 0;
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    const sampler = setInterval(() => {
      if (child.pid) peakBytes = Math.max(peakBytes, treeBytes(child.pid));
    }, 50);
    child.on("error", reject);
    child.on("close", (exitCode) => {
      clearInterval(sampler);
      const [user = 0, system = 0] = (stderr.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
      resolve({
        cpuSeconds: user + system,
        wallSeconds: (performance.now() - started) / 1000,
        ...(peakBytes > 0 ? { peakBytes } : {}),
        exitCode: exitCode ?? -1,
        stdout,
        stderr,
      });
    });
  });
}

/** Resident bytes of a process and all its descendants, 0 where /proc is missing. */
export function treeBytes(root: number): number {
  return sum(tree(root), ({ residentBytes }) => residentBytes);
}

/**
 * What a process, all its descendants and those of them that have ended and been waited for have taken of the CPU, in
 * steps of 10 ms; 0 where /proc is missing.
 */
export function treeCpuSeconds(root: number): number {
  return sum(tree(root), ({ cpuSeconds }) => cpuSeconds);
}

interface RunningProcess {
  readonly parent: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

function tree(root: number): readonly RunningProcess[] {
  const all = new Map(processIds().flatMap((pid) => lookAt(pid)));
  const isOurs = (pid: number): boolean => {
    const parent = all.get(pid)?.parent;
    return pid === root || (parent !== undefined && isOurs(parent));
  };
  return [...all].filter(([pid]) => isOurs(pid)).map(([, one]) => one);
}

function processIds(): readonly number[] {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

const ticksPerSecond = 100;
const pageBytes = 4096;

/** By the fields of proc_pid_stat(5), from the third on. */
function lookAt(pid: number): readonly (readonly [number, RunningProcess])[] {
  try {
    const fields =
      readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ").map(Number) ?? [];
    const [, parent = 0] = fields;
    const ticks = fields.slice(11, 15).reduce((all, one) => all + one, 0);
    const residentBytes = (fields[21] ?? 0) * pageBytes;
    return [[pid, { parent, cpuSeconds: ticks / ticksPerSecond, residentBytes }]];
  } catch {
    return []; // It ended while we looked.
  }
}

function sum<One>(all: readonly One[], of: (one: One) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}

/** The middle value; of an even number of values the lower middle. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
