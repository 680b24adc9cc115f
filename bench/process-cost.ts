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
      });
    });
  });
}

/** Resident bytes of a process and all its descendants, 0 where /proc is missing. */
function treeBytes(root: number): number {
  const children = new Map<number, number[]>();
  const resident = new Map<number, number>();
  let entries: string[];
  try {
    entries = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return 0;
  }
  for (const entry of entries) {
    try {
      const status = readFileSync(`/proc/${entry}/status`, "utf8");
      const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
      resident.set(Number(entry), Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // The process ended while we looked.
    }
  }
  let bytes = 0;
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    bytes += resident.get(pid) ?? 0;
    open.push(...(children.get(pid) ?? []));
  }
  return bytes;
}

/** The middle value; of an even number of values the lower middle. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
