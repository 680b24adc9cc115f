import { changedCounts, type GroupChange } from "@unknot/dump/diff.ts";
import { count, placeOf, plain, shortPlace } from "@unknot/dump/names.ts";
import { formatPlace } from "@unknot/protocol/place.ts";
import { timeOf } from "../tree/clock-time.ts";
import { iconOf, icons } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import type { Scene } from "../tree/scene.ts";

/** Longer lists of changes tell nothing. */
const mostChanges = 30;

/** What has changed since the program was healthy; nothing when nothing has, or it never was. */
export function changesRow(scene: Scene): Row | undefined {
  const { session, overview } = scene;
  const { baseline } = session;
  if (!baseline || baseline.capturedAt === overview.capturedAt || session.state.kind === "file")
    return undefined;
  const changes = changedCounts(baseline, overview);
  if (changes.length === 0) return undefined;
  const id = `${session.id} changes`;
  const grown = changes.reduce((sum, { before, after }) => sum + after - before, 0);
  const description = `${signed(grown)} ${Math.abs(grown) === 1 ? "task" : "tasks"}, ${count(changes.length, "place")} changed`;
  return {
    id,
    kind: "section",
    label: `Since ${timeOf(baseline.capturedAt)}`,
    description,
    icon: icons.changes,
    spoken: `since ${timeOf(baseline.capturedAt)}, ${description}`,
    session: session.id,
    children: () => changes.slice(0, mostChanges).map((change) => changeRow(scene, change, id)),
  };
}

function changeRow({ session }: Scene, change: GroupChange, parent: string): Row {
  const { key, before, after, state, at } = change;
  const name = plain(change.name);
  const description = [`${before} → ${after}`, state, ...(at === undefined ? [] : [shortPlace(at)])].join(
    " · ",
  );
  return {
    id: `${parent} ${key}`,
    kind: "detail",
    label: `${signed(after - before)} ${name}`,
    description,
    icon: iconOf(state, false),
    spoken: `${name}, from ${before} to ${after}, ${state}`,
    session: session.id,
    ...(at === undefined ? {} : { place: placeOf(at), tooltip: () => `${description}\n${formatPlace(at)}` }),
  };
}

function signed(amount: number): string {
  return amount > 0 ? `+${amount}` : amount < 0 ? `−${-amount}` : "±0";
}
