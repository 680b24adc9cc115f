import { formatDuration } from "@unknot/dump/names.ts";
import type { Registration } from "@unknot/protocol/wire.ts";
import { printable } from "../terminal.ts";

/** The traced processes as a table, oldest first. `now` is in milliseconds since the epoch. */
export function psText(processes: readonly Registration[], now: number): string {
  const rows = [...processes]
    .sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid || a.threadId - b.threadId)
    .map((each) => [
      String(each.pid),
      each.threadId === 0 ? "main" : String(each.threadId),
      formatDuration(Math.max(0, now - each.startedAt)),
      each.node,
      printable(each.title),
    ]);
  const table = [["PID", "THREAD", "UP", "NODE", "PROGRAM"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row.map((cell, column) => (column < 4 ? cell.padEnd(widths[column] ?? 0) : cell)).join("  "),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
