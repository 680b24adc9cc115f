import type { Dump } from "@unknot/protocol/dump.ts";
import type { Hold, Resource } from "@unknot/protocol/resource.ts";
import type { Lookup } from "./names.ts";
import { hasEnded } from "./wait-for-graph.ts";

/** The holds of a task that has ended; none when nobody waits for the resource or tasks were dropped. */
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
        return holder === undefined || hasEnded(holder);
      });
    default:
      return [];
  }
}
