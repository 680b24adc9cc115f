import type { ProgramView } from "../analysis/analyzer.ts";
import { isSymbolic } from "../analysis/call-effects.ts";
import { isExclusive } from "../analysis/capacities.ts";
import { type Contexts, startup } from "../analysis/contexts.ts";
import { type ClassKey, isClassKey } from "../analysis/places.ts";
import { rootOf, type Value } from "../analysis/values.ts";
import { identityOf } from "./resource-identity.ts";
import type { Edge } from "./wait-edges.ts";

/** A circle of edges, seen from one of them: each task holds what the next one wants. */
export interface Cycle {
  readonly edge: Edge;
  /** The rest of the circle, in order. */
  readonly others: readonly Edge[];
  /** No other code takes the two of `edge` in this order. */
  readonly isAlone: boolean;
}

const maxCycleLength = 4;

/** The resource as a vertex: fields of all instances of a class are one, for tasks on the same instance. */
export function vertexOf(view: ProgramView, contexts: Contexts, value: Value): Value | undefined {
  const real = identityOf(view, contexts, value);
  if (isSymbolic(real) && rootOf(real).kind === "parameter") return undefined;
  if (real.kind === "member" && real.of.kind === "receiver" && isClassKey(real.of.of)) {
    const owner = view.world.member(real.of.of as ClassKey, real.name, false)?.owner;
    const { values } = view.solution.semantics;
    return owner ? values.member(values.receiver(owner), real.name) : real;
  }
  return real.kind === "fresh" && real.made.type === "result" ? undefined : real;
}

interface Arc {
  readonly edge: Edge;
  readonly from: Value;
  readonly to: Value;
}

export function cyclesOf(view: ProgramView, edges: readonly Edge[], contexts: Contexts): readonly Cycle[] {
  const arcs = edges.flatMap((edge): Arc[] => {
    // To wait until a queue is idle is to wait for all of its tasks, not for a slot.
    if (edge.op === "waitIdle") return [];
    if (!isExclusive(view, edge.held) || !isExclusive(view, edge.wanted)) return [];
    const from = vertexOf(view, contexts, edge.held.resource);
    const to = vertexOf(view, contexts, edge.wanted.resource);
    return from && to && from !== to ? [{ edge, from, to }] : [];
  });
  const next = new Map<Value, Arc[]>();
  for (const arc of arcs) next.set(arc.from, [...(next.get(arc.from) ?? []), arc]);
  const found: Cycle[] = [];
  const seen = new Set<string>();
  for (const arc of arcs) {
    const key = `${arc.edge.from.file}:${arc.edge.from.start} ${arc.from.id} ${arc.to.id}`;
    if (seen.has(key)) continue;
    const back = shortestBack(arc, next, (candidate) => possible(candidate, contexts));
    if (!back) continue;
    seen.add(key);
    const [edge, ...others] = back;
    const same = (next.get(arc.from) ?? []).filter(({ to }) => to === arc.to);
    const isAlone =
      new Set(same.map(({ edge: { wanted } }) => `${wanted.at.file}:${wanted.at.start}`)).size === 1;
    if (edge) found.push({ edge, others, isAlone });
  }
  return found;
}

/** Breadth first, so that the shortest cycle through an edge is shown. */
function shortestBack(
  start: Arc,
  next: ReadonlyMap<Value, readonly Arc[]>,
  accept: (edges: readonly Edge[]) => boolean,
): readonly Edge[] | undefined {
  let layer: readonly (readonly Arc[])[] = [[start]];
  for (let length = 1; length < maxCycleLength && layer.length > 0 && layer.length < 5_000; length += 1) {
    const further: (readonly Arc[])[] = [];
    for (const path of layer) {
      const last = path.at(-1);
      for (const arc of last ? (next.get(last.to) ?? []) : []) {
        const edges = [...path, arc];
        if (arc.to === start.from) {
          const list = edges.map((one) => one.edge);
          if (accept(list)) return list;
        } else if (!path.some((one) => one.from === arc.to)) further.push(edges);
      }
    }
    layer = further;
  }
  return undefined;
}

/** Whether the tasks of a cycle can stand there at the same time. */
function possible(edges: readonly Edge[], contexts: Contexts): boolean {
  const gates = edges.map((edge) => new Set([...edge.gates, ...contexts.gates(edge.function)]));
  for (const [index, own] of gates.entries()) {
    for (const other of gates.slice(index + 1)) {
      // A lock that both hold lets only one of them in.
      if ([...own].some((gate) => other.has(gate))) return false;
    }
  }
  const threads = edges.map((edge) => contexts.threads(edge.function));
  if (threads.some((one) => one !== "many" && one.size === 1 && one.has(startup))) return false;
  const [first, ...others] = threads;
  const single = (one: typeof first) =>
    one !== undefined && one !== "many" && one.size === 1 ? [...one][0] : undefined;
  const only = single(first);
  return only === undefined || others.some((one) => single(one) !== only);
}
