import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Resident bytes of another process; 0 when it is gone or can't be asked. */
export async function residentBytes(pid: number): Promise<number> {
  if (pid === 0) return 0;
  try {
    if (process.platform === "linux") {
      const [, pages = "0"] = (await readFile(`/proc/${pid}/statm`, "latin1")).split(" ");
      return Number(pages) * 4096;
    }
    if (process.platform === "win32") {
      const { stdout } = await run("tasklist", ["/FI", `PID eq ${pid}`, "/FO", "CSV", "/NH"]);
      const [, kilobytes = "0"] = /"([\d.,\s]+) K"/.exec(stdout) ?? [];
      return Number(kilobytes.replace(/\D/g, "")) * 1024;
    }
    const { stdout } = await run("ps", ["-o", "rss=", "-p", String(pid)]);
    return Number(stdout.trim()) * 1024;
  } catch {
    return 0;
  }
}
