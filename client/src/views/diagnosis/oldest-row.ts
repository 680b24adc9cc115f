import { formatDuration } from "@unknot/dump/names.ts";
import { icons } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import type { Scene } from "../tree/scene.ts";
import { taskRow } from "../tree/task-row.ts";

/** What the oldest work is doing; nothing when there is none. */
export function oldestRow(scene: Scene): Row | undefined {
  const { session, overview } = scene;
  const tasks = (overview.oldest ?? []).flatMap((id) => scene.taskById.get(id) ?? []);
  const [first] = tasks;
  if (first === undefined) return undefined;
  const id = `${session.id} oldest`;
  const description = `started ${formatDuration(first.ageMs)} ago`;
  return {
    id,
    kind: "section",
    label: "Oldest tasks",
    description,
    icon: icons.oldest,
    spoken: `oldest tasks, ${description}`,
    session: session.id,
    children: () => tasks.map((task) => taskRow(scene, task, { parent: id, aged: true })),
  };
}
