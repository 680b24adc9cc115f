import type { TaskQuery } from "@unknot/protocol/task-list.ts";
import { createEmitter, type Event } from "../../sessions/event.ts";

/** How the views list tasks now. */
export interface QueryState {
  readonly current: TaskQuery;
  change(part: Partial<TaskQuery>): void;
  readonly onChange: Event<void>;
}

export function createQueryState(): QueryState {
  const changed = createEmitter<void>();
  let current: TaskQuery = { filter: "", by: "stack", order: "problem" };
  return {
    get current() {
      return current;
    },
    change(part) {
      current = { ...current, ...part };
      changed.fire();
    },
    onChange: changed.event,
  };
}
