// `import { expectNoTasks } from "unknot/testing"`: fails a test that leaves tasks behind.
import { formatDuration, quoted, siteOf, whereIs } from "@unknot/dump/names.ts";
import { hasEnded } from "@unknot/dump/wait-for-graph.ts";
import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Task } from "@unknot/protocol/task.ts";
import type { TracerApi } from "../api.ts";
import { tracerHere } from "./tracer-here.ts";

// As they are before a test puts others in their place.
const { setTimeout } = globalThis;
const now = performance.now.bind(performance);

const mostNamed = 20;
const longestPauseMs = 100;

/** Tasks up to this id were there before. */
let seenId = tracerHere()?.lastId() ?? 0;

export class LeftTasksError extends Error {
  override readonly name = "LeftTasksError";
  readonly tasks: readonly string[];

  constructor(tasks: readonly string[]) {
    const named = tasks.slice(0, mostNamed);
    const more = tasks.length > mostNamed ? [`… and ${tasks.length - mostNamed} more`] : [];
    const head = tasks.length === 1 ? "A task is left behind:" : `${tasks.length} tasks are left behind:`;
    super([head, ...named, ...more].join("\n  "));
    this.tasks = tasks;
  }
}

export async function expectNoTasks({ within = 1000 }: { readonly within?: number } = {}): Promise<void> {
  const tracer = tracerHere();
  if (tracer === undefined) {
    throw new Error(
      "The tests run untraced, so nobody knows their tasks: start them with '--import unknot/register' or 'unknot run'.",
    );
  }
  const caller = tracer.runningTask();
  const deadline = now() + within;
  for (let pauseMs = 0; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2 + 1)) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, Math.max(0, deadline - now()))));
    const dump = tracer.dump("test");
    const left = leftTasks(dump, caller);
    if (left.length > 0 && now() < deadline) continue;
    forget(tracer);
    if (left.length > 0) throw new LeftTasksError(left.map((task) => describe(dump, task)));
    return;
  }
}

/** What is there now was there before. */
export function forget(tracer: TracerApi | undefined = tracerHere()): void {
  seenId = tracer?.lastId() ?? 0;
}

function leftTasks(dump: Dump, caller: number | undefined): readonly Task[] {
  const byId = new Map<number, Task>(dump.tasks.map((task) => [task.id, task]));
  const callers = new Set<number>();
  for (let id = caller; id !== undefined && !callers.has(id); id = byId.get(id)?.parent) callers.add(id);
  return dump.tasks.filter(
    (task) => task.id > seenId && task.kind !== "main" && !hasEnded(task) && !callers.has(task.id),
  );
}

function describe(dump: Dump, task: Task): string {
  const at = whereIs(dump, task);
  const created = siteOf(dump, task.created);
  const since = task.wait === undefined ? "" : ` for ${formatDuration(task.wait.sinceMs)}`;
  const where = at === undefined ? "" : ` at ${placeText(at)}`;
  const start = created === undefined || created === at ? "" : `, started at ${placeText(created)}`;
  return `${quoted(task.name)} (${task.state}${since})${where}${start}`;
}

function placeText({ file, line, column }: Site): string {
  return `${file}:${line}:${column}`;
}
