import { type Lookup, lookupOf } from "@unknot/dump/names.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import type { Overview } from "@unknot/protocol/wire.ts";
import type { SessionSnapshot } from "../../sessions/session.ts";

/** An overview with what its rows look up. */
export interface Scene extends Lookup {
  readonly session: SessionSnapshot;
  readonly overview: Overview;
}

export function sceneOf(session: SessionSnapshot, overview: Overview): Scene {
  return { session, overview, ...lookupOf(withMore(session, overview)) };
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
