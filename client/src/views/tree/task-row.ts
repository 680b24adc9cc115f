import {
  count,
  formatDuration,
  placeOf,
  plain,
  resourceName,
  shortPlace,
  siteOf,
  unknownHolder,
} from "@unknot/dump/names.ts";
import type { Site } from "@unknot/protocol/dump.ts";
import { formatPlace, type Place } from "@unknot/protocol/place.ts";
import type { Hold, Resource } from "@unknot/protocol/resource.ts";
import type { Task, TaskId, TaskState } from "@unknot/protocol/task.ts";
import { iconOf } from "./icons.ts";
import type { Row } from "./row.ts";
import type { Scene } from "./scene.ts";

/**
 * Where a task's row stands: a row above that says "deadlock", or what is waited for, spares its members the words;
 * `aged` asks for the task's age and its labels.
 */
interface Position {
  readonly parent: string;
  readonly flagged?: boolean;
  readonly waitTold?: boolean;
  readonly aged?: boolean;
}

/** A task, with what it waits for and all that is known about it as children. */
export function taskRow(
  scene: Scene,
  task: Task,
  { parent, flagged = false, waitTold = false, aged = false }: Position,
): Row {
  const problem = deadlockOf(scene, task);
  const at = siteOf(scene.snapshot, task.at);
  const waitsFor = waitTold ? undefined : waitText(scene, task);
  const name = plain(task.name);
  const flag = problem === undefined ? "" : ` (deadlock ${plain(problem)})`;
  const description = [
    `${waitsFor ?? task.state}${flagged ? "" : flag}`,
    ...(at === undefined ? [] : [shortPlace(at)]),
    aged ? `${formatDuration(task.ageMs)} old` : formatDuration(task.wait?.sinceMs ?? task.ageMs),
    ...(aged ? labelsText(task) : []),
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
    copied: () => [
      `task ${task.id} ${name} [${task.state}${flag}]`,
      ...details().map((one) => `  ${detailText(one)}`),
    ],
    task: {
      id: task.id,
      ...(holder === undefined ? {} : { holder: placeOf(holder) }),
      ...(creator === undefined ? {} : { creator: placeOf(creator) }),
    },
  };
}

/** `tenant: acme, req: r-81` */
function labelsText({ labels = {} }: Task): readonly string[] {
  const all = Object.entries(labels).map(([key, value]) => `${plain(key)}: ${plain(value)}`);
  return all.length === 0 ? [] : [all.slice(0, mostLabels).join(", ")];
}

const mostLabels = 4;

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
  return hold.task === undefined ? unknownHolder(scene.snapshot, hold) : taskName(scene, hold.task);
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

function detailText({ label, text, place }: Detail): string {
  return [`${label}:`, text, ...(place === undefined ? [] : [formatPlace(place)])].filter(Boolean).join(" ");
}

/** What a screen reader says of a state. */
export function spokenState(state: TaskState, problem: string | undefined): string {
  return problem === undefined ? state : `deadlocked in ${state}`;
}
