import type { Problem } from "@unknot/protocol/problem.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import type { Knot } from "../../knots.ts";
import { count, grouped, placeOf, quoted, resourceName, siteOf } from "../../names.ts";
import { resourceAt, taskAt } from "../../wait-for-graph.ts";
import { type Detector, distinctPlaces, mostTasks, placesOf, type Scene } from "../detector.ts";

/**
 * Knots of the wait-for graph. Proved over exclusive locks, slots of limiters and joins that the tracer saw; `may`
 * where somebody outside could still give a permit or a client back. Knots of the same shape (the same mistake in
 * many requests) are one problem.
 */
export const deadlock: Detector = {
  id: "deadlock",
  title: "Tasks that can never go on because each waits for the next",
  detect(scene) {
    const byShape = new Map<string, Knot[]>();
    for (const knot of scene.knots) {
      const shape = shapeOf(scene, knot);
      const alike = byShape.get(shape);
      if (alike === undefined) byShape.set(shape, [knot]);
      else alike.push(knot);
    }
    return [...byShape.values()].flatMap((alike) => problemOf(scene, alike) ?? []);
  },
};

function problemOf(scene: Scene, alike: readonly Knot[]): Problem | undefined {
  const [knot] = alike;
  if (knot === undefined) return undefined;
  const cycle = knot.cycle.flatMap((vertex) => taskAt(scene.graph, vertex) ?? []);
  const wantsResource = cycle.filter((task) => task.wait?.on === "resource");
  const resources = knot.cycle.flatMap((vertex) => resourceAt(scene.graph, vertex) ?? []);
  const holds = resources.flatMap((resource) =>
    resource.holders.flatMap((hold) => {
      const site = siteOf(scene.dump, hold.site);
      return site === undefined ? [] : [placeOf(site)];
    }),
  );
  const id = idOf(scene, knot, cycle);
  return {
    id,
    verdict: "deadlock",
    certainty: knot.proved ? "proved" : "may",
    message: messageOf(scene, id, knot, alike.length - 1),
    tasks: alike.flatMap((each) => each.tasks).slice(0, mostTasks),
    resources: [...new Set(alike.flatMap((each) => each.resources))].slice(0, mostTasks),
    at: distinctPlaces(placesOf(scene.dump, wantsResource), placesOf(scene.dump, cycle), holds).slice(0, 16),
  };
}

/** The static rule that finds this mistake in the source. */
function idOf(scene: Scene, knot: Knot, cycle: readonly Task[]): string {
  const resources = knot.resources.flatMap((id) => scene.resourceById.get(id) ?? []);
  const [first] = resources;
  if (first === undefined) return "deadlock";
  const one = resources.length === 1;
  if (resources.every(isLock)) {
    if (!one) return "lock-order-inversion";
    return startedInside(scene, first, cycle) ? "lock-reentry" : "await-needs-held-lock";
  }
  if (one && first.kind === "queue") return "queue-self-wait";
  if (one && first.kind === "pool") return "nested-pool-checkout";
  return resources.some(isLock) ? "await-needs-held-lock" : "deadlock";
}

function isLock({ kind }: Resource): boolean {
  return kind === "mutex" || kind === "rwlock" || kind === "semaphore";
}

/** True when who wants the lock is its holder, or work that the holder started after taking it. */
function startedInside(scene: Scene, lock: Resource, cycle: readonly Task[]): boolean {
  const waiter = cycle.find((task) => task.wait?.on === "resource" && task.wait.resource === lock.id);
  const hold = lock.holders.find((each) => cycle.some((task) => task.id === each.task));
  if (waiter === undefined || hold === undefined) return false;
  const seen = new Set<TaskId>();
  for (let task: Task | undefined = waiter; task !== undefined && !seen.has(task.id); ) {
    if (task.id === hold.task) return waiter === task || waiter.ageMs <= hold.forMs;
    seen.add(task.id);
    task = task.parent === undefined ? undefined : scene.taskById.get(task.parent);
  }
  return false;
}

function messageOf(scene: Scene, id: string, knot: Knot, more: number): string {
  const what = sentenceOf(scene, id, knot);
  const doubt = knot.proved ? "" : ", which may never end";
  const behind =
    knot.behind === 0 ? "" : `; ${count(knot.behind, "task")} wait${knot.behind === 1 ? "s" : ""} behind`;
  const alike = more === 0 ? "" : `; ${count(more, "more deadlock")} like this`;
  return `${what}${doubt}${behind}${alike}.`;
}

const mostLinks = 4;

function sentenceOf(scene: Scene, id: string, knot: Knot): string {
  const [resource] = knot.resources.flatMap((each) => scene.resourceById.get(each) ?? []);
  if (resource !== undefined && id === "queue-self-wait")
    return selfWait(scene, resource, "slot", "is taken by", "are taken by");
  if (resource !== undefined && id === "nested-pool-checkout") {
    return selfWait(scene, resource, "client", "is held by", "are held by");
  }
  const name = namer(scene, knot);
  const cycle = fromHolder(scene, knot.cycle);
  const links: string[] = [];
  for (let index = 0; index < cycle.length; index++) {
    const task = taskAt(scene.graph, cycle[index] ?? -1);
    if (task === undefined) continue;
    const inside = calledFrom(scene, cycle, index);
    index += inside.length;
    const within =
      inside.length === 0 ? "" : ` in ${inside.map(({ name: each }) => quoted(each)).join(", ")}`;
    const wanted = resourceAt(scene.graph, next(cycle, index + 1));
    if (wanted === undefined) {
      const joined = taskAt(scene.graph, next(cycle, index + 1));
      links.push(
        `${name(task)} waits${within} for ${joined === undefined || joined === task ? "itself" : name(joined)}`,
      );
      continue;
    }
    const holder = taskAt(scene.graph, next(cycle, index + 2));
    const held = holder === undefined || holder === task ? "it already holds" : `${name(holder)} holds`;
    links.push(`${name(task)} waits${within} for ${resourceName(scene.dump, wanted)}, which ${held}`);
  }
  if (links.length > mostLinks) {
    return `${links.slice(0, mostLinks - 1).join(", ")} … ${grouped(knot.tasks.length)} tasks wait in a ring`;
  }
  const last = links.pop() ?? "";
  return links.length === 0 ? last : `${links.join(", ")}, and ${last}`;
}

/** The same cycle, beginning with a task that holds something, if there is one. */
function fromHolder(scene: Scene, cycle: readonly number[]): readonly number[] {
  const isResource = (index: number) => resourceAt(scene.graph, cycle.at(index) ?? -1) !== undefined;
  const first = cycle.findIndex((_, index) => !isResource(index) && isResource(index - 1));
  return first <= 0 ? cycle : [...cycle.slice(first), ...cycle.slice(0, first)];
}

/**
 * The functions through which a task asks for a lock, the outermost first: each was called by the one before, waits for
 * nothing but the next, and holds nothing.
 */
function calledFrom(scene: Scene, cycle: readonly number[], index: number): readonly Task[] {
  const inside: Task[] = [];
  let caller = taskAt(scene.graph, cycle[index] ?? -1);
  for (let at = index + 1; at < cycle.length; at++) {
    const called = taskAt(scene.graph, cycle[at] ?? -1);
    if (called === undefined) return inside;
    if (called.parent !== caller?.id || called.holding.length > 0) break;
    inside.push(called);
    caller = called;
  }
  // It ends with a task that is no part of the call: that is told by itself.
  return [];
}

function selfWait(scene: Scene, resource: Resource, unit: string, is: string, are: string): string {
  const name = resourceName(scene.dump, resource);
  const [hold] = resource.holders;
  const holder = hold?.task === undefined ? undefined : scene.taskById.get(hold.task);
  if (resource.holders.length === 1 && holder !== undefined) {
    return `The only ${unit} of ${name} ${is} ${quoted(holder.name)}, which waits for another one of ${name}`;
  }
  return `All ${grouped(resource.holders.length)} ${unit}s of ${name} ${are} tasks that wait for another one of ${name}`;
}

function next(cycle: readonly number[], index: number): number {
  return cycle[index % cycle.length] ?? -1;
}

/** Names of the tasks of a knot, with the task's number where several have the same. */
function namer(scene: Scene, knot: Knot): (task: Task) => string {
  const uses = new Map<string, number>();
  for (const vertex of knot.cycle) {
    const task = taskAt(scene.graph, vertex);
    if (task !== undefined) uses.set(task.name, (uses.get(task.name) ?? 0) + 1);
  }
  return (task) =>
    (uses.get(task.name) ?? 0) > 1 ? `${quoted(task.name)} (task ${task.id})` : quoted(task.name);
}

/** What knots of the same mistake have in common: the places and kinds along the cycle, whatever task comes first. */
function shapeOf(scene: Scene, knot: Knot): string {
  const steps = knot.cycle.map((vertex) => {
    const task = taskAt(scene.graph, vertex);
    const resource = resourceAt(scene.graph, vertex);
    return task === undefined
      ? `${resource?.kind} ${resource?.created}`
      : `${task.state} ${task.at} ${task.entry}`;
  });
  const rotations = steps.length > 64 ? [0] : steps.keys();
  const turned = [...rotations].map((by) => [...steps.slice(by), ...steps.slice(0, by)].join("\n"));
  return `${knot.proved} ${turned.sort()[0]}`;
}
