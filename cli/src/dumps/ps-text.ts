import { formatDuration } from "@unknot/dump/names.ts";
import type { Registration } from "@unknot/protocol/wire.ts";
import { printable } from "../terminal.ts";

/**
 * The traced processes as a table, oldest first, each followed by what it has started, which is indented. `now` is in
 * milliseconds since the epoch.
 */
export function psText(processes: readonly Registration[], now: number): string {
  const rows = asTree(processes).map(({ each, depth }) => [
    String(each.pid),
    each.threadId === 0 ? "main" : String(each.threadId),
    formatDuration(Math.max(0, now - each.startedAt)),
    each.node,
    "  ".repeat(depth) +
      printable(each.title) +
      (each.pprof === undefined ? "" : `  ${printable(each.pprof)}`),
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

interface Branch {
  readonly each: Registration;
  readonly depth: number;
}

function asTree(processes: readonly Registration[]): readonly Branch[] {
  const sorted = [...processes].sort(
    (a, b) => a.startedAt - b.startedAt || a.pid - b.pid || a.threadId - b.threadId,
  );
  const mains = sorted.filter(({ threadId }) => threadId === 0);
  const pids = new Set(mains.map(({ pid }) => pid));
  const seen = new Set<number>();
  const branch = (main: Registration, depth: number): readonly Branch[] => {
    // Process ids come back: two may each seem to have started the other.
    if (seen.has(main.pid)) return [];
    seen.add(main.pid);
    return [
      { each: main, depth },
      ...sorted
        .filter(({ pid, threadId }) => pid === main.pid && threadId !== 0)
        .map((each) => ({ each, depth: depth + 1 })),
      ...mains
        .filter(({ pid, parentPid }) => parentPid === main.pid && pid !== main.pid)
        .flatMap((child) => branch(child, depth + 1)),
    ];
  };
  const roots = mains.filter(({ parentPid }) => !pids.has(parentPid)).flatMap((main) => branch(main, 0));
  const rest = mains.flatMap((main) => branch(main, 0));
  const alone = sorted.filter(({ pid }) => !pids.has(pid)).map((each) => ({ each, depth: 0 }));
  return [...roots, ...rest, ...alone];
}
