import type { ResourceKind } from "@unknot/protocol/resource.ts";
import type { TaskState } from "@unknot/protocol/task.ts";

/** A codicon and the theme colour it has. */
export interface RowIcon {
  readonly name: string;
  readonly color?: string;
}

const red = "problemsErrorIcon.foreground";
const yellow = "problemsWarningIcon.foreground";

export const icons = {
  error: { name: "error", color: red },
  warning: { name: "warning", color: yellow },
  information: { name: "info" },
  waiting: { name: "loading~spin" },
  paused: { name: "debug-pause" },
  ended: { name: "debug-disconnect" },
  file: { name: "file" },
  process: { name: "server-process" },
  tasks: { name: "list-tree" },
  changes: { name: "diff" },
  blockers: { name: "debug-breakpoint-unverified" },
  coverage: { name: "eye" },
  detail: { name: "dash" },
  more: { name: "ellipsis" },
  filter: { name: "filter" },
  muted: { name: "bell-slash" },
  turning: { name: "sync" },
  oldest: { name: "history" },
  healthy: { name: "pass" },
  rate: { name: "dashboard" },
  cost: { name: "credit-card" },
  handles: { name: "plug" },
  proof: { name: "beaker" },
  snapshot: { name: "device-camera" },
  comparison: { name: "git-compare" },
} as const satisfies Readonly<Record<string, RowIcon>>;

const stateIcons: Readonly<Record<TaskState, string>> = {
  running: "play",
  runnable: "play",
  await: "watch",
  "chan receive": "arrow-left",
  "chan send": "arrow-right",
  select: "list-selection",
  "select (no cases)": "list-selection",
  join: "git-merge",
  "mutex.lock": "lock",
  "rwlock.rlock": "lock",
  "rwlock.lock": "lock",
  "semaphore.acquire": "lock",
  "cond.wait": "bell",
  "event.wait": "bell",
  queued: "list-ordered",
  "pool.acquire": "database",
  sleep: "clock",
  "IO wait": "plug",
  "stream.drain": "plug",
  "worker.wait": "server-process",
  "iterator.next": "sync",
  rejected: "warning",
  fulfilled: "pass",
};

/** The icon of a task in this state. */
export function iconOf(state: TaskState, deadlocked: boolean): RowIcon {
  if (deadlocked) return icons.error;
  return state === "rejected" ? icons.warning : { name: stateIcons[state] };
}

const kindIcons: Readonly<Record<ResourceKind, string>> = {
  mutex: "lock",
  rwlock: "lock",
  semaphore: "lock",
  channel: "arrow-swap",
  queue: "list-ordered",
  waitgroup: "git-merge",
  event: "bell",
  barrier: "bell",
  pool: "database",
  stream: "plug",
  timer: "clock",
  join: "git-merge",
};

/** The icon of what tasks wait for. */
export function kindIcon(kind: ResourceKind): RowIcon {
  return { name: kindIcons[kind] };
}
