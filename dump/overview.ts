import type { ContendedHold, ContendedWait, Contention } from "@unknot/protocol/contention.ts";
import type { Dump, LoopState, Site } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Resource, ResourceId } from "@unknot/protocol/resource.ts";
import { type Task, type TaskId, taskStates } from "@unknot/protocol/task.ts";
import type { Blocker, Overview, TaskGroup } from "@unknot/protocol/wire.ts";
import { blockersOf } from "./blockers.ts";
import { indexById } from "./index-by-id.ts";
import { lookupOf, type Snapshot, siteOf, waitMs } from "./names.ts";

/** Tasks of a dump that wait at the same place: indexes into `dump.tasks`, in the order of the dump. */
export interface Gathering {
  readonly key: string;
  readonly label?: string;
  readonly members: readonly number[];
}

/**
 * The groups of a dump: same state, same await, same function, same deadlock. Deadlocks come first in the order of
 * their labels, then the largest groups; ties are broken by the key, so equal dumps give equal orders.
 */
export function gather(dump: Pick<Dump, "sites" | "tasks" | "problems">): readonly Gathering[] {
  const labels = deadlockLabels(dump.problems);
  const labelNumbers = new Map([...new Set(labels.values())].map((label, index) => [label, index + 1]));
  const states = new Map<string, number>(taskStates.map((state, index) => [state, index]));
  const siteCount = dump.sites.length + 1;
  const groups = new Map<number, number[]>();
  for (let index = 0; index < dump.tasks.length; index++) {
    const task = dump.tasks[index] as Task;
    const label = labels.size === 0 ? undefined : labels.get(task.id);
    // One number per combination: 23 states x sites² x labels stays far below 2^53 for a million sites.
    const where = (states.get(task.state) ?? 0) * siteCount + (task.at ?? -1) + 1;
    const combined = where * siteCount + (task.entry ?? -1) + 1;
    const key =
      label === undefined ? combined : -(combined * (labelNumbers.size + 1) + (labelNumbers.get(label) ?? 0));
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [index]);
    else members.push(index);
  }
  const gatherings = mergeSame(
    [...groups.values()].map((members) => {
      const task = dump.tasks[members[0] ?? -1];
      const label = task === undefined ? undefined : labels.get(task.id);
      const key = task === undefined ? "" : keyOf(dump, task, label);
      return label === undefined ? { key, members } : { key, label, members };
    }),
  );
  return gatherings.sort(
    (a, b) =>
      labelRank(a.label) - labelRank(b.label) ||
      (a.label === undefined ? 0 : (a.members[0] ?? 0) - (b.members[0] ?? 0)) ||
      b.members.length - a.members.length ||
      (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  );
}

/**
 * Reduces a dump to its groups with some members each, and to what these and the problems name: sites, tasks,
 * resources. Long lists (waiters of a lock, tasks of a join) are cut to `membersPerGroup` and tell their length.
 */
export function overview(dump: Dump, { membersPerGroup }: { readonly membersPerGroup: number }): Overview {
  const groups = taskGroups(dump, membersPerGroup);
  const chosen = groups.flatMap((group) => group.members);
  const blockers = blockersOf(dump, mostBlockers);
  const oldest = oldestOf(dump, mostOldest);
  const named = [...dump.problems, ...blockers.map(namedBy)];
  const picked = excerpt(dump, [...chosen, ...oldest], named, membersPerGroup);
  return {
    process: dump.process,
    capturedAt: dump.capturedAt,
    loop: withoutStack(dump.loop),
    coverage: dump.coverage,
    total: dump.tasks.length,
    ...(dump.filtered === undefined ? {} : { filtered: dump.filtered }),
    groups: groups.map((group) => picked.renumberGroup(group)),
    problems: dump.problems,
    blockers,
    oldest,
    sites: picked.sites,
    tasks: picked.tasks,
    resources: picked.resources,
    ...(dump.contention === undefined ? {} : { contention: picked.renumberContention(dump.contention) }),
  };
}

/** The groups of a dump, with some members each; sites are those of the dump. */
export function taskGroups(
  dump: Pick<Dump, "sites" | "tasks" | "problems">,
  membersPerGroup: number,
): readonly TaskGroup[] {
  const inProblem = new Set(dump.problems.flatMap((problem) => problem.tasks));
  return gather(dump).map((gathering): TaskGroup => {
    const tasks = gathering.members.map((index) => dump.tasks[index] as Task);
    const first = tasks[0];
    const members = someOf(tasks, membersPerGroup, inProblem);
    const waits = extent(tasks);
    return {
      key: gathering.key,
      count: tasks.length,
      state: first?.state ?? "await",
      name: groupName(dump, tasks),
      minWaitMs: waits.min,
      maxWaitMs: waits.max,
      members: members.map((task) => task.id),
      ...(first?.at === undefined ? {} : { at: first.at }),
      ...(first?.entry === undefined ? {} : { entry: first.entry }),
      ...(gathering.label === undefined ? {} : { problem: gathering.label }),
    };
  });
}

const mostOldest = 5;

/** The tasks that have lived longest, the oldest first. Main modules live as long as the program, and say nothing. */
function oldestOf({ tasks }: Dump, most: number): readonly TaskId[] {
  const oldest: Task[] = [];
  for (const task of tasks) {
    if (oldest.length === most && task.ageMs <= (oldest[most - 1]?.ageMs ?? 0)) continue;
    if (task.kind === "main" || task.external === true) continue;
    const place = oldest.findIndex(({ ageMs }) => ageMs < task.ageMs);
    oldest.splice(place === -1 ? oldest.length : place, 0, task);
    oldest.length = Math.min(oldest.length, most);
  }
  return oldest.map(({ id }) => id);
}

/** Its places are those of the problem about it. */
function withoutStack({ stack: _, ...loop }: LoopState): LoopState {
  return loop;
}

/** What the members of a group have in common, with paths instead of site numbers: the same in every dump. */
export function keyOf(dump: Pick<Dump, "sites">, task: Task, label: string | undefined): string {
  const place = (index: number | undefined) => {
    const site = siteOf(dump, index);
    return site === undefined ? "-" : `${site.file}:${site.line}:${site.column}`;
  };
  const key = `${task.state} ${place(task.at)} ${place(task.entry)}`;
  return label === undefined ? key : `${label} ${key}`;
}

/** Sites with another index can be the same place. */
function mergeSame(gatherings: readonly Gathering[]): Gathering[] {
  const byKey = new Map<string, Gathering>();
  for (const gathering of gatherings) {
    const known = byKey.get(gathering.key);
    if (known === undefined) byKey.set(gathering.key, gathering);
    else {
      const members = [...known.members, ...gathering.members].sort((a, b) => a - b);
      byKey.set(gathering.key, { ...known, members });
    }
  }
  return [...byKey.values()];
}

/** The label of the deadlock that a task is part of. */
export function deadlockLabels(problems: readonly Problem[]): ReadonlyMap<TaskId, string> {
  const labels = new Map<TaskId, string>();
  for (const { label, tasks } of problems) {
    if (label === undefined) continue;
    for (const task of tasks) if (!labels.has(task)) labels.set(task, label);
  }
  return labels;
}

function labelRank(label: string | undefined): number {
  if (label === undefined) return Number.MAX_SAFE_INTEGER;
  const number = Number(label.replace(/^\D+/, ""));
  return Number.isFinite(number) ? number : 1_000_000;
}

/** The name all members share, else that of their function. */
function groupName(snapshot: Pick<Snapshot, "sites">, tasks: readonly Task[]): string {
  const [first] = tasks;
  if (first === undefined) return "";
  if (tasks.every((task) => task.name === first.name)) return first.name;
  return siteOf(snapshot, first.entry)?.function ?? first.name;
}

function extent(tasks: readonly Task[]): { min: number; max: number } {
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (const task of tasks) {
    const waited = waitMs(task);
    if (waited < min) min = waited;
    if (waited > max) max = waited;
  }
  return { min: Math.min(min, max), max };
}

/** The first of some tasks, those in problems before the others. */
function someOf(tasks: readonly Task[], most: number, inProblem: ReadonlySet<TaskId>): readonly Task[] {
  if (tasks.length <= most || inProblem.size === 0) return tasks.slice(0, most);
  const concerned: Task[] = [];
  for (const task of tasks) {
    if (inProblem.has(task.id)) concerned.push(task);
    if (concerned.length === most) return concerned;
  }
  const others = tasks.filter((task) => !inProblem.has(task.id)).slice(0, most - concerned.length);
  return [...concerned, ...others];
}

/** What a problem or a blocker is about. */
interface Named {
  readonly tasks: readonly TaskId[];
  readonly resources: readonly ResourceId[];
}

const mostBlockers = 10;
/** Entries of each profile of contention. */
const mostContended = 100;

function namedBy({ of, first }: Blocker): Named {
  return "task" in of
    ? { tasks: [of.task, ...first], resources: [] }
    : { tasks: first, resources: [of.resource] };
}

interface Excerpt extends Snapshot {
  readonly renumberGroup: <Group extends Placed>(group: Group) => Group;
  readonly renumberContention: (contention: Contention) => Contention;
}

/** What refers to sites besides tasks and resources. */
interface Placed {
  readonly at?: number;
  readonly entry?: number;
}

/** Some tasks of a dump with everything they name, in a table of sites of their own. */
export function excerpt(
  dump: Dump,
  chosen: readonly TaskId[],
  named: readonly Named[],
  most: number,
): Excerpt {
  const lookup = lookupOf(dump);
  const tasks = new Map<TaskId, Task>();
  const resources = new Map<ResourceId, Resource>();
  const addResource = (id: ResourceId) => {
    const resource = lookup.resourceById.get(id);
    if (resource !== undefined) resources.set(id, resource);
  };
  const addTask = (id: TaskId | undefined) => {
    const task = id === undefined ? undefined : lookup.taskById.get(id);
    if (task === undefined || tasks.has(task.id)) return;
    tasks.set(task.id, task);
    if (task.wait?.on === "resource") addResource(task.wait.resource);
    for (const held of task.holding.slice(0, most)) addResource(held);
  };
  for (const id of chosen) addTask(id);
  for (const one of named) {
    for (const id of one.tasks.slice(0, most)) addTask(id);
    for (const id of one.resources.slice(0, most)) addResource(id);
  }
  // Who started a task and who holds what it waits for are named beside it.
  for (const task of [...tasks.values()]) addTask(task.parent);
  for (const resource of [...resources.values()]) {
    for (const hold of resource.holders.slice(0, most)) addTask(hold.task);
  }
  const sites = new SiteTable(dump.sites);
  const inDumpOrder = inOrder(dump, tasks);
  return {
    tasks: inDumpOrder.map((task) => sites.renumberTask(shortenTask(task, most))),
    resources: [...resources.values()].map((resource) =>
      sites.renumberResource(shortenResource(resource, most)),
    ),
    renumberGroup: (group) => sites.renumberGroup(group),
    renumberContention: (contention) => ({
      ...contention,
      waits: contention.waits.slice(0, mostContended).map((wait) => sites.renumberWait(wait)),
      holds: contention.holds.slice(0, mostContended).map((hold) => sites.renumberHold(hold)),
    }),
    sites: sites.used,
  };
}

function inOrder(dump: Dump, tasks: ReadonlyMap<TaskId, Task>): readonly Task[] {
  if (tasks.size === dump.tasks.length) return dump.tasks;
  const indexes = indexById(dump.tasks);
  const place = (id: TaskId) => indexes.get(id) ?? 0;
  return [...tasks.values()].sort((one, other) => place(one.id) - place(other.id));
}

function shortenTask(task: Task, most: number): Task {
  const { wait } = task;
  if (wait?.on !== "tasks" || wait.tasks.length <= most) return task;
  return {
    ...task,
    wait: { ...wait, tasks: wait.tasks.slice(0, most), count: wait.count ?? wait.tasks.length },
  };
}

function shortenResource(resource: Resource, most: number): Resource {
  const { holders, waiters } = resource;
  if (holders.length <= most && waiters.length <= most) return resource;
  return {
    ...resource,
    holders: holders.slice(0, most),
    waiters: waiters.slice(0, most),
    held: resource.held ?? holders.length,
    waiting: resource.waiting ?? waiters.length,
  };
}

/** Hands out new numbers to the sites that are used. */
class SiteTable {
  readonly used: Site[] = [];
  readonly #all: readonly Site[];
  readonly #numbers = new Map<number, number>();

  constructor(all: readonly Site[]) {
    this.#all = all;
  }

  renumberTask(task: Task): Task {
    const { at, entry, created, ...rest } = task;
    return {
      ...rest,
      ...this.#number("at", at),
      ...this.#number("entry", entry),
      ...this.#number("created", created),
    };
  }

  renumberResource(resource: Resource): Resource {
    const { created, holders, ...rest } = resource;
    return {
      ...rest,
      ...this.#number("created", created),
      holders: holders.map(({ site, ...hold }) => ({ ...hold, ...this.#number("site", site) })),
    };
  }

  renumberGroup<Group extends Placed>({ at, entry, ...rest }: Group): Group {
    // The fields that are taken out are put back, with other numbers.
    return { ...rest, ...this.#number("at", at), ...this.#number("entry", entry) } as Group;
  }

  renumberWait({ stack, resource, ...wait }: ContendedWait): ContendedWait {
    return {
      ...wait,
      stack: this.#stack(stack),
      ...(resource === undefined ? {} : { resource: this.#contended(resource) }),
    };
  }

  renumberHold({ stack, taken, resource, ...hold }: ContendedHold): ContendedHold {
    return {
      ...hold,
      stack: this.#stack(stack),
      ...this.#number("taken", taken),
      resource: this.#contended(resource),
    };
  }

  #contended({ created, ...resource }: ContendedHold["resource"]): ContendedHold["resource"] {
    return { ...resource, ...this.#number("created", created) };
  }

  #stack(stack: readonly number[]): readonly number[] {
    return stack.flatMap((index) => this.#of(index) ?? []);
  }

  #number<Field extends string>(field: Field, index: number | undefined): { [field in Field]?: number } {
    const number = index === undefined ? undefined : this.#of(index);
    return number === undefined ? {} : ({ [field]: number } as { [field in Field]?: number });
  }

  #of(index: number): number | undefined {
    const site = this.#all[index];
    if (site === undefined) return undefined;
    let number = this.#numbers.get(index);
    if (number === undefined) {
      number = this.used.push(site) - 1;
      this.#numbers.set(index, number);
    }
    return number;
  }
}
