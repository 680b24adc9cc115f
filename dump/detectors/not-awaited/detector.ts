import type { Place } from "@unknot/protocol/place.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { grouped, placeOf, quoted, siteOf } from "../../names.ts";
import { type Detector, distinctPlaces, mostTasks, placesOf, type Scene } from "../detector.ts";

/** Tasks that failed and whose failure nobody looked at. One problem per place where they were started. */
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
    return [...groups.values()].slice(0, mostTasks).map((tasks) => ({
      id: "floating-task",
      verdict: "not-awaited",
      certainty: "observed",
      message: sentence(tasks),
      tasks: tasks.slice(0, mostTasks).map((task) => task.id),
      resources: [],
      at: distinctPlaces(startedAt(scene, tasks), placesOf(scene.dump, tasks)).slice(0, 16),
    }));
  },
};

function sentence(tasks: readonly Task[]): string {
  const name = quoted(tasks[0]?.name ?? "");
  return tasks.length === 1
    ? `${name} failed and nothing awaits it.`
    : `${name} failed ${grouped(tasks.length)} times and nothing awaits it.`;
}

function startedAt(scene: Scene, tasks: readonly Task[]): Place[] {
  return tasks.slice(0, 1).flatMap((task) => {
    const site = siteOf(scene.dump, task.created);
    return site === undefined ? [] : [placeOf(site)];
  });
}
