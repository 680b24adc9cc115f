// What the Task Dump view shows, made from launches alone: rows with their words, icons, places and children.
import {
  count,
  formatDuration,
  type Lookup,
  lookupOf,
  placeOf,
  plain,
  resourceName,
  shortPlace,
  siteOf,
} from "@unknot/dump/names.ts";
import type { Coverage, Site } from "@unknot/protocol/dump.ts";
import { formatPlace, type Place } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Hold, Resource } from "@unknot/protocol/resource.ts";
import type { Task, TaskId, TaskState } from "@unknot/protocol/task.ts";
import type { Overview, TaskGroup } from "@unknot/protocol/wire.ts";
import type { Launch } from "../../sessions/launches.ts";
import { problemsOf, type SessionSnapshot } from "../../sessions/session.ts";

/** A codicon and the theme colour it has. */
export interface RowIcon {
  readonly name: string;
  readonly color?: string;
}

/** One line of the tree. All texts are plain: names of the program are in them. */
export interface Row {
  /** Stays the same while the row stands for the same thing, so that selection and expansion survive a refresh. */
  readonly id: string;
  readonly kind:
    | "launch"
    | "process"
    | "state"
    | "problem"
    | "section"
    | "group"
    | "task"
    | "detail"
    | "more";
  readonly label: string;
  readonly description?: string;
  /** Made when it is asked for, as children are: an overview can have thousands of tasks. */
  readonly tooltip?: () => string;
  readonly icon: RowIcon;
  /** What a screen reader says. */
  readonly spoken: string;
  /** Where Enter goes. */
  readonly place?: Place;
  readonly children?: () => readonly Row[];
  /** Expanded when it is first shown. */
  readonly open?: boolean;
  /** The session that the row is about. */
  readonly session?: string;
  readonly task?: TaskTargets;
  /** On a `more` row: the group to load from. */
  readonly group?: string;
}

/** What the commands of a task's row need. */
export interface TaskTargets {
  /** The task as text, for the clipboard. */
  readonly text: () => string;
  readonly holder?: Place;
  readonly creator?: Place;
}

/** The rows of the tree. One process needs no row of its own. */
export function rowsOf(launches: readonly Launch[]): readonly Row[] {
  const many = launches.reduce((sum, launch) => sum + Math.max(launch.sessions.length, 1), 0) > 1;
  return launches.flatMap((launch) =>
    launch.sessions.length === 0
      ? [emptyLaunch(launch)]
      : launch.sessions.flatMap((session) => (many ? [processRow(session)] : sessionRows(session))),
  );
}

/** Deadlocks and other sure problems of all processes: the number on the view's badge. */
export function problemCount(launches: readonly Launch[]): number {
  return launches.flatMap((launch) => launch.sessions.flatMap(problemsOf)).filter(isSure).length;
}

/** What the view's title says beside its name. */
export function summaryOf(launches: readonly Launch[]): string {
  const sessions = launches.flatMap((launch) => launch.sessions);
  const [only, ...others] = sessions;
  if (!only) return "";
  if (others.length > 0) return count(sessions.length, "process").replace(/processs$/, "processes");
  const { overview } = only;
  return [titleOf(only), ...(overview ? [count(overview.total, "task")] : [])].join(", ");
}

function titleOf({ process }: SessionSnapshot): string {
  const name = plain(
    process.title.slice(Math.max(process.title.lastIndexOf("/"), process.title.lastIndexOf("\\")) + 1),
  );
  const thread = process.threadId === 0 ? "" : ` worker ${process.threadId}`;
  return `${name}${thread} (${process.pid})`;
}

function emptyLaunch(launch: Launch): Row {
  const name = plain(launch.name);
  const text = (label: string, icon: RowIcon, description?: string): Row => ({
    id: `launch ${launch.id}`,
    kind: "launch",
    label,
    icon,
    spoken: description === undefined ? label : `${label}. ${description}`,
    ...(description === undefined ? {} : { description, tooltip: () => `${label}\n${description}` }),
  });
  if (launch.untraced !== undefined)
    return text(`'${name}' runs untraced`, icons.information, launch.untraced);
  if (launch.running && launch.overdue) {
    const why = "Node before 22.15, package managers, compilers and linters are not traced";
    return text(`No traced program in '${name}' so far`, icons.information, why);
  }
  if (launch.running) return text(`Waiting for '${name}' to start`, icons.waiting);
  return text(`'${name}' ended before it could be traced`, icons.information);
}

function processRow(session: SessionSnapshot): Row {
  const problems = problemsOf(session).filter(isSure);
  const title = titleOf(session);
  const description = [
    ...(session.overview ? [count(session.overview.total, "task")] : []),
    ...(problems.length > 0 ? [count(problems.length, "problem")] : []),
  ].join(", ");
  return {
    id: session.id,
    kind: "process",
    label: title,
    description,
    icon: problems.length > 0 ? icons.error : icons.process,
    spoken: `process ${title}, ${description}`,
    open: true,
    session: session.id,
    children: () => sessionRows(session),
  };
}

function sessionRows(session: SessionSnapshot): readonly Row[] {
  const { overview } = session;
  const states = stateRows(session);
  if (!overview) return states;
  const scene: Scene = { session, overview, ...lookupOf(withMore(session, overview)) };
  const problems = problemsOf(session);
  return [
    ...states,
    ...(problems.length > 0
      ? problems.map((problem, index) => problemRow(scene, problem, index))
      : [nothingFound(scene)]),
    ...(overview.groups.length > 0 ? [tasksRow(scene)] : []),
    coverageRow(scene),
  ];
}

/** An overview with what its rows look up. */
interface Scene extends Lookup {
  readonly session: SessionSnapshot;
  readonly overview: Overview;
}

/** The overview's tasks and resources with those that were loaded on demand; their sites are moved behind its own. */
function withMore(
  { more }: SessionSnapshot,
  overview: Overview,
): Pick<Overview, "sites" | "tasks" | "resources"> {
  const sites = [...overview.sites];
  const tasks = new Map<TaskId, Task>();
  const resources = new Map<Resource["id"], Resource>();
  for (const page of more.values()) {
    const shift = sites.length;
    const moved = (index: number | undefined) => (index === undefined ? undefined : index + shift);
    sites.push(...page.sites);
    for (const task of page.tasks) {
      tasks.set(
        task.id,
        defined({ ...task, at: moved(task.at), entry: moved(task.entry), created: moved(task.created) }),
      );
    }
    for (const resource of page.resources) {
      resources.set(
        resource.id,
        defined({
          ...resource,
          created: moved(resource.created),
          holders: resource.holders.map((hold) => defined({ ...hold, site: moved(hold.site) })),
        }),
      );
    }
  }
  for (const task of overview.tasks) tasks.set(task.id, task);
  for (const resource of overview.resources) resources.set(resource.id, resource);
  return { sites, tasks: [...tasks.values()], resources: [...resources.values()] };
}

/** Leaves out what is undefined, which optional fields of the protocol never are. */
function defined<Value extends object>(value: { [Key in keyof Value]: Value[Key] | undefined }): Value {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Value;
}

function isSure(problem: Problem): boolean {
  return problem.certainty === "proved" || problem.certainty === "observed";
}

function stateRows(session: SessionSnapshot): readonly Row[] {
  const { state, overview, paused } = session;
  const row = (label: string, icon: RowIcon, description?: string): Row => ({
    id: `${session.id} state`,
    kind: "state",
    label,
    icon,
    spoken: description === undefined ? label : `${label}. ${description}`,
    session: session.id,
    ...(description === undefined ? {} : { description }),
  });
  const asOf = overview === undefined ? undefined : `as of ${timeOf(overview.capturedAt)}`;
  switch (state.kind) {
    case "connecting":
      return [row(`Connecting to ${titleOf(session)}`, icons.waiting)];
    case "failed":
      return [row("No connection", icons.warning, plainSentence(state.why))];
    case "ended": {
      const code = state.exitCode === undefined ? "" : ` with code ${state.exitCode}`;
      return [row(`Ended${code}`, icons.ended, asOf ?? "no dump was taken")];
    }
    case "live":
      if (paused) return [row("Paused by the debugger", icons.paused, asOf)];
      return overview
        ? []
        : [row(`Connected to ${titleOf(session)}`, icons.waiting, "waiting for the first dump")];
  }
}

function timeOf(epochMs: number): string {
  const date = new Date(epochMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

function problemRow(scene: Scene, problem: Problem, index: number): Row {
  const { session } = scene;
  const id = `${session.id} problem ${problem.id} ${problem.tasks.slice(0, 4).join(",") || index}`;
  const words =
    problem.verdict === "deadlock"
      ? `Deadlock${problem.label === undefined ? "" : ` ${problem.label}`}: `
      : "";
  const message = `${words}${plainSentence(problem.message)}`;
  const members = problem.tasks.flatMap((task) => scene.taskById.get(task) ?? []).slice(0, mostMembers);
  const [place] = problem.at;
  const description = [
    ...(isSure(problem) ? [] : ["not certain"]),
    ...(place === undefined ? [] : [shortPlace(place)]),
  ].join(" · ");
  return {
    id,
    kind: "problem",
    label: message,
    description,
    tooltip: () => [message, ...problem.at.map(formatPlace)].join("\n"),
    icon: isSure(problem) ? icons.error : icons.warning,
    spoken: words === "" ? `problem: ${message}` : message,
    session: session.id,
    ...(place === undefined ? {} : { place }),
    ...(members.length === 0
      ? {}
      : {
          open: true,
          children: () =>
            members.map((task) =>
              taskRow(scene, task, { parent: id, flagged: problem.verdict === "deadlock" }),
            ),
        }),
  };
}

/** A deadlock of thousands shows its cycle and some others; the message has the number. */
const mostMembers = 50;

function nothingFound(scene: Scene): Row {
  const { total, coverage } = scene.overview;
  const seen = coverage.instrumented.map(plain).join(", ");
  const description = seen === "" ? "no library of locks, queues or channels is loaded" : `in ${seen}`;
  const label = total === 0 ? "No pending tasks" : `No deadlock found among ${count(total, "task")}`;
  return {
    id: `${scene.session.id} nothing`,
    kind: "problem",
    label,
    description,
    icon: icons.information,
    spoken: `${label}, ${description}`,
    session: scene.session.id,
  };
}

function groupRow(scene: Scene, group: TaskGroup): Row {
  const { session } = scene;
  const id = `${session.id} group ${group.key}`;
  const members = group.members.flatMap((task) => scene.taskById.get(task) ?? []);
  const [first] = members;
  if (group.count === 1 && first) return { ...taskRow(scene, first, { parent: id }), id };
  const loaded = (session.more.get(group.key)?.tasks ?? []).flatMap(
    (task) => scene.taskById.get(task.id) ?? [],
  );
  const shown = [...new Map([...members, ...loaded].map((task) => [task.id, task])).values()];
  const at = siteOf(scene.overview, group.at ?? group.entry);
  const flags = group.problem === undefined ? "" : ` (deadlock ${plain(group.problem)})`;
  const description = [
    `${group.state}${flags}`,
    ...(at === undefined ? [] : [shortPlace(at)]),
    durations(group.minWaitMs, group.maxWaitMs),
  ].join(" · ");
  const name = plain(group.name);
  return {
    id,
    kind: "group",
    label: `${group.count} × ${name}`,
    description,
    tooltip: () =>
      [
        `${count(group.count, "task")} '${name}'`,
        description,
        ...(at === undefined ? [] : [formatPlace(at)]),
      ].join("\n"),
    icon: iconOf(group.state, group.problem !== undefined),
    spoken: `${count(group.count, "task")} ${name}, ${spokenState(group.state, group.problem)}, ${durations(group.minWaitMs, group.maxWaitMs)}${at === undefined ? "" : `, at ${shortPlace(at)}`}`,
    session: session.id,
    open: group.problem !== undefined,
    ...(at === undefined ? {} : { place: placeOf(at) }),
    children: () => [
      ...shown.map((task) => taskRow(scene, task, { parent: id, flagged: true })),
      ...(shown.length < group.count ? [moreRow(scene, group, shown.length)] : []),
    ],
  };
}

/** All tasks, by where they wait. */
function tasksRow(scene: Scene): Row {
  const { session, overview } = scene;
  const groups = overview.groups.length;
  const description = `${overview.total}${groups < overview.total ? ` at ${count(groups, "place")}` : ""}`;
  return {
    id: `${session.id} tasks`,
    kind: "section",
    label: "Tasks",
    description,
    icon: icons.tasks,
    spoken: `tasks, ${description}`,
    session: session.id,
    open: true,
    children: () => overview.groups.map((group) => groupRow(scene, group)),
  };
}

function moreRow({ session }: Scene, group: TaskGroup, shown: number): Row {
  const alive = session.state.kind === "live";
  const label = `${shown} of ${group.count} shown`;
  return {
    id: `${session.id} more ${group.key}`,
    kind: "more",
    label,
    icon: icons.more,
    session: session.id,
    group: group.key,
    ...(alive ? { description: "show more" } : {}),
    spoken: alive ? `${label}, press Enter to show more` : label,
  };
}

/** Where a task's row stands: a row above that says "deadlock" spares its members the word. */
interface Position {
  readonly parent: string;
  readonly flagged?: boolean;
}

function taskRow(scene: Scene, task: Task, { parent, flagged = false }: Position): Row {
  const problem = deadlockOf(scene, task);
  const at = siteOf(scene.snapshot, task.at);
  const waitsFor = waitText(scene, task);
  const name = plain(task.name);
  const flag = problem === undefined ? "" : ` (deadlock ${plain(problem)})`;
  const description = [
    `${waitsFor ?? task.state}${flagged ? "" : flag}`,
    ...(at === undefined ? [] : [shortPlace(at)]),
    formatDuration(task.wait?.sinceMs ?? task.ageMs),
    `task ${task.id}`,
  ].join(" · ");
  const id = `${parent} task ${task.id}`;
  const details = () => detailsOf(scene, task);
  const holder = holderSite(scene, task);
  const creator = siteOf(scene.snapshot, task.created);
  const site = at ?? siteOf(scene.snapshot, task.entry);
  return {
    id,
    kind: "task",
    label: name,
    description,
    tooltip: () => [`task ${task.id} '${name}'`, ...details().map(detailText)].join("\n"),
    icon: iconOf(task.state, problem !== undefined),
    spoken: [
      `task ${task.id} ${name}`,
      spokenState(task.state, problem),
      `${task.wait ? "waiting" : "for"} ${formatDuration(task.wait?.sinceMs ?? task.ageMs)}`,
      ...(waitsFor === undefined ? [] : [waitsFor]),
    ].join(", "),
    session: scene.session.id,
    ...(site === undefined ? {} : { place: placeOf(site) }),
    children: () => details().map((detail, index) => detailRow(scene.session.id, id, detail, index)),
    task: {
      text: () =>
        [
          `task ${task.id} ${name} [${task.state}${flag}]`,
          ...details().map((one) => `  ${detailText(one)}`),
        ].join("\n"),
      ...(holder === undefined ? {} : { holder: placeOf(holder) }),
      ...(creator === undefined ? {} : { creator: placeOf(creator) }),
    },
  };
}

function deadlockOf({ overview }: Scene, task: Task): string | undefined {
  return overview.problems.find(
    (problem) => problem.verdict === "deadlock" && problem.tasks.includes(task.id),
  )?.label;
}

/** One fact about a task, with the place it speaks of. */
interface Detail {
  readonly label: string;
  readonly text: string;
  readonly icon: string;
  readonly place?: Place;
}

function detailRow(
  session: string,
  parent: string,
  { label, text, icon, place }: Detail,
  index: number,
): Row {
  const description = [text, ...(place === undefined ? [] : [shortPlace(place)])].filter(Boolean).join(" · ");
  return {
    id: `${parent} ${index} ${label}`,
    kind: "detail",
    label,
    description,
    icon: { name: icon },
    spoken: `${label} ${text}${place === undefined ? "" : ` at ${shortPlace(place)}`}`,
    session,
    ...(place === undefined ? {} : { place, tooltip: () => formatPlace(place) }),
  };
}

function detailsOf(scene: Scene, task: Task): readonly Detail[] {
  const details: Detail[] = [];
  const add = (label: string, text: string, icon: string, site?: Site) =>
    details.push({ label, text, icon, ...(site === undefined ? {} : { place: placeOf(site) }) });
  const site = (index: number | undefined) => siteOf(scene.snapshot, index);
  if (task.at !== undefined) add("Awaits at", functionAt(site(task.at)), "debug-stackframe", site(task.at));
  add(
    "State",
    `${task.state}${task.wait ? ` for ${formatDuration(task.wait.sinceMs)}` : ""}, started ${formatDuration(task.ageMs)} ago`,
    "clock",
  );
  if (task.wait?.on === "resource") {
    const resource = scene.resourceById.get(task.wait.resource);
    if (resource) {
      const { position } = task.wait;
      const waiting = resource.waiting ?? resource.waiters.length;
      const queue = position === undefined ? "" : `, position ${position} of ${waiting}`;
      add("Waits for", `${resourceText(scene, resource)}${queue}`, "lock", site(resource.created));
      for (const hold of resource.holders.slice(0, mostHolders)) {
        add(
          "Held by",
          `${holderText(scene, hold)} for ${formatDuration(hold.forMs)}`,
          "key",
          site(hold.site),
        );
      }
      const hidden =
        (resource.held ?? resource.holders.length) - Math.min(resource.holders.length, mostHolders);
      if (hidden > 0) add("Held by", `${hidden} more`, "key");
    }
  } else if (task.wait?.on === "tasks") {
    const { tasks, need, count: all = tasks.length } = task.wait;
    const names = tasks.slice(0, mostHolders).map((id) => taskName(scene, id));
    const rest = all > names.length ? ` and ${all - names.length} more` : "";
    const which = all === 1 ? "" : need === "all" ? "all of " : "any of ";
    add("Waits for", `${which}${names.join(", ")}${rest}`, "git-merge", siteOfTask(scene, tasks[0]));
  }
  for (const id of task.holding) {
    const resource = scene.resourceById.get(id);
    if (!resource) continue;
    const hold = resource.holders.find((one) => one.task === task.id);
    const since = hold === undefined ? "" : ` for ${formatDuration(hold.forMs)}`;
    add("Holds", `${resourceText(scene, resource)}${since}`, "key", site(hold?.site ?? resource.created));
  }
  if (task.created !== undefined || task.parent !== undefined) {
    const creator = task.parent === undefined ? functionAt(site(task.created)) : taskName(scene, task.parent);
    add("Created by", creator, "type-hierarchy", site(task.created));
  }
  if (task.entry !== undefined) add("Function", plain(task.name), "symbol-method", site(task.entry));
  for (const [key, value] of Object.entries(task.labels ?? {}))
    add("Label", `${plain(key)}: ${plain(value)}`, "tag");
  return details;
}

/** A semaphore can have very many holders. */
const mostHolders = 10;

function waitText(scene: Scene, task: Task): string | undefined {
  if (task.wait?.on === "tasks") {
    const [first] = task.wait.tasks;
    const all = task.wait.count ?? task.wait.tasks.length;
    if (first === undefined) return undefined;
    return all === 1 ? `waits for ${taskName(scene, first)}` : `waits for ${count(all, "task")}`;
  }
  if (task.wait?.on !== "resource") return undefined;
  const resource = scene.resourceById.get(task.wait.resource);
  if (!resource) return undefined;
  const [holder] = resource.holders;
  const held = resource.held ?? resource.holders.length;
  const by =
    holder === undefined ? "" : held === 1 ? `, held by ${holderText(scene, holder)}` : `, ${held} holders`;
  return `waits for ${resourceText(scene, resource)}${by}`;
}

function resourceText({ snapshot }: Scene, resource: Resource): string {
  const name = resourceName(snapshot, resource);
  return resource.name === undefined ? name : `${resource.kind} ${name}`;
}

function holderText(scene: Scene, hold: Hold): string {
  return hold.task === undefined ? "code outside any task" : taskName(scene, hold.task);
}

function taskName(scene: Scene, id: TaskId): string {
  const task = scene.taskById.get(id);
  return task === undefined ? `task ${id}` : `${plain(task.name)} (task ${id})`;
}

function siteOfTask(scene: Scene, id: TaskId | undefined): Site | undefined {
  const task = id === undefined ? undefined : scene.taskById.get(id);
  return siteOf(scene.snapshot, task?.at ?? task?.entry);
}

/** Where the holder of what a task waits for took it. */
function holderSite(scene: Scene, task: Task): Site | undefined {
  if (task.wait?.on === "tasks") return siteOfTask(scene, task.wait.tasks[0]);
  if (task.wait?.on !== "resource") return undefined;
  const [hold] = scene.resourceById.get(task.wait.resource)?.holders ?? [];
  return siteOf(scene.snapshot, hold?.site) ?? siteOfTask(scene, hold?.task);
}

function functionAt(site: Site | undefined): string {
  return site?.function === undefined ? "" : plain(site.function);
}

function coverageRow({ session, overview: { coverage } }: Scene): Row {
  const parts = [
    ...(coverage.untouched.length > 0 ? [`${count(coverage.untouched.length, "file")} not traced`] : []),
    ...coverage.blind.map(plain),
    ...(coverage.dropped > 0 ? [`${count(coverage.dropped, "event")} dropped`] : []),
  ];
  const description =
    parts.length > 0 ? parts.join(", ") : `${count(coverage.transformed, "file")} traced, nothing dropped`;
  return {
    id: `${session.id} coverage`,
    kind: "section",
    label: "Coverage",
    description,
    icon: parts.length > 0 ? icons.warning : icons.coverage,
    spoken: `coverage: ${description}`,
    session: session.id,
    children: () => coverageRows(session.id, coverage),
  };
}

function coverageRows(session: string, coverage: Coverage): readonly Row[] {
  const row = (label: string, description: string, place?: Place): Row => ({
    id: `${session} coverage ${label} ${description}`,
    kind: "detail",
    label,
    description,
    icon: icons.detail,
    spoken: `${label}: ${description}`,
    session,
    ...(place === undefined ? {} : { place, tooltip: () => place.file }),
  });
  return [
    row("Traced", `${count(coverage.transformed, "file")}`),
    ...coverage.instrumented.map((library) => row("Library", plain(library))),
    ...coverage.untouched.map(({ file, reason }) =>
      row("Not traced", `${plain(file)}: ${plain(reason)}`, { file, line: 1, column: 1 }),
    ),
    ...coverage.blind.map((part) => row("Not seen", plain(part))),
    row("Dropped", count(coverage.dropped, "event")),
  ];
}

function durations(minMs: number, maxMs: number): string {
  const [min, max] = [formatDuration(minMs), formatDuration(maxMs)];
  return min === max ? min : `${min} to ${max}`;
}

function spokenState(state: TaskState, problem: string | undefined): string {
  return problem === undefined ? state : `deadlocked in ${state}`;
}

function detailText({ label, text, place }: Detail): string {
  return [`${label}:`, text, ...(place === undefined ? [] : [formatPlace(place)])].filter(Boolean).join(" ");
}

/** A sentence from another process on one line. */
function plainSentence(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

const red = "problemsErrorIcon.foreground";
const yellow = "problemsWarningIcon.foreground";

const icons = {
  error: { name: "error", color: red },
  warning: { name: "warning", color: yellow },
  information: { name: "info" },
  waiting: { name: "loading~spin" },
  paused: { name: "debug-pause" },
  ended: { name: "debug-disconnect" },
  process: { name: "server-process" },
  tasks: { name: "list-tree" },
  coverage: { name: "eye" },
  detail: { name: "dash" },
  more: { name: "ellipsis" },
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

function iconOf(state: TaskState, deadlocked: boolean): RowIcon {
  if (deadlocked) return icons.error;
  return state === "rejected" ? icons.warning : { name: stateIcons[state] };
}
