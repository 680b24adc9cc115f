import type { OperationName } from "@unknot/models/model.ts";
import type {
  DescribedResource,
  DescribedUse,
  OrderedResource,
  UseRole,
} from "@unknot/protocol/described-resource.ts";
import type { Span } from "@unknot/protocol/place.ts";
import { definePass, type ProgramView } from "../analysis/analyzer.ts";
import type { Contexts } from "../analysis/contexts.ts";
import { usesIn } from "../analysis/flow.ts";
import { isLock, opOf } from "../analysis/model-index.ts";
import { valueName } from "../analysis/names.ts";
import { isClassKey, type Location, spanOf } from "../analysis/places.ts";
import { lineEndBefore } from "../analysis/steady-file.ts";
import type { Fresh, Value } from "../analysis/values.ts";
import type { FilePath } from "../program/ids.ts";
import { isSame } from "../program/ranges.ts";
import { capacityIn } from "./capacity.ts";
import { holdAndWait } from "./hold-and-wait.ts";
import { parallel } from "./parallel.ts";
import { resourceUses, type UseIn } from "./resource-uses.ts";
import { vertexOf } from "./wait-cycles.ts";

// What is known of each lock, channel, queue and pool, for somebody who asks in the editor: nothing is found here that
// other passes have not found.

const roles: Partial<Record<OperationName, UseRole>> = {
  acquire: "acquire",
  tryAcquire: "acquire",
  scoped: "acquire",
  release: "release",
  send: "send",
  trySend: "send",
  pipe: "send",
  recv: "receive",
  tryRecv: "receive",
  range: "receive",
  select: "receive",
  close: "close",
  shutdown: "close",
  stop: "close",
  submit: "submit",
  map: "submit",
  wrap: "submit",
  bindWorker: "submit",
  use: "use",
  add: "add",
  done: "done",
  wait: "wait",
  waitIdle: "wait",
  waitEvent: "wait",
  join: "wait",
};

type DescribedKind = DescribedResource["kind"];
const kinds: ReadonlySet<string> = new Set<DescribedKind>([
  "mutex",
  "rwlock",
  "semaphore",
  "channel",
  "queue",
  "pool",
  "waitgroup",
]);

/** A resource with all that is done to it under any of its names. */
interface Collected {
  readonly resource: Value;
  readonly made: Fresh;
  readonly uses: UseIn[];
  shared: boolean;
}

/** `second` is acquired at `from` while `first` is held; `held` and `wanted` are their names there. */
interface Order {
  readonly first: Value | undefined;
  readonly second: Value | undefined;
  readonly from: Location;
  readonly held: string;
  readonly wanted: string;
}

/** The resources that a file makes or uses. */
export const describedResources = definePass<readonly DescribedResource[]>({
  id: "described-resources",
  run(view, resultOf) {
    const any = view.world.files[0] ?? "";
    const contexts = resultOf(parallel, any).contexts();
    const { byResource, escaped } = resultOf(resourceUses, any);
    const collected = new Map<Value, Collected>();
    for (const [value, uses] of byResource) {
      const resource = vertexOf(view, contexts, value);
      const made = resource && makingOf(view, resource);
      if (!resource || !made) continue;
      const known = collected.get(resource) ?? { resource, made, uses: [], shared: false };
      known.uses.push(...uses);
      known.shared ||= escaped.has(value);
      collected.set(resource, known);
    }
    const edges = view.world.files
      .flatMap((file) => resultOf(holdAndWait, file).edges)
      .filter(({ held, wanted }) => isLock(held.model) && isLock(wanted.model))
      .map(({ held, wanted, from }): Order => {
        const [first, second] = [held, wanted].map((end) => vertexOf(view, contexts, end.resource));
        return { first, second, from, held: held.text, wanted: wanted.text };
      })
      .filter(({ first, second }) => first !== second);
    const describe = (file: FilePath, one: Collected) =>
      view.attempt(file, "described-resources", () => describedOf(view, contexts, one, edges), undefined);
    return (file) =>
      [...collected.values()]
        .filter(
          ({ made, uses }) => made.site.path[0]?.file === file || uses.some(({ at }) => at.file === file),
        )
        .flatMap((one) => describe(file, one) ?? [])
        .sort((a, b) => byPlace(a.created, b.created));
  },
});

/** What makes it: itself, or what is in the field that it is known by. */
function makingOf(view: ProgramView, resource: Value): Fresh | undefined {
  if (resource.kind === "fresh") return resource.made.type === "resource" ? resource : undefined;
  if (resource.kind !== "member" || resource.of.kind !== "receiver") return undefined;
  const owner = resource.of.of;
  const content = isClassKey(owner) ? view.solution.field(owner, resource.name) : undefined;
  return content?.kind === "fresh" && content.made.type === "resource" ? content : undefined;
}

function describedOf(
  view: ProgramView,
  contexts: Contexts,
  { resource, made, uses, shared }: Collected,
  edges: readonly Order[],
): DescribedResource | undefined {
  const [outermost] = made.site.path;
  const innermost = made.site.path.at(-1);
  if (made.made.type !== "resource" || !outermost || !innermost) return undefined;
  const { model } = made.made;
  const created = headOf(view, outermost);
  const making = headOf(view, innermost);
  if (!isDescribed(model.kind) || !created || !making) return undefined;
  const found = new Map<string, DescribedUse>();
  for (const use of uses) {
    const op = opOf(use);
    const role = op && roles[op];
    const at = role && headOf(view, use.at);
    if (!role || !at) continue;
    const name = functionName(view, use);
    found.set(`${at.file}:${at.line}:${at.column} ${role}`, {
      role,
      at,
      ...(name === undefined ? {} : { function: name }),
    });
  }
  const name = valueName(view, resource) ?? valueName(view, made) ?? variableBefore(view, outermost)?.name;
  const capacity = capacityIn(view, contexts, model, resource);
  return {
    kind: model.kind,
    name: name ?? `the ${model.name} made here`,
    type: `${model.module === "" ? "" : `${model.module}.`}${model.name}`,
    created: withVariable(view, outermost, created),
    made: { file: making.file, line: making.line, column: making.column },
    ...(capacity === undefined || !Number.isFinite(capacity) ? {} : { capacity }),
    uses: [...found.values()].sort((a, b) => byPlace(a.at, b.at)),
    after: distinct(
      view,
      edges.filter(({ second }) => second === resource).map(({ held, from }) => ({ name: held, from })),
    ),
    before: distinct(
      view,
      edges.filter(({ first }) => first === resource).map(({ wanted, from }) => ({ name: wanted, from })),
    ),
    shared,
  };
}

function isDescribed(kind: string): kind is DescribedKind {
  return kinds.has(kind);
}

/** The function in which the use stands, which a caller may have come to through others. */
function functionName(view: ProgramView, { at }: UseIn): string | undefined {
  const around = view.world
    .facts(at.file)
    ?.functions.filter(({ start, end }) => start <= at.start && at.end <= end)
    .sort((a, b) => a.end - a.start - (b.end - b.start));
  return around?.find(({ name }) => name !== "")?.name;
}

/** The callee of the call at a place, as written; of a loop what it goes over. Never more than one line. */
function headOf(view: ProgramView, at: Location): Span | undefined {
  const facts = view.world.facts(at.file);
  if (!facts) return undefined;
  let { end } = at;
  for (const one of facts.functions) {
    if (one.start > at.start || one.end < at.end) continue;
    for (const i of one.blocks.flatMap(({ code }) => code)) {
      if ((i.op !== "call" && i.op !== "new") || !isSame(i, at)) continue;
      const [callee] = usesIn(one).definitions(i.callee);
      if (callee && callee.end > at.start) end = Math.min(end, callee.end);
    }
  }
  const { line } = spanOf(facts, { start: at.start, end: at.start });
  const nextLine = facts.lines[line];
  if (nextLine === undefined || nextLine > end) return spanOf(facts, { start: at.start, end });
  return spanOf(facts, { start: at.start, end: lineEndBefore(view.text(at.file) ?? "", nextLine - 1) });
}

/** The name that what is made at a place gets: the last declaration before it on its line, with a `=` or `:` behind. */
function variableBefore(view: ProgramView, at: Location): { name: string; start: number } | undefined {
  const text = view.text(at.file) ?? "";
  const lineStart = text.lastIndexOf("\n", at.start - 1) + 1;
  const before = text.slice(lineStart, at.start);
  const found = /([\w$#]+)\s*(?::[^=;,]*=|[=:])\s*(?:await\s+)?$/.exec(before);
  return found?.[1] === undefined ? undefined : { name: found[1], start: lineStart + found.index };
}

function withVariable(view: ProgramView, at: Location, created: Span): Span {
  const variable = variableBefore(view, at);
  if (!variable) return created;
  return { ...created, column: created.column - (at.start - variable.start) };
}

function distinct(
  view: ProgramView,
  list: readonly { readonly name: string; readonly from: Location }[],
): readonly OrderedResource[] {
  const found = new Map<string, OrderedResource>();
  for (const { name, from } of list) {
    const at = headOf(view, from);
    if (at) found.set(`${name} ${at.file}:${at.line}`, { name, at });
  }
  return [...found.values()].sort((a, b) => byPlace(a.at, b.at));
}

function byPlace(a: Span, b: Span): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
