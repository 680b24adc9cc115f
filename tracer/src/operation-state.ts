import type { ResourceKind } from "@unknot/protocol/resource.ts";
import type { TaskState } from "@unknot/protocol/task.ts";
import type { OperationVerb } from "./layout.ts";

/** What a task does that waits for an operation on a resource of this kind. */
export function stateOf(verb: OperationVerb, kind: ResourceKind | undefined): TaskState {
  switch (verb) {
    case "acquire":
    case "scoped":
      return kind === "semaphore"
        ? "semaphore.acquire"
        : kind === "pool"
          ? "pool.acquire"
          : kind === "rwlock"
            ? "rwlock.lock"
            : "mutex.lock";
    case "submit":
      return "queued";
    case "send":
      return "chan send";
    case "receive":
      return "chan receive";
    case "select":
      return "select";
    case "waitIdle":
      return kind === "mutex" ? "mutex.lock" : kind === "semaphore" ? "semaphore.acquire" : "join";
    case "waitEvent":
      return "event.wait";
  }
}
