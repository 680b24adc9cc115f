// From overviews of processes to rows of text. Pure; nothing here is fit for a terminal before `inOneLine`.
import { blockerSentence } from "@unknot/dump/blockers.ts";
import { parseFilter } from "@unknot/dump/filter.ts";
import {
  count,
  formatDuration,
  lookupOf,
  shortPlace,
  siteOf,
  unknownHolder,
  waitMs,
} from "@unknot/dump/names.ts";
import type { ContendedResource } from "@unknot/protocol/contention.ts";
import type { Hold, Resource } from "@unknot/protocol/resource.ts";
import type { Task } from "@unknot/protocol/task.ts";
import type { Overview, Registration, TaskGroup } from "@unknot/protocol/wire.ts";
import type { TopState } from "./state.ts";

/** A traced thread and what it has said last. */
export interface Traced {
  readonly registration: Registration;
  readonly overview?: Overview;
  /** Why there is nothing, or nothing new. */
  readonly trouble?: string;
}

export interface Row {
  /** The same from one look to the next. */
  readonly key: string;
  readonly cells: readonly string[];
  /** Part of a problem that is sure. */
  readonly grave: boolean;
  readonly details: readonly string[];
}

export interface Rows {
  readonly titles: readonly string[];
  /** Columns with numbers. */
  readonly right: readonly number[];
  readonly rows: readonly Row[];
  /** What is wrong with the filter. */
  readonly mistake?: string;
}

/** The rows of the chosen view over all processes. */
export function rowsOf(traced: readonly Traced[], state: TopState): Rows {
  switch (state.view) {
    case "tasks":
      return taskRows(traced, state);
    case "waits":
      return waitRows(traced);
    case "contention":
      return contentionRows(traced);
  }
}

function taskRows(traced: readonly Traced[], { filter, sort, reversed }: TopState): Rows {
  const parsed = parseFilter(filter);
  const groups = traced.flatMap(({ registration, overview }) => {
    if (overview === undefined) return [];
    const matches = parsed.ok
      ? parsed.bind({ ...lookupOf(overview), problems: overview.problems })
      : () => true;
    const members = new Map(overview.tasks.map((task) => [task.id, task]));
    return overview.groups.flatMap((group) => {
      const tasks = group.members.flatMap((id) => members.get(id) ?? []);
      return tasks.some(matches) ? { group, tasks, overview, registration } : [];
    });
  });
  type Group = (typeof groups)[number];
  const orders: Readonly<Record<TopState["sort"], (a: Group, b: Group) => number>> = {
    count: (a, b) => b.group.count - a.group.count,
    wait: (a, b) => b.group.maxWaitMs - a.group.maxWaitMs,
    name: (a, b) => (a.group.name < b.group.name ? -1 : a.group.name > b.group.name ? 1 : 0),
    state: (a, b) => (a.group.state < b.group.state ? -1 : a.group.state > b.group.state ? 1 : 0),
  };
  const order = orders[sort];
  const sorted = groups.toSorted((a, b) => (reversed ? -1 : 1) * order(a, b));
  return {
    titles: ["COUNT", "PID", "STATE", "WAIT", "NAME", "WHERE", "WAITS FOR"],
    right: [0, 1, 3],
    rows: sorted.map(({ group, tasks, overview, registration }) => {
      const site = siteOf(overview, group.at);
      const [first] = tasks;
      return {
        key: `${registration.pid}-${registration.threadId} ${group.key}`,
        grave: group.problem !== undefined,
        cells: [
          String(group.count),
          threadName(registration),
          group.problem === undefined ? group.state : `${group.state} (${group.problem})`,
          formatDuration(group.maxWaitMs),
          group.name,
          site === undefined ? "" : shortPlace(site),
          first === undefined ? "" : waitText(overview, first),
        ],
        details: groupDetails(overview, group, tasks),
      };
    }),
    ...(parsed.ok ? {} : { mistake: parsed.message }),
  };
}

const mostMembers = 5;

function groupDetails(overview: Overview, group: TaskGroup, tasks: readonly Task[]): readonly string[] {
  const site = siteOf(overview, group.at);
  const lines =
    site === undefined ? [] : [`at ${site.function ?? group.name}  ${site.file}:${site.line}:${site.column}`];
  for (const task of tasks.slice(0, mostMembers)) {
    const labels = Object.entries(task.labels ?? {}).map(([key, value]) => `${key}=${value}`);
    lines.push(
      [`task ${task.id}`, task.state, formatDuration(waitMs(task)), waitText(overview, task), ...labels]
        .filter(Boolean)
        .join("  "),
    );
    const created = siteOf(overview, task.created);
    if (created !== undefined)
      lines.push(`  started at ${created.file}:${created.line} ${formatDuration(task.ageMs)} ago`);
    const resource = resourceOf(overview, task);
    for (const hold of resource?.holders.slice(0, mostMembers) ?? []) {
      const taken = siteOf(overview, hold.site);
      const where = taken === undefined ? "" : `, taken at ${taken.file}:${taken.line}`;
      lines.push(`  held by ${holderName(overview, hold)} for ${formatDuration(hold.forMs)}${where}`);
    }
  }
  if (group.count > mostMembers) lines.push(`and ${group.count - Math.min(mostMembers, tasks.length)} more`);
  return lines;
}

/** What a task waits for and who has it. */
function waitText(overview: Overview, task: Task): string {
  const { wait } = task;
  if (wait?.on === "tasks") {
    const [first] = wait.tasks;
    const amount = wait.count ?? wait.tasks.length;
    if (amount !== 1) return `${wait.need} of ${count(amount, "task")}`;
    return `task ${nameOf(overview, first)}`;
  }
  const resource = resourceOf(overview, task);
  if (resource === undefined) return "";
  const [hold] = resource.holders;
  const held = resource.held ?? resource.holders.length;
  const by =
    hold === undefined
      ? ""
      : held > 1
        ? `, held by ${held}, the first ${holderName(overview, hold)}`
        : `, held by ${holderName(overview, hold)} for ${formatDuration(hold.forMs)}`;
  return `${resourceText(resource)}${by}`;
}

function resourceText({ kind, name, type }: Pick<Resource, "kind" | "name" | "type">): string {
  return `${kind} ${name ?? type}`;
}

function resourceOf(overview: Overview, { wait }: Task): Resource | undefined {
  if (wait?.on !== "resource") return undefined;
  return overview.resources.find(({ id }) => id === wait.resource);
}

function holderName(overview: Overview, hold: Hold): string {
  return hold.task === undefined ? unknownHolder(overview, hold) : nameOf(overview, hold.task);
}

function nameOf(overview: Overview, id: Task["id"] | undefined): string {
  const task = overview.tasks.find((each) => each.id === id);
  return task === undefined ? String(id ?? "") : `${task.name} (${task.id})`;
}

function waitRows(traced: readonly Traced[]): Rows {
  const blockers = traced.flatMap(({ registration, overview }) =>
    (overview?.blockers ?? []).flatMap((blocker) =>
      overview === undefined ? [] : { blocker, overview, registration },
    ),
  );
  return {
    titles: ["HOLDS UP", "PID", "LONGEST", "BECAUSE"],
    right: [0, 1, 2],
    rows: blockers
      .toSorted((a, b) => b.blocker.heldUp - a.blocker.heldUp)
      .map(({ blocker, overview, registration }) => ({
        key: `${registration.pid}-${registration.threadId} ${JSON.stringify(blocker.of)}`,
        grave: false,
        cells: [
          String(blocker.heldUp),
          threadName(registration),
          formatDuration(blocker.longestMs),
          blockerSentence(lookupOf(overview), blocker),
        ],
        details: blocker.first.flatMap((id) => {
          const task = overview.tasks.find((each) => each.id === id);
          const site = siteOf(overview, task?.at);
          if (task === undefined) return [];
          const where = site === undefined ? "" : `  ${site.file}:${site.line}`;
          return `task ${task.id}  ${task.name}  ${task.state} for ${formatDuration(waitMs(task))}${where}`;
        }),
      })),
  };
}

/** Holds by how long others waited for them, then waits: the same wait is not told twice. */
function contentionRows(traced: readonly Traced[]): Rows {
  const entries = traced.flatMap(({ registration, overview }) => {
    const contention = overview?.contention;
    if (overview === undefined || contention === undefined) return [];
    const entry = (
      what: string,
      stack: readonly number[],
      resource: ContendedResource | undefined,
      {
        totalMs,
        times,
        longestMs,
      }: { readonly totalMs: number; readonly times: number; readonly longestMs: number },
    ) => {
      const site = siteOf(overview, stack[0]);
      const name = resource === undefined ? "" : resourceText(resource);
      return {
        totalMs,
        row: {
          key: `${registration.pid}-${registration.threadId} ${what} ${name} ${stack.map((index) => placeText(overview, index)).join()}`,
          grave: false,
          cells: [
            formatDuration(totalMs),
            String(times),
            formatDuration(longestMs),
            threadName(registration),
            what,
            site === undefined ? "" : shortPlace(site),
            [name, site?.function].filter(Boolean).join("  "),
          ],
          details: stack.map((index) => placeText(overview, index)),
        },
      };
    };
    return [
      ...contention.holds
        .filter(({ contended }) => contended > 0)
        .map(({ stack, resource, contended, delayMs, longestMs }) =>
          entry("delays", stack, resource, { totalMs: delayMs, times: contended, longestMs }),
        ),
      ...contention.waits
        .filter(({ state }) => state !== "sleep")
        .map(({ stack, resource, state, count: times, totalMs, longestMs }) =>
          entry(state, stack, resource, { totalMs, times, longestMs }),
        ),
    ];
  });
  return {
    titles: ["TIME", "COUNT", "LONGEST", "PID", "WHAT", "WHERE", "OF"],
    right: [0, 1, 2, 3],
    rows: entries.toSorted((a, b) => b.totalMs - a.totalMs).map(({ row }) => row),
  };
}

function placeText(overview: Overview, index: number): string {
  const site = siteOf(overview, index);
  return site === undefined ? "" : `${site.function ?? "(anonymous)"}  ${site.file}:${site.line}`;
}

/** `4242`, `4242/3` for a worker thread. */
export function threadName({ pid, threadId }: Registration): string {
  return threadId === 0 ? String(pid) : `${pid}/${threadId}`;
}
