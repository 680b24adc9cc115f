import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { StackFrame, StackTree } from "@unknot/protocol/stacks.ts";
import type { Task, TaskState } from "@unknot/protocol/task.ts";
import { callersOf } from "./callers.ts";
import { parseFilter } from "./filter.ts";
import { lookupOf, siteOf, waitMs } from "./names.ts";

/** Deeper stacks are cut at their outer end. */
const deepest = 64;

/**
 * The async stacks of the tasks that match a filter, outermost frame first, as a tree with at most `most` frames: the
 * largest. Throws for a filter that can't be parsed.
 */
export function stackTree(
  dump: Dump,
  { filter, most }: { readonly filter: string; readonly most: number },
): StackTree {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw new Error(parsed.message);
  const lookup = lookupOf(dump);
  const matches = parsed.bind({ ...lookup, problems: dump.problems });
  const callers = callersOf(lookup);
  const root = vertexOf("", undefined);
  let total = 0;
  for (const task of dump.tasks) {
    if (!matches(task)) continue;
    total++;
    let vertex = root;
    for (const each of callers(task, deepest - 1).toReversed()) vertex = step(dump, vertex, each);
    vertex = step(dump, vertex, task);
    vertex.own++;
    vertex.maxWaitMs = Math.max(vertex.maxWaitMs, waitMs(task));
    if (vertex.own === 1) vertex.state = task.state;
    else if (vertex.state !== task.state) vertex.state = undefined;
  }
  return { capturedAt: dump.capturedAt, total, ...largest(dump, root, most) };
}

/** A frame while tasks are counted. */
interface Vertex {
  readonly name: string;
  readonly site: number | undefined;
  readonly below: Map<string, Vertex>;
  count: number;
  own: number;
  maxWaitMs: number;
  state: TaskState | undefined;
}

function vertexOf(name: string, site: number | undefined): Vertex {
  return { name, site, below: new Map(), count: 0, own: 0, maxWaitMs: 0, state: undefined };
}

function step({ sites }: Pick<Dump, "sites">, above: Vertex, task: Task): Vertex {
  const site = task.at ?? task.entry;
  // Named for its function: tasks of one function have names of their own when the program labels them.
  const name = siteOf({ sites }, task.entry ?? task.at)?.function ?? task.name;
  const key = `${site} ${name}`;
  let vertex = above.below.get(key);
  if (vertex === undefined) {
    vertex = vertexOf(name, site);
    above.below.set(key, vertex);
  }
  vertex.count++;
  return vertex;
}

/** The largest frames; what is below a frame is never larger than it. */
function largest(dump: Dump, root: Vertex, most: number): Pick<StackTree, "frames" | "sites" | "leftOut"> {
  const byCount = (a: Vertex, b: Vertex) =>
    b.count - a.count || b.maxWaitMs - a.maxWaitMs || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const all: { readonly vertex: Vertex; readonly depth: number }[] = [];
  const open = [...root.below.values()].map((vertex) => ({ vertex, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    all.push(next);
    for (const vertex of next.vertex.below.values()) open.push({ vertex, depth: next.depth + 1 });
  }
  all.sort((a, b) => b.vertex.count - a.vertex.count || a.depth - b.depth || byCount(a.vertex, b.vertex));
  const kept = new Set(all.slice(0, most).map(({ vertex }) => vertex));
  const leftOut = all.slice(most).reduce((sum, { vertex }) => sum + vertex.own, 0);
  const sites: Site[] = [];
  const numbers = new Map<number, number>();
  const numberOf = (index: number | undefined): number | undefined => {
    const site = siteOf(dump, index);
    if (index === undefined || site === undefined) return undefined;
    const known = numbers.get(index) ?? sites.push(site) - 1;
    numbers.set(index, known);
    return known;
  };
  const frame = ({ name, site, count, own, maxWaitMs, state, below }: Vertex): StackFrame => {
    const at = numberOf(site);
    return {
      name,
      count,
      own,
      maxWaitMs,
      below: framesOf(below),
      ...(at === undefined ? {} : { at }),
      ...(state === undefined ? {} : { state }),
    };
  };
  const framesOf = (below: ReadonlyMap<string, Vertex>): readonly StackFrame[] =>
    [...below.values()]
      .filter((vertex) => kept.has(vertex))
      .sort(byCount)
      .map(frame);
  return { frames: framesOf(root.below), sites, leftOut };
}
