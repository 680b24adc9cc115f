import type { Site } from "@unknot/protocol/dump.ts";

/** A suspended async function or generator, as a heap snapshot has it. */
export interface HeapTask {
  readonly kind: "async function" | "async generator";
  readonly name: string;
  readonly entry: Site;
}

interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly unknown[];
      readonly edge_fields: readonly string[];
      readonly edge_types: readonly unknown[];
      readonly location_fields: readonly string[];
    };
  };
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly locations: readonly number[];
  readonly strings: readonly string[];
}

/** Classes that say nothing about a method. */
const plainReceivers = /^(Object|Array|global|globalThis|Window|system\b.*)?$/;

/**
 * The async functions and generators that are suspended in a V8 heap snapshot (parsed), with the place of each function.
 * `urlOf` gives the script with an id. Not known there: the line of the await, and what is waited for. Throws on
 * anything else than a snapshot.
 */
export function heapTasks(
  snapshot: unknown,
  urlOf: (scriptId: string) => string | undefined,
): readonly HeapTask[] {
  const { snapshot: head, nodes, edges, locations, strings } = snapshot as HeapSnapshot;
  const { node_fields: nodeFields, edge_fields: edgeFields, location_fields: locationFields } = head.meta;
  const nodeTypes = head.meta.node_types[0] as readonly string[];
  const edgeTypes = head.meta.edge_types[0] as readonly string[];
  const nodeWords = nodeFields.length;
  const edgeWords = edgeFields.length;
  const at = (fields: readonly string[], name: string) => fields.indexOf(name);
  const [typeAt, nameAt, edgeCountAt] = [
    at(nodeFields, "type"),
    at(nodeFields, "name"),
    at(nodeFields, "edge_count"),
  ];
  const [edgeTypeAt, edgeNameAt, edgeToAt] = [
    at(edgeFields, "type"),
    at(edgeFields, "name_or_index"),
    at(edgeFields, "to_node"),
  ];
  const places = new Map<number, readonly [script: number, line: number, column: number]>();
  const [scriptAt, lineAt, columnAt] = ["script_id", "line", "column"].map((name) =>
    at(locationFields, name),
  );
  for (let index = 0; index < locations.length; index += locationFields.length) {
    places.set(word(locations, index), [
      word(locations, index + (scriptAt ?? 1)),
      word(locations, index + (lineAt ?? 2)),
      word(locations, index + (columnAt ?? 3)),
    ]);
  }
  const nameOf = (node: number) => strings[word(nodes, node + nameAt)] ?? "";
  const tasks: HeapTask[] = [];
  for (let node = 0, edge = 0; node < nodes.length; node += nodeWords) {
    const first = edge;
    edge += word(nodes, node + edgeCountAt) * edgeWords;
    if (nodeTypes[word(nodes, node + typeAt)] !== "object") continue;
    let made: number | undefined;
    let receiver = "";
    let kind: HeapTask["kind"] | undefined;
    let isSuspended = false;
    for (let each = first; each < edge; each += edgeWords) {
      const type = edgeTypes[word(edges, each + edgeTypeAt)];
      const to = word(edges, each + edgeToAt);
      if (type === "internal") {
        const label = strings[word(edges, each + edgeNameAt)];
        if (label === "function") made = to;
        else if (label === "receiver") receiver = nameOf(to);
        else if (label === "parameters_and_registers") isSuspended = true;
      } else if (type === "hidden") {
        // Its own promise, or the request that a generator serves; one that rests, or is not async, has neither.
        if (nameOf(to) === "Promise") kind = "async function";
        else if (nameOf(to) === "system / AsyncGeneratorRequest") kind = "async generator";
      }
    }
    if (made === undefined || kind === undefined || !isSuspended) continue;
    const place = places.get(made) ?? places.get(node);
    const url = place === undefined ? undefined : urlOf(String(place[0]));
    if (place === undefined || url === undefined) continue;
    const own = nameOf(made);
    const name = own !== "" && !plainReceivers.test(receiver) ? `${receiver}.${own}` : own;
    tasks.push({
      kind,
      name,
      entry: {
        file: url,
        line: place[1] + 1,
        column: place[2] + 1,
        ...(name === "" ? {} : { function: name }),
      },
    });
  }
  return tasks;
}

function word(words: readonly number[], index: number): number {
  return words[index] ?? 0;
}
