// What the Waits view shows: what tasks wait for, who holds it, and who waits in which order.
import {
  count,
  formatDuration,
  grouped,
  placeOf,
  plain,
  resourceName,
  shortPlace,
  siteOf,
  unknownHolder,
} from "@unknot/dump/names.ts";
import { formatPlace, type Place } from "@unknot/protocol/place.ts";
import type { Hold, Resource } from "@unknot/protocol/resource.ts";
import type { ListedGroup, TaskPage, TaskQuery } from "@unknot/protocol/task-list.ts";
import type { SessionSnapshot } from "../../sessions/session.ts";
import { icons, kindIcon } from "../tree/icons.ts";
import { moreRow } from "../tree/list-rows.ts";
import type { Below, Row } from "../tree/row.ts";
import { type Scene, sceneOf } from "../tree/scene.ts";
import { taskRow } from "../tree/task-row.ts";

/** What the view asks for: everything that tasks wait for, deadlocks first, then what the most wait for. */
export function queryOf({ filter }: Pick<TaskQuery, "filter">): TaskQuery {
  return { filter, by: "waits-for", order: "problem" };
}

/** The rows of one level: what is waited for, or who waits. */
export function rowsOfPage(session: SessionSnapshot, below: Below, page: TaskPage): readonly Row[] {
  const { overview } = session;
  if (!overview) return [];
  const scene = sceneOf(session, overview, page);
  const isTop = below.request.under === undefined;
  const rows = page.rows.flatMap((row, index): readonly Row[] => {
    if (row.kind === "group") return isKnown(row) ? [waitedForRow(scene, below, row)] : [];
    const task = scene.taskById.get(row.task);
    if (task === undefined) return [];
    const { label, spoken, ...rest } = taskRow(scene, task, { parent: below.level, waitTold: true });
    return [{ ...rest, label: `${index + 1}. ${label}`, spoken: `${index + 1}, ${spoken}` }];
  });
  const hidden = page.count - page.rows.length;
  if (hidden > 0) return [...rows, moreRow(session, below, page)];
  return rows.length === 0 && isTop ? [noneRow(session, below)] : rows;
}

/** Timers, and waits of which nothing is known, are no row of this view. */
function isKnown({ resource, task }: ListedGroup): boolean {
  return resource !== undefined || task !== undefined;
}

function waitedForRow(scene: Scene, { session, request }: Below, group: ListedGroup): Row {
  const resource = group.resource === undefined ? undefined : scene.resourceById.get(group.resource);
  const task = group.task === undefined ? undefined : scene.taskById.get(group.task);
  const level = `${session} waits for ${group.key}`;
  const name = resource ? resourceName(scene.snapshot, resource) : plain(group.name);
  const flag = group.problem === undefined ? [] : [`deadlock ${plain(group.problem)}`];
  const description = [
    ...flag,
    ...(resource ? [resource.kind, heldText(resource)] : task ? [task.state] : []),
    `${grouped(group.count)} ${group.count === 1 ? "waits" : "wait"}, the longest ${formatDuration(group.maxWaitMs)}`,
  ].join(" · ");
  const place = placeOfWaited(scene, resource, group);
  return {
    id: level,
    kind: "resource",
    label: name,
    description,
    tooltip: () =>
      [
        `${name}${resource ? ` (${plain(resource.type)})` : ""}`,
        description,
        ...(place === undefined ? [] : [formatPlace(place)]),
      ].join("\n"),
    icon: group.problem !== undefined ? icons.error : resource ? kindIcon(resource.kind) : icons.tasks,
    spoken: `${name}, ${description}`,
    session,
    open: group.problem !== undefined,
    ...(place === undefined ? {} : { place }),
    children: () => holderRows(scene, level, resource, group),
    below: { session, level, request: { ...request, order: "queue", under: { group: group.key } } },
  };
}

function heldText({ kind, capacity, holders, held = holders.length, length, closed }: Resource): string {
  if (kind === "channel" || kind === "stream") {
    const items =
      length === undefined
        ? "nothing known to be buffered"
        : length === 0
          ? "empty"
          : `${count(length, "item")} buffered`;
    return closed === true ? `closed, ${items}` : items;
  }
  if (held === 0) return "nobody is known to hold it";
  if (capacity === 1 || (held === 1 && capacity === undefined)) return "held";
  return capacity === undefined ? `${grouped(held)} held` : `${grouped(held)} of ${grouped(capacity)} held`;
}

/** Longer lists of holders tell nothing; the resource's own row has the number. */
const mostHolders = 10;

function holderRows(
  scene: Scene,
  level: string,
  resource: Resource | undefined,
  group: ListedGroup,
): readonly Row[] {
  if (resource === undefined) {
    const task = group.task === undefined ? undefined : scene.taskById.get(group.task);
    return task === undefined
      ? []
      : [told("waited for: ", taskRow(scene, task, { parent: `${level} task` }))];
  }
  const holders = resource.holders.toSorted((a, b) => b.forMs - a.forMs).slice(0, mostHolders);
  const hidden = (resource.held ?? resource.holders.length) - holders.length;
  return [
    ...holders.map((hold, index) => holderRow(scene, `${level} holder ${index}`, hold)),
    ...(hidden > 0 ? [plainRow(`${level} holders`, `${grouped(hidden)} more hold it`)] : []),
  ];
}

function holderRow(scene: Scene, id: string, hold: Hold): Row {
  const task = hold.task === undefined ? undefined : scene.taskById.get(hold.task);
  const site = siteOf(scene.snapshot, hold.site);
  const since = `held for ${formatDuration(hold.forMs)}${site === undefined ? "" : ` since ${shortPlace(site)}`}`;
  if (task === undefined) {
    const who =
      hold.task === undefined ? unknownHolder(scene.snapshot, hold) : `task ${hold.task}, which has ended`;
    return {
      ...plainRow(id, `holds it: ${who}`),
      description: since,
      ...(site === undefined ? {} : { place: placeOf(site) }),
    };
  }
  const row = told("holds it: ", taskRow(scene, task, { parent: id }));
  return {
    ...row,
    description: [since, row.description ?? ""].filter(Boolean).join(" · "),
    spoken: `${row.spoken}, ${since}`,
    ...(site === undefined ? {} : { place: placeOf(site) }),
  };
}

function told(role: string, row: Row): Row {
  return { ...row, label: `${role}${row.label}`, spoken: `${role}${row.spoken}` };
}

function plainRow(id: string, label: string): Row {
  return { id, kind: "detail", label, icon: icons.detail, spoken: label };
}

/** Where the resource was made, else where the task is that is waited for. */
function placeOfWaited(
  { snapshot, taskById }: Scene,
  resource: Resource | undefined,
  group: ListedGroup,
): Place | undefined {
  const task = group.task === undefined ? undefined : taskById.get(group.task);
  const site = siteOf(snapshot, resource?.created ?? task?.at ?? task?.entry);
  return site === undefined ? undefined : placeOf(site);
}

function noneRow({ id }: SessionSnapshot, { level, request }: Below): Row {
  const label =
    request.filter === ""
      ? "No task is known to wait for a lock, a channel, a queue or another task"
      : "No task that matches the filter is known to wait for anything";
  return { id: `${level} none`, kind: "state", label, icon: icons.information, spoken: label, session: id };
}
