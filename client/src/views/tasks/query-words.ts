import type { Grouping, TaskOrder, TaskQuery } from "@unknot/protocol/task-list.ts";

/** One way to list tasks, as a menu offers it. */
interface Choice<Value> {
  readonly value: Value;
  readonly name: string;
  readonly detail: string;
}

export const groupingChoices: readonly Choice<TaskQuery["by"]>[] = [
  { value: "stack", name: "where they wait", detail: "Same state, same await, same function: one group" },
  { value: "tree", name: "who started them", detail: "A tree: below each task those that it started" },
  { value: "flat", name: "not grouped", detail: "Every task a row" },
  { value: "waits-for", name: "what they wait for", detail: "Lock, channel, queue, pool, task" },
  { value: "held-by", name: "who holds what they wait for", detail: "The first holder" },
  { value: "state", name: "state", detail: "mutex.lock, chan receive, IO wait, …" },
  { value: "function", name: "name", detail: "Function, or the name that the program gave" },
  { value: "file", name: "file", detail: "The file in which they wait" },
  { value: "created", name: "where they were started", detail: "The line that started them" },
  { value: "parent", name: "the task that started them", detail: "One level of the tree" },
  { value: "kind", name: "kind", detail: "async function, job, timer, callback" },
];

export const orderChoices: readonly Choice<TaskOrder>[] = [
  {
    value: "problem",
    name: "problem",
    detail: "Deadlocks first, then the largest groups and the longest waits",
  },
  { value: "count", name: "number", detail: "The largest groups first" },
  { value: "wait", name: "wait", detail: "The longest wait first" },
  { value: "age", name: "age", detail: "The oldest first" },
  { value: "name", name: "name", detail: "From A to Z" },
  { value: "place", name: "place", detail: "By file and line" },
  { value: "state", name: "state", detail: "By the word for what they do" },
  { value: "queue", name: "queue", detail: "In the order in which they will be served" },
  { value: "id", name: "start", detail: "In the order in which they were started" },
];

export function nameOfGrouping(by: TaskQuery["by"]): string {
  const label = labelOf(by);
  if (label !== undefined) return `by label ${label}`;
  const { name } = groupingChoices.find(({ value }) => value === by) ?? { name: by };
  return by === "flat" ? name : `by ${name}`;
}

export function nameOfOrder(order: TaskOrder): string {
  return orderChoices.find(({ value }) => value === order)?.name ?? order;
}

const labelPrefix = "label:";

export function labelOf(by: TaskQuery["by"]): string | undefined {
  return by.startsWith(labelPrefix) ? by.slice(labelPrefix.length) : undefined;
}

export function byLabel(label: string): Grouping {
  return `${labelPrefix}${label}`;
}

/** What a filter may say, for those who don't know: as `parseFilter` reads it. */
export const filterHelp: readonly { readonly example: string; readonly says: string }[] = [
  { example: "reserve", says: "in names, states, functions, files, resources and labels" },
  { example: "-reserve", says: "a minus before any of these: not so" },
  { example: 'state:"chan receive"', says: "what they do" },
  { example: "wait>30s", says: "how long they have waited: ms, s, m, h, and < <= >=" },
  { example: "age>5m", says: "how long ago they were started" },
  { example: "file:orders.ts", says: "where they wait or are defined" },
  { example: "created:http.ts", says: "where they were started" },
  { example: "lib:async-mutex", says: "the library of what they wait for or hold" },
  { example: "label:tenant=acme", says: "a label that the program gave" },
  { example: "kind:job", says: "async function, job, timer, callback" },
  { example: "deadlock:any", says: "members of a deadlock, or of deadlock:D1" },
  { example: "problem:any", says: "in any problem, or problem:owner-gone" },
  { example: "id:7", says: "a task by its number" },
];
