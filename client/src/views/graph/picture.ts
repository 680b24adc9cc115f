// The wait-for graph as a person can look at it: the largest knots first, and no more than fits.
import { blockerSentence } from "@unknot/dump/blockers.ts";
import {
  count,
  formatDuration,
  grouped,
  placeOf,
  plain,
  resourceName,
  shortPlace,
  siteOf,
  waitMs,
  whereIs,
} from "@unknot/dump/names.ts";
import type { Site } from "@unknot/protocol/dump.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import type { Task } from "@unknot/protocol/task.ts";
import type { Blocker } from "@unknot/protocol/wire.ts";
import type { SessionSnapshot } from "../../sessions/session.ts";
import { type Scene, sceneOf } from "../tree/scene.ts";
import type { Edge, Picture, Sentence, Vertex } from "./messages.ts";

/** More can't be read on a screen. */
const mostVertices = 80;
const mostWaiters = 4;
const mostHolders = 4;

/** What a session's overview knows of who waits for whom; empty without an overview. */
export function pictureOf(session: SessionSnapshot): Picture {
  if (!session.overview) return { vertices: [], edges: [], sentences: [], leftOut: [] };
  const scene = sceneOf(session, session.overview);
  const drawing = createDrawing(scene);
  const deadlocks = scene.overview.problems
    .filter(({ verdict }) => verdict === "deadlock")
    .toSorted((a, b) => b.tasks.length - a.tasks.length);
  const blockers = scene.overview.blockers ?? [];
  const sentences: Sentence[] = [];
  let hiddenDeadlocks = 0;
  let hiddenBlockers = 0;
  for (const problem of deadlocks) {
    if (!drawing.fits(problem.tasks.length + problem.resources.length)) {
      hiddenDeadlocks++;
      continue;
    }
    drawing.addDeadlock(problem);
    sentences.push(sentenceOf(problem));
  }
  for (const blocker of blockers) {
    if (!drawing.fits(1 + mostHolders + mostWaiters)) {
      hiddenBlockers++;
      continue;
    }
    drawing.addBlocker(blocker);
    sentences.push(blockerWords(scene, blocker));
  }
  const { vertices, edges, hiddenMembers } = drawing.done();
  return {
    vertices,
    edges,
    sentences: [...sentences, ...edgeSentences(vertices, edges)],
    leftOut: [
      ...(hiddenMembers > 0 ? [`${count(hiddenMembers, "more member")} of deadlocks`] : []),
      ...(hiddenDeadlocks > 0 ? [`${count(hiddenDeadlocks, "more deadlock")}`] : []),
      ...(hiddenBlockers > 0 ? [`${count(hiddenBlockers, "more blocker")}`] : []),
    ],
  };
}

function createDrawing(scene: Scene) {
  const { taskById, resourceById } = scene;
  const vertices = new Map<string, Vertex>();
  const edges = new Map<string, Edge>();
  const deadlockOf = new Map<string, string>();
  let hiddenMembers = 0;

  const addTask = (id: Task["id"]): string | undefined => {
    const task = taskById.get(id);
    if (task === undefined) return undefined;
    const key = `task ${id}`;
    if (!vertices.has(key)) vertices.set(key, taskVertex(scene, key, task, deadlockOf.get(key)));
    return key;
  };
  const addResource = (id: Resource["id"]): string | undefined => {
    const resource = resourceById.get(id);
    if (resource === undefined) return undefined;
    const key = `resource ${id}`;
    if (!vertices.has(key)) vertices.set(key, resourceVertex(scene, key, resource, deadlockOf.get(key)));
    return key;
  };

  return {
    fits: (more: number) =>
      vertices.size === 0 || vertices.size + Math.min(more, mostVertices / 2) <= mostVertices,
    addDeadlock({ tasks, resources, label = "deadlock" }: Problem) {
      for (const id of tasks) deadlockOf.set(`task ${id}`, label);
      for (const id of resources) deadlockOf.set(`resource ${id}`, label);
      const room = mostVertices - vertices.size;
      const shown = tasks.slice(0, Math.ceil(room / 2));
      const added = shown.filter((id) => addTask(id) !== undefined).length;
      hiddenMembers += tasks.length - added;
      for (const id of resources.slice(0, Math.floor(room / 2))) addResource(id);
    },
    addBlocker({ of, first, waiting }: Blocker) {
      const key = "task" in of ? addTask(of.task) : addResource(of.resource);
      if (key === undefined) return;
      const holders = "task" in of ? [] : (resourceById.get(of.resource)?.holders ?? []);
      for (const { task } of holders.slice(0, mostHolders)) if (task !== undefined) addTask(task);
      const shown = first.slice(0, mostWaiters).filter((id) => addTask(id) !== undefined);
      const hidden = waiting - shown.length;
      if (hidden <= 0) return;
      const more = `${key} more`;
      const title = `${grouped(hidden)} more`;
      vertices.set(more, {
        id: more,
        kind: "more",
        title,
        detail: hidden === 1 ? "waits as well" : "wait as well",
        spoken: `${count(hidden, "more task")} ${hidden === 1 ? "waits" : "wait"} for it`,
      });
      edges.set(more, { from: more, to: key, word: "waits for" });
    },
    done() {
      const connect = (from: string, to: string, word: Edge["word"]) => {
        if (vertices.has(from) && vertices.has(to) && from !== to)
          edges.set(`${from} ${to}`, { from, to, word });
      };
      for (const key of vertices.keys()) {
        const task = key.startsWith("task ") ? taskById.get(Number(key.slice(5)) as Task["id"]) : undefined;
        const { wait } = task ?? {};
        if (wait?.on === "resource") connect(key, `resource ${wait.resource}`, "waits for");
        if (wait?.on === "tasks") for (const id of wait.tasks) connect(key, `task ${id}`, "waits for");
        if (!key.startsWith("resource ") || key.endsWith("more")) continue;
        const resource = resourceById.get(Number(key.slice(9)) as Resource["id"]);
        for (const { task: holder } of resource?.holders ?? [])
          if (holder !== undefined) connect(key, `task ${holder}`, "held by");
      }
      return { vertices: [...vertices.values()], edges: [...edges.values()], hiddenMembers };
    },
  };
}

function taskVertex({ snapshot }: Scene, id: string, task: Task, deadlock: string | undefined): Vertex {
  const site = whereIs(snapshot, task);
  const title = plain(task.name);
  const detail = [task.state, ...(site ? [shortPlace(site)] : []), formatDuration(waitMs(task))].join(" · ");
  return {
    id,
    kind: "task",
    title,
    detail,
    spoken: [`${id} ${title}`, ...(deadlock === undefined ? [] : [`deadlock ${deadlock}`]), detail].join(
      ", ",
    ),
    ...(deadlock === undefined ? {} : { deadlock: plain(deadlock) }),
    ...placed(site),
  };
}

function resourceVertex(
  { snapshot }: Scene,
  id: string,
  resource: Resource,
  deadlock: string | undefined,
): Vertex {
  const title = resourceName(snapshot, resource);
  const waiting = resource.waiting ?? resource.waiters.length;
  const detail = `${resource.kind} · ${grouped(waiting)} ${waiting === 1 ? "waits" : "wait"}`;
  return {
    id,
    kind: "resource",
    title,
    detail,
    spoken: [
      `${resource.kind} ${title}`,
      ...(deadlock === undefined ? [] : [`deadlock ${deadlock}`]),
      detail,
    ].join(", "),
    ...(deadlock === undefined ? {} : { deadlock: plain(deadlock) }),
    ...placed(siteOf(snapshot, resource.created) ?? siteOf(snapshot, resource.holders[0]?.site)),
  };
}

function placed(site: Site | undefined): { readonly place?: Place } {
  return site === undefined ? {} : { place: placeOf(site) };
}

function sentenceOf({ message, at: [place], label }: Problem): Sentence {
  const text = `Deadlock${label === undefined ? "" : ` ${plain(label)}`}: ${message.replace(/\s+/g, " ")}`;
  return { text, ...(place === undefined ? {} : { place }) };
}

function blockerWords(scene: Scene, blocker: Blocker): Sentence {
  const { of } = blocker;
  const task = "task" in of ? scene.taskById.get(of.task) : undefined;
  const resource = "resource" in of ? scene.resourceById.get(of.resource) : undefined;
  const site = task ? whereIs(scene.snapshot, task) : siteOf(scene.snapshot, resource?.holders[0]?.site);
  return { text: `${blockerSentence(scene, blocker)}.`, ...placed(site) };
}

function edgeSentences(vertices: readonly Vertex[], edges: readonly Edge[]): readonly Sentence[] {
  const byId = new Map(vertices.map((vertex) => [vertex.id, vertex]));
  const name = (id: string) => {
    const vertex = byId.get(id);
    return vertex?.kind === "task" ? `${vertex.title} (${id})` : (vertex?.title ?? id);
  };
  const isMore = ({ from }: Edge) => from.endsWith("more");
  // Those with a name first: "95 more" says nothing before them.
  const inOrder = [...Map.groupBy(edges, ({ to }) => to).values()].flatMap((same) => [
    ...same.filter((edge) => !isMore(edge)),
    ...same.filter(isMore),
  ]);
  return inOrder.map((edge) => {
    const { from, to, word } = edge;
    const place = byId.get(from)?.place;
    const verb = word === "held by" ? "is held by" : isMore(edge) ? "wait for" : "waits for";
    return { text: `${name(from)} ${verb} ${name(to)}.`, ...(place === undefined ? {} : { place }) };
  });
}
