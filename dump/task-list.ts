import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Resource, ResourceId } from "@unknot/protocol/resource.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import type {
  Grouping,
  ListedGroup,
  ListedTask,
  TaskListRequest,
  TaskOrder,
  TaskPage,
} from "@unknot/protocol/task-list.ts";
import { parseFilter } from "./filter.ts";
import { type Lookup, lookupOf, plain, resourceName, shortPlace, siteOf, waitMs, whereIs } from "./names.ts";
import { deadlockLabels, excerpt, keyOf } from "./overview.ts";

/**
 * A part of the list of a dump's tasks: filtered, grouped and ordered. Its size depends on `limit` alone. Throws for a
 * filter that can't be parsed.
 */
export function listTasks(dump: Dump, request: TaskListRequest): TaskPage {
  const filter = parseFilter(request.filter);
  if (!filter.ok) throw new Error(filter.message);
  const listing = listingOf(dump);
  const matches = filter.bind({ ...listing, problems: dump.problems });
  const matching = request.filter.trim() === "" ? dump.tasks : dump.tasks.filter(matches);
  const level = levelOf(listing, matching, request);
  const rows = level.page(request.offset, request.limit);
  const named = rows.map((row) => ({
    tasks: row.kind === "task" ? [] : row.task === undefined ? [] : [row.task],
    resources: row.kind === "task" || row.resource === undefined ? [] : [row.resource],
  }));
  const chosen = rows.flatMap((row) => (row.kind === "task" ? row.task : []));
  const picked = excerpt(dump, chosen, named, mostNamed);
  return {
    capturedAt: dump.capturedAt,
    total: dump.tasks.length,
    matching: matching.length,
    count: level.count,
    rows: rows.map((row) => (row.kind === "group" ? picked.renumberGroup(row) : row)),
    sites: picked.sites,
    tasks: picked.tasks,
    resources: picked.resources,
  };
}

/** Of long lists (waiters of a lock, tasks of a join) a page has so many entries. */
const mostNamed = 20;

interface Listing extends Lookup {
  readonly dump: Dump;
  readonly labels: ReadonlyMap<TaskId, string>;
}

function listingOf(dump: Dump): Listing {
  return { ...lookupOf(dump), dump, labels: deadlockLabels(dump.problems) };
}

/** The rows at one place of a list; only those of a page are made. */
interface Level {
  readonly count: number;
  page(offset: number, limit: number): readonly (ListedGroup | ListedTask)[];
}

function levelOf(listing: Listing, matching: readonly Task[], request: TaskListRequest): Level {
  const { by, under } = request;
  if (by === "tree") return treeLevel(listing, matching, request);
  if (by === "flat" || (under !== undefined && "group" in under)) {
    const key = under !== undefined && "group" in under ? under.group : undefined;
    const keyOfTask = key === undefined ? undefined : traitOf(listing, by as Grouping);
    const members =
      keyOfTask === undefined ? matching : matching.filter((task) => keyOfTask(task).key === key);
    return tasksLevel(sorted(members, comparison(listing, members, request)), () => 0);
  }
  return groupsLevel(listing, matching, by, request);
}

function tasksLevel(tasks: readonly Task[], childrenOf: (task: Task) => number): Level {
  return {
    count: tasks.length,
    page: (offset, limit) =>
      tasks
        .slice(offset, offset + limit)
        .map((task) => ({ kind: "task", task: task.id, children: childrenOf(task) })),
  };
}

/** What tasks of a group have in common. */
interface Trait {
  readonly key: string;
  readonly name?: () => string;
  readonly resource?: ResourceId;
  readonly task?: TaskId;
}

const nothing = "-";

/** What a grouping puts a task under. */
function traitOf(listing: Listing, by: Grouping): (task: Task) => Trait {
  const { snapshot, taskById, dump, labels } = listing;
  const text = (value: string | undefined, absent: string): Trait =>
    value === undefined ? { key: nothing, name: () => absent } : { key: `=${value}`, name: () => value };
  const ofTask = (id: TaskId | undefined, absent: string): Trait =>
    id === undefined
      ? { key: nothing, name: () => absent }
      : { key: `task ${id}`, name: () => nameOfTask(taskById, id), task: id };
  const ofSite = (site: Site | undefined, absent: string): Trait =>
    site === undefined
      ? { key: nothing, name: () => absent }
      : { key: `${site.file}:${site.line}:${site.column}`, name: () => shortPlace(site) };
  if (by.startsWith("label:")) {
    const label = by.slice("label:".length);
    return ({ labels: own = {} }) =>
      text(Object.hasOwn(own, label) ? own[label] : undefined, `no label '${plain(label)}'`);
  }
  switch (by) {
    case "state":
      return (task) => text(task.state, "");
    case "kind":
      return (task) => text(task.kind, "");
    case "function":
      return (task) => text(task.name, "");
    case "file":
      return (task) => text(whereIs(snapshot, task)?.file, "no known file");
    case "created":
      return (task) => ofSite(siteOf(snapshot, task.created), "not known where");
    case "parent":
      return (task) => ofTask(task.parent, "no task");
    case "waits-for":
      return (task) => waitedFor(listing, task);
    case "held-by":
      return (task) => ofTask(holderOf(listing, task), "nobody known");
    default: {
      // Keys are built of paths: once for all tasks of a place.
      const known = new Map<string, string>();
      return (task) => {
        const label = labels.get(task.id);
        const place = `${task.state} ${task.at} ${task.entry} ${label}`;
        let key = known.get(place);
        if (key === undefined) {
          key = keyOf(dump, task, label);
          known.set(place, key);
        }
        return { key };
      };
    }
  }
}

function nameOfTask(taskById: Lookup["taskById"], id: TaskId): string {
  const task = taskById.get(id);
  return task === undefined ? `task ${id}` : `${plain(task.name)} (task ${id})`;
}

/** A resource, or the task that is awaited; of several the first. Timers are told apart by nothing. */
function waitedFor({ snapshot, taskById, resourceById }: Listing, { wait }: Task): Trait {
  if (wait?.on === "tasks") {
    const [first] = wait.tasks;
    if (first !== undefined)
      return { key: `task ${first}`, name: () => nameOfTask(taskById, first), task: first };
  } else if (wait?.on === "resource") {
    const resource = resourceById.get(wait.resource);
    if (resource?.kind === "timer") return { key: "timer", name: () => "timers" };
    if (resource !== undefined)
      return {
        key: `resource ${resource.id}`,
        name: () => resourceName(snapshot, resource),
        resource: resource.id,
      };
  }
  return { key: nothing, name: () => (wait === undefined ? "nothing" : "nothing that is known") };
}

function holderOf({ resourceById }: Listing, { wait }: Task): TaskId | undefined {
  if (wait?.on !== "resource") return undefined;
  return resourceById.get(wait.resource)?.holders.find(({ task }) => task !== undefined)?.task;
}

function groupsLevel(
  listing: Listing,
  matching: readonly Task[],
  by: Grouping,
  { order, reverse }: TaskListRequest,
): Level {
  const groups = new Map<
    string,
    { readonly trait: Trait; readonly first: Task; readonly group: ListedGroup & Counted }
  >();
  const trait = traitOf(listing, by);
  for (const task of matching) {
    const own = trait(task);
    const known = groups.get(own.key);
    if (known === undefined)
      groups.set(own.key, { trait: own, first: task, group: firstOf(listing, own, task) });
    else join(listing, known.group, task);
  }
  const compare = groupComparison(order);
  const all = [...groups.values()].sort(
    (a, b) =>
      (reverse === true ? -1 : 1) * compare(a.group, b.group) ||
      (a.group.problem === undefined ? 0 : a.first.id - b.first.id) ||
      byText(a.group.key, b.group.key),
  );
  return {
    count: all.length,
    page: (offset, limit) =>
      all.slice(offset, offset + limit).map(({ trait: { name, resource, task }, first, group }) =>
        // A place where one task waits says no more than the task.
        name === undefined && group.count === 1
          ? { kind: "task", task: first.id, children: 0 }
          : {
              ...group,
              name: name?.() ?? group.name,
              ...(resource === undefined ? {} : { resource }),
              ...(task === undefined ? {} : { task }),
            },
      ),
  };
}

/** A group while its members are counted. */
type Counted = { -readonly [Field in keyof ListedGroup]: ListedGroup[Field] };

function firstOf({ labels }: Listing, { key }: Trait, task: Task): ListedGroup & Counted {
  const problem = labels.get(task.id);
  const waited = waitMs(task);
  return {
    kind: "group",
    key,
    name: task.name,
    count: 1,
    minWaitMs: waited,
    maxWaitMs: waited,
    state: task.state,
    ...(task.at === undefined ? {} : { at: task.at }),
    ...(task.entry === undefined ? {} : { entry: task.entry }),
    ...(problem === undefined ? {} : { problem }),
  };
}

function join({ dump, labels }: Listing, group: Counted, task: Task): void {
  group.count++;
  const waited = waitMs(task);
  if (waited < group.minWaitMs) group.minWaitMs = waited;
  if (waited > group.maxWaitMs) group.maxWaitMs = waited;
  if (group.state !== task.state) delete group.state;
  if (group.at !== task.at && !samePlace(dump, group.at, task.at)) delete group.at;
  if (group.entry !== task.entry && !samePlace(dump, group.entry, task.entry)) delete group.entry;
  if (group.name !== task.name) group.name = siteOf(dump, group.entry)?.function ?? group.name;
  const problem = labels.size === 0 ? undefined : labels.get(task.id);
  if (problem !== undefined) group.problem ??= problem;
}

/** Sites with another index can be the same place. */
function samePlace(dump: Dump, one: number | undefined, other: number | undefined): boolean {
  const [a, b] = [siteOf(dump, one), siteOf(dump, other)];
  return a !== undefined && a.file === b?.file && a.line === b.line && a.column === b.column;
}

function groupComparison(order: TaskOrder): (a: ListedGroup, b: ListedGroup) => number {
  const text = (of: (group: ListedGroup) => string | undefined) => (a: ListedGroup, b: ListedGroup) =>
    byText(of(a), of(b));
  switch (order) {
    case "wait":
    case "age":
      return (a, b) => b.maxWaitMs - a.maxWaitMs;
    case "name":
      return text(({ name }) => name);
    case "state":
      return text(({ state }) => state);
    case "place":
      return text(({ key }) => key);
    case "problem":
      return (a, b) => rank(a.problem) - rank(b.problem) || b.count - a.count;
    default:
      return (a, b) => b.count - a.count;
  }
}

/** The tasks that match and those that started them, for they say where the others belong. */
function treeLevel(listing: Listing, matching: readonly Task[], request: TaskListRequest): Level {
  const { dump, taskById } = listing;
  const shown = new Set(matching.map(({ id }) => id));
  const matched = matching.length === dump.tasks.length ? undefined : new Set(shown);
  for (const task of matched === undefined ? [] : matching) {
    let parent = parentOf(taskById, task);
    while (parent !== undefined && !shown.has(parent.id)) {
      shown.add(parent.id);
      parent = parentOf(taskById, parent);
    }
  }
  const wanted = request.under !== undefined && "task" in request.under ? request.under.task : undefined;
  const level: Task[] = [];
  const children = new Map<TaskId, number>();
  for (const task of dump.tasks) {
    if (!shown.has(task.id)) continue;
    const parent = parentOf(taskById, task)?.id;
    if (parent !== undefined) children.set(parent, (children.get(parent) ?? 0) + 1);
    if (parent === wanted) level.push(task);
  }
  const rows = tasksLevel(
    sorted(level, comparison(listing, level, request)),
    (task) => children.get(task.id) ?? 0,
  );
  if (matched === undefined) return rows;
  return {
    count: rows.count,
    page: (offset, limit) =>
      rows
        .page(offset, limit)
        .map((row) => (row.kind === "task" && !matched.has(row.task) ? { ...row, context: true } : row)),
  };
}

/** The living task that started this one. */
function parentOf(taskById: Lookup["taskById"], { id, parent }: Task): Task | undefined {
  const found = parent === undefined ? undefined : taskById.get(parent);
  // A dump of another tool may say anything; numbers grow with time.
  return found !== undefined && found.id < id ? found : undefined;
}

function sorted(tasks: readonly Task[], compare: (a: Task, b: Task) => number): readonly Task[] {
  return [...tasks].sort(compare);
}

function comparison(
  { snapshot, labels, dump }: Listing,
  tasks: readonly Task[],
  { order, reverse }: TaskListRequest,
): (a: Task, b: Task) => number {
  const direction = reverse === true ? -1 : 1;
  const by = (compare: (a: Task, b: Task) => number) => (a: Task, b: Task) =>
    direction * compare(a, b) || a.id - b.id;
  switch (order) {
    case "problem":
      return by((a, b) => rank(labels.get(a.id)) - rank(labels.get(b.id)) || waitMs(b) - waitMs(a));
    case "count":
    case "wait":
      return by((a, b) => waitMs(b) - waitMs(a));
    case "age":
      return by((a, b) => b.ageMs - a.ageMs);
    case "name":
      return by((a, b) => byText(a.name, b.name));
    case "state":
      return by((a, b) => byText(a.state, b.state));
    case "place":
      return by((a, b) => bySite(whereIs(snapshot, a), whereIs(snapshot, b)));
    case "queue": {
      const places = queuePlaces(dump.resources, tasks);
      return by((a, b) => (places.get(a.id) ?? Infinity) - (places.get(b.id) ?? Infinity) || 0);
    }
    case "id":
      return by((a, b) => a.id - b.id);
  }
}

/** In which order tasks will be served by what they wait for. */
function queuePlaces(resources: readonly Resource[], tasks: readonly Task[]): ReadonlyMap<TaskId, number> {
  const waitedFor = new Set(tasks.flatMap(({ wait }) => (wait?.on === "resource" ? wait.resource : [])));
  const places = new Map<TaskId, number>();
  for (const { id, waiters } of resources) {
    if (waitedFor.has(id)) for (const [index, waiter] of waiters.entries()) places.set(waiter, index);
  }
  return places;
}

function rank(label: string | undefined): number {
  if (label === undefined) return Number.MAX_SAFE_INTEGER;
  return Number(label.replace(/^\D+/, "")) || 0;
}

/** By the order of their characters, the same everywhere. */
function byText(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  return b === undefined || a < b ? -1 : 1;
}

function bySite(a: Site | undefined, b: Site | undefined): number {
  return byText(a?.file, b?.file) || (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}
