import type { Dump } from "@unknot/protocol/dump.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import type { Verdict } from "@unknot/protocol/verdict.ts";
import type { Knot } from "../knots.ts";
import { type Lookup, placeOf, type Snapshot, whereIs } from "../names.ts";
import type { WaitForGraph } from "../wait-for-graph.ts";

/** A rule over a dump: one question, answered with problems. Pure: the dump has the clock. */
export interface Detector {
  readonly id: Verdict;
  /** What it finds, in one phrase. */
  readonly title: string;
  detect(scene: Scene): readonly Problem[];
}

/** A dump with what several detectors need, computed once. */
export interface Scene extends Lookup {
  readonly dump: Dump;
  readonly graph: WaitForGraph;
  readonly knots: readonly Knot[];
  /** Tasks that are part of a knot. */
  readonly knotted: ReadonlySet<TaskId>;
  /** By vertex of the graph: 1 for what is part of a knot or waits behind one. */
  readonly stuck: Uint8Array;
  /** The same without doubts, and with the tasks whose code is gone and those that wait for nothing else. */
  readonly stuckForGood: Uint8Array;
}

/** A problem names at most so many tasks; its message has the number. */
export const mostTasks = 1000;

/** The places of some tasks, each once, in their order: where they wait, else where they were started. */
export function placesOf(snapshot: Snapshot, tasks: Iterable<Task | undefined>): Place[] {
  const places = new Map<string, Place>();
  for (const task of tasks) {
    const site = task === undefined ? undefined : whereIs(snapshot, task);
    if (site !== undefined) addPlace(places, placeOf(site));
    if (places.size >= 16) break;
  }
  return [...places.values()];
}

/** Joins lists of places, each place once. */
export function distinctPlaces(...lists: readonly (readonly Place[])[]): Place[] {
  const places = new Map<string, Place>();
  for (const place of lists.flat()) addPlace(places, place);
  return [...places.values()];
}

function addPlace(places: Map<string, Place>, place: Place): void {
  const key = `${place.file}:${place.line}:${place.column}`;
  if (!places.has(key)) places.set(key, place);
}
