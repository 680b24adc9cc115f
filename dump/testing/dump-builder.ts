import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Hold, Resource, ResourceId, ResourceKind } from "@unknot/protocol/resource.ts";
import type { Fate, Task, TaskId, TaskState, Wait } from "@unknot/protocol/task.ts";

/** What a test says of a task; the rest is filled in. Places are `file.ts:line`, in `/app`. */
export interface TaskSketch {
  readonly name?: string;
  readonly kind?: Task["kind"];
  readonly state?: TaskState;
  readonly at?: string;
  readonly entry?: string;
  readonly created?: string;
  readonly parent?: number;
  readonly ageMs?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly external?: boolean;
  readonly collected?: Fate;
  readonly wait?: Wait;
}

/** What a test says of a resource; waiters and what tasks hold follow from the tasks' waits and from `heldBy`. */
export interface ResourceSketch {
  readonly name?: string;
  readonly type?: string;
  readonly created?: string;
  readonly capacity?: number;
  readonly heldBy?: readonly (number | HoldSketch)[];
  readonly length?: number;
  readonly closed?: boolean;
}

export interface HoldSketch {
  readonly task?: number;
  readonly forMs?: number;
  readonly site?: string;
  readonly amount?: number;
  readonly release?: Hold["release"];
}

/** Builds small dumps for tests. */
export class DumpBuilder {
  readonly #sites: Site[] = [];
  readonly #siteOf = new Map<string, number>();
  readonly #tasks = new Map<TaskId, Task>();
  readonly #resources = new Map<ResourceId, Resource>();

  task(id: number, sketch: TaskSketch = {}): this {
    const { name = `task${id}`, kind = "async function", ageMs = 60_000, wait, labels } = sketch;
    const { external, collected } = sketch;
    const state = sketch.state ?? (wait === undefined ? "running" : "await");
    const at = this.#site(sketch.at, name);
    const entry = this.#site(sketch.entry, name);
    const created = this.#site(sketch.created, "start");
    this.#tasks.set(id as TaskId, {
      id: id as TaskId,
      kind,
      name,
      state,
      ageMs,
      holding: [],
      ...(at === undefined ? {} : { at }),
      ...(entry === undefined ? {} : { entry }),
      ...(created === undefined ? {} : { created }),
      ...(sketch.parent === undefined ? {} : { parent: sketch.parent as TaskId }),
      ...(wait === undefined ? {} : { wait }),
      ...(labels === undefined ? {} : { labels }),
      ...(external === undefined ? {} : { external }),
      ...(collected === undefined ? {} : { collected }),
    });
    return this;
  }

  resource(kind: ResourceKind, id: number, sketch: ResourceSketch = {}): this {
    const holders = (sketch.heldBy ?? []).map((entry): Hold => {
      const hold = typeof entry === "number" ? { task: entry } : entry;
      const site = this.#site(hold.site, "hold");
      return {
        forMs: hold.forMs ?? 50_000,
        amount: hold.amount ?? 1,
        ...(hold.task === undefined ? {} : { task: hold.task as TaskId }),
        ...(site === undefined ? {} : { site }),
        ...(hold.release === undefined ? {} : { release: hold.release }),
      };
    });
    const created = this.#site(sketch.created, undefined);
    const capacity = sketch.capacity ?? (kind === "mutex" ? 1 : undefined);
    this.#resources.set(id as ResourceId, {
      id: id as ResourceId,
      kind,
      type: sketch.type ?? `test.${kind}`,
      holders,
      waiters: [],
      ...(sketch.name === undefined ? {} : { name: sketch.name }),
      ...(created === undefined ? {} : { created }),
      ...(capacity === undefined ? {} : { capacity }),
      ...(sketch.length === undefined ? {} : { length: sketch.length }),
      ...(sketch.closed === undefined ? {} : { closed: sketch.closed }),
    });
    return this;
  }

  mutex(id: number, name: string, heldBy?: number | HoldSketch): this {
    return this.resource("mutex", id, { name, heldBy: heldBy === undefined ? [] : [heldBy] });
  }

  build(changes: Partial<Dump> = {}): Dump {
    const tasks = [...this.#tasks.values()];
    const resources = [...this.#resources.values()];
    const waitsFor = (id: ResourceId) => (task: Task) =>
      task.wait?.on === "resource" && task.wait.resource === id && task.wait.op !== "scoped";
    const holds = (id: TaskId) => (resource: Resource) => resource.holders.some((hold) => hold.task === id);
    return {
      format: "unknot-dump",
      version: 1,
      process: { pid: 4242, threadId: 0, node: "v22.23.3", title: "/app/main.ts", cwd: "/app", upMs: 90_000 },
      capturedAt: Date.UTC(2026, 10, 22, 17, 14, 27, 123),
      by: "test",
      loop: { state: "turning", sinceMs: 2 },
      coverage: { instrumented: ["async-mutex@0.5.0"], transformed: 3, untouched: [], blind: [], dropped: 0 },
      sites: this.#sites,
      tasks: tasks.map((task) => ({
        ...task,
        holding: resources.filter(holds(task.id)).map((resource) => resource.id),
      })),
      resources: resources.map((resource) => ({
        ...resource,
        waiters: tasks.filter(waitsFor(resource.id)).map((task) => task.id),
      })),
      problems: [],
      ...changes,
    };
  }

  #site(place: string | undefined, name: string | undefined): number | undefined {
    if (place === undefined) return undefined;
    const key = `${place} ${name ?? ""}`;
    let index = this.#siteOf.get(key);
    if (index === undefined) {
      const [file = "", line = "1", column = "3"] = place.split(":");
      index = this.#sites.length;
      this.#sites.push({
        file: `/app/${file}`,
        line: Number(line),
        column: Number(column),
        ...(name === undefined ? {} : { function: name }),
      });
      this.#siteOf.set(key, index);
    }
    return index;
  }
}

/** Waits for a resource. */
export function wants(resource: number, op = "acquire", sinceMs = 40_000): Wait {
  return { on: "resource", resource: resource as ResourceId, op, sinceMs };
}

/** Waits for every one of these tasks. */
export function joins(...tasks: number[]): Wait {
  return { on: "tasks", tasks: tasks as TaskId[], need: "all", exact: true, sinceMs: 40_000 };
}

/** Waits for the first of these tasks. */
export function races(...tasks: number[]): Wait {
  return { on: "tasks", tasks: tasks as TaskId[], need: "any", exact: true, sinceMs: 40_000 };
}

/** Waits for something that the tracer did not see. */
export function waits(sinceMs = 40_000): Wait {
  return { on: "unknown", sinceMs };
}
