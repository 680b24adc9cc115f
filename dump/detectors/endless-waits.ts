import type { Resource, ResourceId } from "@unknot/protocol/resource.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { count, grouped, quoted, resourceName, shortPlace, whereIs } from "../names.ts";
import { mostTasks, type Scene } from "./detector.ts";

// What detectors say of waits that never end.

const mostGroups = 200;

/** Tasks that wait in the same way at the same place for things that were made at one place. */
export function groupedByWait({ resourceById }: Scene, tasks: Iterable<Task>): readonly (readonly Task[])[] {
  const groups = new Map<string, Task[]>();
  for (const task of tasks) {
    const resource = task.wait?.on === "resource" ? resourceById.get(task.wait.resource) : undefined;
    // Of those that are made at one place, one is like the other.
    const waited = resource && `${resource.type} ${resource.created ?? `#${resource.id}`}`;
    const key = `${task.state} ${task.at} ${task.entry} ${waited}`;
    const group = groups.get(key);
    if (group !== undefined) group.push(task);
    else if (groups.size < mostGroups) groups.set(key, [task]);
  }
  return [...groups.values()];
}

/** What some tasks wait for, each once. */
export function resourcesOf(tasks: readonly Task[]): readonly ResourceId[] {
  return [...new Set(tasks.flatMap(({ wait }) => (wait?.on === "resource" ? wait.resource : [])))].slice(
    0,
    mostTasks,
  );
}

/** How many more tasks are held up, as the end of a sentence. */
export function waitBehind(tasks: number): string {
  return tasks === 0 ? "" : `; ${count(tasks, "task")} wait${tasks === 1 ? "s" : ""} behind`;
}

/** The static rule that finds in the source why a wait never ends, if there is one. */
export function ruleOfWait(task: Task, resource: Resource | undefined): string | undefined {
  if (resource?.kind === "channel" && task.state === "chan receive") return "channel-never-closed";
  if (resource?.kind === "mutex" || resource?.kind === "rwlock" || resource?.kind === "semaphore") {
    return "lock-not-released";
  }
  if (resource?.kind === "pool") return "pool-client-not-released";
  return undefined;
}

/** `'show' waits at pool.ts:20 to receive from 'results', which is never closed`: tasks that wait in the same way. */
export function whatWaits(scene: Scene, roots: readonly Task[], resource: Resource | undefined): string {
  const [first] = roots;
  if (first === undefined) return "tasks wait";
  const one = roots.length === 1;
  const who = one ? quoted(first.name) : `${grouped(roots.length)} tasks in ${quoted(first.name)}`;
  const wait = one ? "waits" : "wait";
  const where = whereIs(scene.dump, first);
  const at = where === undefined ? "" : ` at ${shortPlace(where)}`;
  if (resource === undefined) return `${who} ${wait}${at} for something that never happens`;
  const name = resourceName(scene.dump, resource);
  switch (resource.kind) {
    case "channel":
      return first.state === "chan send"
        ? `${who} ${wait}${at} to send to ${name}, which nobody receives from any more`
        : first.state === "chan receive"
          ? `${who} ${wait}${at} to receive from ${name}, which is never closed`
          : `${who} ${wait}${at} for ${name}`;
    case "mutex":
    case "rwlock":
    case "semaphore":
    case "pool":
      return `${who} ${wait}${at} for ${name}, which is never given back`;
    default:
      return `${who} ${wait}${at} for ${name}`;
  }
}
