import type { Place } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { grouped, placeOf, quoted, siteOf } from "../../names.ts";
import { type Detector, distinctPlaces, mostTasks, placesOf, type Scene } from "../detector.ts";

/**
 * Tasks that failed and whose failure nobody looked at: as Node said when it happened, or those that the dump still has.
 * One problem per place where they were started.
 */
export const notAwaited: Detector = {
  id: "not-awaited",
  title: "A task failed and nothing awaits it",
  detect(scene) {
    const groups = new Map<string, Task[]>();
    for (const task of scene.dump.tasks) {
      if (task.state !== "rejected" || task.external === true) continue;
      const key = `${task.created} ${task.entry} ${task.name}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [task]);
      else group.push(task);
    }
    const failed = (scene.dump.failures ?? []).map(({ name, count, created, entry }) =>
      problemOf(name, count, [], distinctPlaces(placesAt(scene, created), placesAt(scene, entry))),
    );
    const still = [...groups.values()]
      .slice(0, mostTasks)
      .map((tasks) =>
        problemOf(
          tasks[0]?.name ?? "",
          tasks.length,
          tasks,
          distinctPlaces(placesAt(scene, tasks[0]?.created), placesOf(scene.dump, tasks)).slice(0, 16),
        ),
      );
    return [...failed, ...still];
  },
};

function problemOf(name: string, times: number, tasks: readonly Task[], at: readonly Place[]): Problem {
  return {
    id: "floating-task",
    verdict: "not-awaited",
    certainty: "observed",
    message:
      times === 1
        ? `${quoted(name)} failed and nothing awaits it.`
        : `${quoted(name)} failed ${grouped(times)} times and nothing awaits it.`,
    tasks: tasks.slice(0, mostTasks).map(({ id }) => id),
    resources: [],
    at,
  };
}

function placesAt(scene: Scene, index: number | undefined): Place[] {
  const site = siteOf(scene.dump, index);
  return site === undefined ? [] : [placeOf(site)];
}
