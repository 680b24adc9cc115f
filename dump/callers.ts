import type { Task, TaskId } from "@unknot/protocol/task.ts";
import type { Lookup } from "./names.ts";

/**
 * The async stack of a task: who awaits it, who awaits that one, and so on, at most `most` of them, nearest first. Of
 * several that await a task its parent is taken. A ring of joins ends before it repeats.
 */
export function callersOf({ snapshot, taskById }: Lookup): (task: Task, most: number) => readonly Task[] {
  const awaitedBy = new Map<TaskId, TaskId>();
  for (const task of snapshot.tasks) {
    if (task.wait?.on !== "tasks") continue;
    for (const id of task.wait.tasks) {
      if (!awaitedBy.has(id) || taskById.get(id)?.parent === task.id) awaitedBy.set(id, task.id);
    }
  }
  return (task, most) => {
    const callers: Task[] = [];
    let id = awaitedBy.get(task.id);
    while (id !== undefined && id !== task.id && callers.length < most) {
      const caller = taskById.get(id);
      if (caller === undefined || callers.includes(caller)) break;
      callers.push(caller);
      id = awaitedBy.get(id);
    }
    return callers;
  };
}
