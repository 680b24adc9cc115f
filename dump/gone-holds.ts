import type { Dump } from "@unknot/protocol/dump.ts";
import type { Hold, Resource } from "@unknot/protocol/resource.ts";
import type { Task } from "@unknot/protocol/task.ts";
import type { Lookup } from "./names.ts";
import { hasEnded } from "./wait-for-graph.ts";

/** The holds of a task that has ended, or that can never go on and alone could give back; none when nobody waits for the resource or tasks were dropped. */
export function goneHolds(
  { dump, taskById }: Lookup & { readonly dump: Dump },
  resource: Resource,
): readonly Hold[] {
  if (resource.waiters.length === 0 || dump.coverage.dropped > 0) return [];
  switch (resource.kind) {
    case "mutex":
    case "rwlock":
    case "semaphore":
    case "pool":
      return resource.holders.filter((hold) => {
        if (hold.task === undefined) return false;
        const holder = taskById.get(hold.task);
        return holder === undefined || hasEnded(holder) || isLost(hold, holder);
      });
    case "queue":
      // Its slots are given back by the library when jobs end, and only such a job never ends.
      return resource.holders.filter((hold) => {
        const holder = hold.task === undefined ? undefined : taskById.get(hold.task);
        return holder !== undefined && isLost(hold, holder);
      });
    default:
      return [];
  }
}

/** Whether a hold surely never ends: who alone could end it can never go on. */
export function isLost({ release }: Hold, holder: Task): boolean {
  return holder.collected !== undefined && (release === "scope" || release === "task");
}
