// What the Tasks view shows, made from pages of a thread's list of tasks.
import { count, formatDuration, grouped, placeOf, plain, shortPlace, siteOf } from "@unknot/dump/names.ts";
import { formatPlace } from "@unknot/protocol/place.ts";
import type { ListedGroup, ListedTask, TaskPage, TaskQuery } from "@unknot/protocol/task-list.ts";
import type { SessionSnapshot } from "../../sessions/session.ts";
import { iconOf, icons } from "../tree/icons.ts";
import { moreRow } from "../tree/list-rows.ts";
import type { Below, Row } from "../tree/row.ts";
import { type Scene, sceneOf } from "../tree/scene.ts";
import { spokenState, taskRow } from "../tree/task-row.ts";
import { nameOfGrouping, nameOfOrder } from "./query-words.ts";

/** The rows of one level of a list. */
export function rowsOfPage(session: SessionSnapshot, below: Below, page: TaskPage): readonly Row[] {
  const { overview } = session;
  if (!overview) return [];
  const scene = sceneOf(session, overview, page);
  const rows = page.rows.map((row) =>
    row.kind === "group" ? groupRow(scene, below, row) : listedTaskRow(scene, below, row),
  );
  if (page.rows.length < page.count) return [...rows, moreRow(session, below, page)];
  return rows.length === 0 && below.request.under === undefined ? [noneRow(session, below)] : rows;
}

function listedTaskRow(scene: Scene, below: Below, { task: id, children, context }: ListedTask): Row {
  const task = scene.taskById.get(id);
  const parent = below.level;
  if (task === undefined) {
    const label = `task ${id}`;
    return { id: `${parent} ${label}`, kind: "detail", label, icon: icons.detail, spoken: label };
  }
  const { children: details, ...row } = taskRow(scene, task, { parent });
  const label = children === 0 ? row.label : `${row.label} (${grouped(children)})`;
  return {
    ...row,
    label: context ? `${label} ·` : label,
    spoken: [
      row.spoken,
      ...(children === 0 ? [] : [`started ${count(children, "task")}`]),
      ...(context ? ["does not match the filter itself"] : []),
    ].join(", "),
    // Below a task that has started others stand these; what is known of it itself is in its tooltip.
    ...(children === 0
      ? { ...(details === undefined ? {} : { children: details }) }
      : {
          below: {
            session: below.session,
            level: `${below.session} tasks under ${id}`,
            request: { ...below.request, under: { task: id } },
          },
        }),
  };
}

function groupRow(scene: Scene, { session, request }: Below, group: ListedGroup): Row {
  const { key, state, problem } = group;
  const name = plain(group.name);
  const at = siteOf(scene.snapshot, group.at ?? group.entry);
  const flag = problem === undefined ? "" : `(deadlock ${plain(problem)})`;
  const stateText = [state, flag].filter(Boolean).join(" ");
  const times = durations(group.minWaitMs, group.maxWaitMs);
  const description = [
    ...(stateText === "" ? [] : [stateText]),
    ...(at === undefined ? [] : [shortPlace(at)]),
    times,
  ].join(" · ");
  const level = `${session} tasks in ${request.by} ${key}`;
  return {
    id: level,
    kind: "group",
    label: `${grouped(group.count)} × ${name}`,
    description,
    tooltip: () =>
      [
        `${count(group.count, "task")} '${name}'`,
        description,
        ...(at === undefined ? [] : [formatPlace(at)]),
      ].join("\n"),
    icon: problem !== undefined ? icons.error : state === undefined ? icons.tasks : iconOf(state, false),
    spoken: [
      `${count(group.count, "task")} ${name}`,
      ...(state === undefined ? [] : [spokenState(state, problem)]),
      times,
      ...(at === undefined ? [] : [`at ${shortPlace(at)}`]),
    ].join(", "),
    session,
    open: problem !== undefined && group.count < 50,
    ...(at === undefined ? {} : { place: placeOf(at) }),
    below: { session, level, request: { ...request, under: { group: key } } },
  };
}

function noneRow({ id, overview }: SessionSnapshot, { level, request }: Below): Row {
  const filtered = request.filter.trim() !== "";
  const label = filtered ? "No task matches the filter" : "No pending tasks";
  const description = filtered && overview ? `of ${count(overview.total, "task")}` : undefined;
  return {
    id: `${level} none`,
    kind: "state",
    label,
    icon: filtered ? icons.filter : icons.information,
    spoken: [label, ...(description === undefined ? [] : [description])].join(" "),
    session: id,
    ...(description === undefined ? {} : { description }),
  };
}

/** What the view's title says beside its name: how tasks are listed. */
export function titleOfList({ by, order, reverse }: TaskQuery): string {
  const sorting = order === "problem" ? "" : `, by ${nameOfOrder(order)}${reverse ? " reversed" : ""}`;
  return `${nameOfGrouping(by)}${sorting}`;
}

/** What stands above the rows while a filter is on. */
export function messageOf({ filter }: TaskQuery, pages: readonly TaskPage[]): string | undefined {
  if (filter.trim() === "") return undefined;
  const matching = pages.reduce((sum, page) => sum + page.matching, 0);
  const total = pages.reduce((sum, page) => sum + page.total, 0);
  const found = pages.length === 0 ? "" : `: ${grouped(matching)} of ${count(total, "task")}`;
  return `Filter ${plain(filter)}${found}`;
}

function durations(minMs: number, maxMs: number): string {
  const [min, max] = [formatDuration(minMs), formatDuration(maxMs)];
  return min === max ? min : `${min} to ${max}`;
}
