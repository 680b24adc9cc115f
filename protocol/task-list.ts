import type { Dump } from "./dump.ts";
import type { Resource } from "./resource.ts";
import type { Task } from "./task.ts";

/** What tasks of a list are put together by; `label:tenant` is by the value of a label. */
export const groupings = [
  "stack",
  "state",
  "function",
  "file",
  "waits-for",
  "held-by",
  "created",
  "parent",
  "kind",
] as const;

export type Grouping = (typeof groupings)[number] | `label:${string}`;

/**
 * What a list is ordered by. `problem`: deadlocks first, then the largest groups; `queue`: the order in which a resource
 * will serve those who wait for it. Times and counts start with the most, texts with the first.
 */
export const taskOrders = [
  "problem",
  "count",
  "wait",
  "age",
  "name",
  "place",
  "state",
  "id",
  "queue",
] as const;

export type TaskOrder = (typeof taskOrders)[number];

/** How tasks are listed. */
export interface TaskQuery {
  /** In the syntax of `dump/filter.ts`; empty for all. */
  readonly filter: string;
  /** Groups, a tree by who started whom, or every task by itself. */
  readonly by: Grouping | "tree" | "flat";
  readonly order: TaskOrder;
  /** The other way round. */
  readonly reverse?: boolean;
}

/** A part of such a list: its top, or what is below a group or a task. A stack that only one task has is no group. */
export interface TaskListRequest extends TaskQuery {
  readonly under?: { readonly group: string } | { readonly task: Task["id"] };
  readonly offset: number;
  readonly limit: number;
}

export interface ListedGroup {
  readonly kind: "group";
  /** Stable across dumps of one process: what the members have in common. */
  readonly key: string;
  readonly name: string;
  readonly count: number;
  readonly minWaitMs: number;
  readonly maxWaitMs: number;
  /** What all members have in common, of state and places (indexes into `sites`). */
  readonly state?: Task["state"];
  readonly at?: number;
  readonly entry?: number;
  /** Label of the deadlock that members are part of: `D1`. */
  readonly problem?: string;
  /** What the members wait for, when they are grouped by that. */
  readonly resource?: Resource["id"];
  /** The task that they wait for, that holds what they wait for, or that started them. */
  readonly task?: Task["id"];
}

export interface ListedTask {
  readonly kind: "task";
  readonly task: Task["id"];
  /** How many tasks a tree has right below it. */
  readonly children: number;
  /** It does not match the filter; a task below it does. */
  readonly context?: true;
}

/** Some rows of a list, with the tasks, resources and sites that they name. */
export interface TaskPage extends Pick<Dump, "sites" | "tasks" | "resources" | "capturedAt"> {
  readonly total: number;
  /** Tasks that match the filter. */
  readonly matching: number;
  /** Rows at this place of the list in all. */
  readonly count: number;
  readonly rows: readonly (ListedGroup | ListedTask)[];
}
