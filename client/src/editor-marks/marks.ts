// What a file's lines show while a traced program runs, made from launches alone.
import { count, formatDuration, plain, resourceName, siteOf } from "@unknot/dump/names.ts";
import type { TaskGroup } from "@unknot/protocol/wire.ts";
import type { Launch } from "../sessions/launches.ts";
import type { SessionSnapshot } from "../sessions/session.ts";

/** What stands behind a line where tasks wait. */
export interface LineMark {
  /** From 1. */
  readonly line: number;
  /** `3 tasks wait here, the oldest for 12 s`. */
  readonly text: string;
  /** What is waited for, a line each: plain text of the program. */
  readonly details: readonly string[];
  /** A deadlock has tasks here. */
  readonly deadlock: boolean;
}

/** The marks of every file with waiting tasks, by path as the dump has it; of programs that live. */
export function marksOf(launches: readonly Launch[]): ReadonlyMap<string, readonly LineMark[]> {
  const lines = new Map<string, Map<number, Waiting[]>>();
  for (const session of launches.flatMap((launch) => launch.sessions)) {
    if (session.state.kind !== "live" || !session.overview) continue;
    for (const group of session.overview.groups) {
      const site = siteOf(session.overview, group.at);
      if (site === undefined || !waits(group)) continue;
      const inFile = lines.get(site.file) ?? new Map<number, Waiting[]>();
      lines.set(site.file, inFile);
      inFile.set(site.line, [...(inFile.get(site.line) ?? []), { session, group }]);
    }
  }
  return new Map([...lines].map(([file, inFile]) => [file, [...inFile].map(markOf)]));
}

interface Waiting {
  readonly session: SessionSnapshot;
  readonly group: TaskGroup;
}

function waits({ state }: TaskGroup): boolean {
  return state !== "running" && state !== "runnable" && state !== "fulfilled" && state !== "rejected";
}

function markOf([line, all]: readonly [number, readonly Waiting[]]): LineMark {
  const total = all.reduce((sum, { group }) => sum + group.count, 0);
  const oldest = formatDuration(Math.max(...all.map(({ group }) => group.maxWaitMs)));
  const text =
    total === 1
      ? `1 task waits here for ${oldest}`
      : `${count(total, "task")} wait here, the oldest for ${oldest}`;
  return {
    line,
    text,
    details: all.map(detailOf),
    deadlock: all.some(({ group }) => group.problem !== undefined),
  };
}

function detailOf({ session: { overview }, group }: Waiting): string {
  const first = overview?.tasks.find(({ id }) => id === group.members[0]);
  const { wait } = first ?? {};
  const resource =
    wait?.on === "resource" ? overview?.resources.find(({ id }) => id === wait.resource) : undefined;
  const what = overview && resource ? ` for ${resource.kind} ${resourceName(overview, resource)}` : "";
  const flag = group.problem === undefined ? "" : ` (deadlock ${plain(group.problem)})`;
  return `${group.count} × ${plain(group.name)}: ${group.state}${what}${flag}`;
}
