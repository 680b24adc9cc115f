import { count, formatDuration, placeOf, plain, shortPlace, siteOf } from "@unknot/dump/names.ts";
import { formatPlace } from "@unknot/protocol/place.ts";
import type { TaskGroup } from "@unknot/protocol/wire.ts";
import { iconOf, icons } from "./icons.ts";
import type { Row } from "./row.ts";
import type { Scene } from "./scene.ts";
import { spokenState, taskRow } from "./task-row.ts";

/** Tasks that wait at one place; a single one has the row of a task. */
export function groupRow(scene: Scene, group: TaskGroup): Row {
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

function durations(minMs: number, maxMs: number): string {
  const [min, max] = [formatDuration(minMs), formatDuration(maxMs)];
  return min === max ? min : `${min} to ${max}`;
}
