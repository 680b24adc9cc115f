import type { ResourceKind } from "@unknot/protocol/resource.ts";
import type { TaskState } from "@unknot/protocol/task.ts";
import type { OperationVerb } from "./layout.ts";

/** What a task does that waits for an operation on a resource of this kind; `isShared`: with others, as readers do. */
export function stateOf(verb: OperationVerb, kind: ResourceKind | undefined, isShared: boolean): TaskState {
  switch (verb) {
    case "acquire":
    case "scoped":
      switch (kind) {
        case "semaphore":
          return "semaphore.acquire";
        case "pool":
          return "pool.acquire";
        case "rwlock":
          return isShared ? "rwlock.rlock" : "rwlock.lock";
        default:
          return "mutex.lock";
      }
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
      return kind === "stream" ? "stream.drain" : "event.wait";
    case "io":
    case "listen":
      return "IO wait";
    case "worker":
      return "worker.wait";
  }
}

const unordered: ReadonlySet<OperationVerb> = new Set([
  "waitIdle",
  "waitEvent",
  "select",
  "io",
  "worker",
  "listen",
]);

/** Who waits so waits for an event or for everybody else to finish, and not for its turn. */
export function isUnordered(verb: OperationVerb): boolean {
  return unordered.has(verb);
}
