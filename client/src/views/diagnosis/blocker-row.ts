import { blockerSentence } from "@unknot/dump/blockers.ts";
import { count, placeOf, siteOf, whereIs } from "@unknot/dump/names.ts";
import { formatPlace, type Place } from "@unknot/protocol/place.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import { isSure } from "@unknot/protocol/verdict.ts";
import type { Blocker } from "@unknot/protocol/wire.ts";
import { icons, kindIcon } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import type { Scene } from "../tree/scene.ts";
import { taskRow } from "../tree/task-row.ts";

/** What holds up the most tasks, the worst first. */
export function blockersRow(scene: Scene, blockers: readonly Blocker[]): Row {
  const id = `${scene.session.id} blockers`;
  const description = `${count(blockers.length, "resource or task holds", "resources and tasks hold")} others up`;
  return {
    id,
    kind: "section",
    label: "Blockers",
    description,
    icon: icons.blockers,
    spoken: `blockers, ${description}`,
    session: scene.session.id,
    // With a sure problem there is something more urgent to look at.
    open: !scene.overview.problems.some(isSure),
    children: () => blockers.map((blocker) => blockerRow(scene, blocker, id)),
  };
}

/** The sentence of what holds up the most, as the answer to why nothing goes on. */
export function worstRow(scene: Scene, blocker: Blocker): Row {
  const row = blockerRow(scene, blocker, `${scene.session.id} worst`);
  const { children: _, ...alone } = row;
  return { ...alone, kind: "problem", icon: icons.information };
}

function blockerRow(scene: Scene, blocker: Blocker, parent: string): Row {
  const resource = "resource" in blocker.of ? scene.resourceById.get(blocker.of.resource) : undefined;
  const task = "task" in blocker.of ? scene.taskById.get(blocker.of.task) : undefined;
  const sentence = blockerSentence(scene, blocker);
  const id = `${parent} ${"task" in blocker.of ? `task ${blocker.of.task}` : `resource ${blocker.of.resource}`}`;
  const holders = holdersOf(scene, resource, task);
  const waiters = blocker.first.flatMap((waiter) => scene.taskById.get(waiter) ?? []);
  const place = placeOfHolder(scene, resource, holders[0]);
  const hidden = blocker.waiting - waiters.length;
  return {
    id,
    kind: "detail",
    label: sentence,
    icon: resource ? kindIcon(resource.kind) : icons.tasks,
    tooltip: () => [sentence, ...(place === undefined ? [] : [formatPlace(place)])].join("\n"),
    spoken: sentence,
    session: scene.session.id,
    ...(place === undefined ? {} : { place }),
    children: () => [
      ...holders.map((holder) =>
        labelled(task ? "waited for: " : "holds it: ", taskRow(scene, holder, { parent: `${id} holder` })),
      ),
      ...waiters.map((waiter) =>
        labelled("waits: ", taskRow(scene, waiter, { parent: `${id} waiter`, waitTold: true })),
      ),
      ...(hidden > 0 ? [hiddenRow(scene, id, hidden)] : []),
    ],
  };
}

/** Several tasks of one resource are told apart by what they are to it. */
function labelled(role: string, row: Row): Row {
  return { ...row, label: `${role}${row.label}`, spoken: `${role}${row.spoken}` };
}

/** The holders that are known, the longest first; of a task that others await, itself. */
function holdersOf(
  { taskById }: Scene,
  resource: Resource | undefined,
  task: Task | undefined,
): readonly Task[] {
  if (task) return [task];
  const ids = (resource?.holders ?? [])
    .toSorted((a, b) => b.forMs - a.forMs)
    .flatMap(({ task: id }): TaskId[] => (id === undefined ? [] : [id]));
  return [...new Set(ids)].slice(0, mostHolders).flatMap((id) => taskById.get(id) ?? []);
}

const mostHolders = 5;

/** Where it was taken, else where its holder is, else where it was made. */
function placeOfHolder(
  { snapshot }: Scene,
  resource: Resource | undefined,
  holder: Task | undefined,
): Place | undefined {
  const hold = resource?.holders.find(({ task }) => task === holder?.id);
  const site =
    siteOf(snapshot, hold?.site) ??
    (holder === undefined ? undefined : whereIs(snapshot, holder)) ??
    siteOf(snapshot, resource?.created);
  return site === undefined ? undefined : placeOf(site);
}

function hiddenRow({ session }: Scene, parent: string, hidden: number): Row {
  const label = `${count(hidden, "more task")} ${hidden === 1 ? "waits" : "wait"}`;
  return {
    id: `${parent} more`,
    kind: "detail",
    label,
    icon: icons.more,
    spoken: label,
    session: session.id,
  };
}
