import type { Block, BlockId, FunctionFacts, Instruction, Temp } from "../program/facts.ts";
import { operands, successors } from "../program/instructions.ts";
import type { ProgramView } from "./analyzer.ts";
import type { Evaluation } from "./evaluate.ts";
import { usesIn } from "./flow.ts";
import { keptResult } from "./kept-result.ts";
import { type FunctionKey, functionKey, parseKey } from "./places.ts";
import { isSameList } from "./same-list.ts";
import type { CallEffect } from "./semantics.ts";
import { alternatives, type Binding, plain, type Value } from "./values.ts";

// Who runs a function, holding what, and side by side with whom. A gate that every caller holds makes an inversion
// harmless; two paths of one sequential task never meet.

/** One way in which a function comes to run. */
export interface Context {
  /** Absent when code that we do not see may run it. */
  readonly caller?: FunctionKey;
  readonly instruction?: Instruction;
  readonly binding?: Binding;
  /** The caller goes on only when it has ended. */
  readonly awaited: boolean;
  /** Locks that it runs under, besides what the caller holds at the instruction. */
  readonly under: readonly Value[];
  /** It may run several times at once. */
  readonly many: boolean;
  /** It is an argument of something that may let one run in at a time. */
  readonly handed?: true;
}

export interface Contexts {
  of(key: FunctionKey): readonly Context[];
  /** What is held whenever the function runs. */
  gates(key: FunctionKey): ReadonlySet<Value>;
  /** The sequential tasks that it is part of; `many` when it may run beside itself. */
  threads(key: FunctionKey): ReadonlySet<string> | "many";
}

/** The modules' own code up to its end, in the order of imports. */
export const startup = "startup";
const maxThreads = 6;

/** `heldAt` says what a function holds at one of its instructions, `holds` whether it holds anything at all. */
export function createContexts(
  view: ProgramView,
  heldAt: (key: FunctionKey, instruction: Instruction) => readonly Value[],
  holds: (key: FunctionKey) => boolean,
): Contexts {
  const { contexts, gates, threads } = keptResult(
    view,
    "contexts",
    () => findContexts(view, heldAt, holds),
    (found, before, now) =>
      !found.holding.has(now.key) && !holds(now.key) && replaceContexts(view, found.contexts, before, now),
  );
  return {
    of: (key) => contexts.get(key) ?? [],
    gates: (key) => gates.get(key) ?? noGates,
    threads: (key) => threads.get(key) ?? "many",
  };
}

interface FoundContexts {
  readonly contexts: Map<FunctionKey, Context[]>;
  readonly gates: ReadonlyMap<FunctionKey, ReadonlySet<Value>>;
  readonly threads: ReadonlyMap<FunctionKey, ReadonlySet<string> | "many">;
  /** The functions that hold something. */
  readonly holding: ReadonlySet<FunctionKey>;
}

function findContexts(
  view: ProgramView,
  heldAt: (key: FunctionKey, instruction: Instruction) => readonly Value[],
  holds: (key: FunctionKey) => boolean,
): FoundContexts {
  const contexts = new Map<FunctionKey, Context[]>();
  const add = (key: FunctionKey, context: Context) => {
    const known = contexts.get(key);
    if (known) known.push(context);
    else contexts.set(key, [context]);
  };
  for (const { evaluation } of view.solution.evaluations()) {
    for (const [to, context] of startedBy(view, evaluation)) add(to, context);
  }
  return {
    contexts,
    gates: gatesOf(view, contexts, heldAt),
    threads: threadsOf(view, contexts),
    holding: new Set(view.solution.functions.filter(holds)),
  };
}

/** Puts what new code runs in the place of what old code ran, where both run the same in the same way. */
function replaceContexts(
  view: ProgramView,
  contexts: Map<FunctionKey, Context[]>,
  before: Evaluation,
  now: Evaluation,
): boolean {
  const old = startedBy(view, before);
  const made = startedBy(view, now);
  if (!isSameList(old, made, ([to, a], [other, b]) => to === other && runsAlike(a, b))) return false;
  for (const [index, [to, context]] of old.entries()) {
    const list = contexts.get(to) ?? [];
    const replacing = made[index]?.[1];
    if (replacing) list[list.indexOf(context)] = replacing;
  }
  return true;
}

function runsAlike(a: Context, b: Context): boolean {
  return (
    a.caller === b.caller &&
    a.instruction?.start === b.instruction?.start &&
    a.awaited === b.awaited &&
    a.many === b.many &&
    a.handed === b.handed &&
    isSameList(a.under, b.under) &&
    bindsAlike(a.binding, b.binding)
  );
}

function bindsAlike(a: Binding | undefined, b: Binding | undefined): boolean {
  if (!a || !b) return a === b;
  return (
    a.function === b.function &&
    a.spreadFrom === b.spreadFrom &&
    a.receiver === b.receiver &&
    a.site.id === b.site.id &&
    isSameList(a.arguments, b.arguments)
  );
}

type Started = readonly (readonly [FunctionKey, Context])[];

const started = new WeakMap<Evaluation, Started>();

/** What a function runs, and how; the same as long as its evaluation counts. */
function startedBy(view: ProgramView, evaluation: Evaluation): Started {
  const known = started.get(evaluation);
  if (known) return known;
  const found: (readonly [FunctionKey, Context])[] = [];
  collect(view, evaluation.key, evaluation, (to, context) => found.push([to, context]));
  started.set(evaluation, found);
  return found;
}

function collect(
  view: ProgramView,
  key: FunctionKey,
  evaluation: Evaluation,
  add: (key: FunctionKey, context: Context) => void,
): void {
  const { facts } = evaluation;
  const loops = loopBlocks(facts);
  for (const [index, block] of facts.blocks.entries()) {
    const inLoop = loops.has(index);
    for (const i of block.code) {
      const effect = evaluation.calls.get(i);
      if (effect) collectCall(key, evaluation, i, effect, inLoop, add);
      else collectOther(evaluation, i, add);
      if (i.op === "class") collectClass(view, key, i, add);
      if (i.op === "namespace") {
        const body = functionKey(parseKey(key).file, i.function);
        add(body, { caller: key, instruction: i, awaited: true, under: [], many: inLoop });
      }
    }
    if (block.end.kind === "return" && block.end.value !== undefined) {
      unknownCallers(evaluation.values[block.end.value], add);
    }
  }
}

function collectCall(
  key: FunctionKey,
  evaluation: Evaluation,
  i: Instruction,
  effect: CallEffect,
  inLoop: boolean,
  add: (key: FunctionKey, context: Context) => void,
): void {
  const to = "to" in i ? i.to : undefined;
  const awaited = to !== undefined && isAwaited(evaluation.facts, to);
  const consumed = new Set<Value>();
  for (const target of effect.targets) {
    if (target.kind === "function") {
      const { binding } = target;
      add(target.function, { caller: key, instruction: i, binding, awaited, under: [], many: inLoop });
    } else if (target.kind === "operation") {
      const { operation } = target;
      const runs = operation.op === "run" || operation.op === "map" || operation.op === "chain";
      const spawns = operation.op === "spawn";
      if (!runs && !spawns) continue;
      for (const index of [operation.fn, operation.fulfilled, operation.rejected, operation.settled]) {
        const callback = index === undefined ? undefined : effect.arguments[index];
        if (!callback) continue;
        consumed.add(callback);
        for (const part of functionsIn(callback)) {
          const many = inLoop || operation.callbackResult !== undefined || operation.when === "repeatedly";
          const sync = operation.op === "run" && !operation.await;
          add(part, {
            caller: key,
            instruction: i,
            awaited: spawns ? false : sync ? false : awaited,
            under: [],
            many,
          });
        }
      }
    }
  }
  for (const scope of effect.scopes) {
    consumed.add(scope.callee);
    for (const part of functionsIn(scope.callee)) {
      // A pool lets several in.
      const under = scope.model.kind === "pool" ? [] : [plain(scope.resource)];
      const many = inLoop || scope.operation === "map";
      add(part, { caller: key, instruction: i, awaited, under, many });
    }
  }
  // A function of the program has its reasons. So may one that we do not see and whose end is waited for, as that of
  // `lock.run(work)`; what is handed over for later is called whenever the other code likes.
  const isHanded = awaited || effect.targets.every((target) => target.kind === "function");
  for (const argument of effect.arguments) {
    if (!consumed.has(argument)) callers(argument, isHanded ? handedContext : anonymousContext, add);
  }
}

const anonymousContext: Context = { awaited: false, under: [], many: true };
const handedContext: Context = { ...anonymousContext, handed: true };

function collectOther(
  evaluation: Evaluation,
  i: Instruction,
  add: (key: FunctionKey, context: Context) => void,
): void {
  switch (i.op) {
    case "set":
    case "set-element":
    case "store-global":
      unknownCallers(evaluation.values[i.from], add);
      return;
    case "yield":
    case "jsx":
    case "opaque":
      for (const temp of operands(i)) unknownCallers(evaluation.values[temp], add);
      return;
    default:
  }
}

/** Static blocks and fields run where the class stands. */
function collectClass(
  view: ProgramView,
  key: FunctionKey,
  i: Extract<Instruction, { op: "class" }>,
  add: (key: FunctionKey, context: Context) => void,
): void {
  const { file } = parseKey(key);
  const statics = view.world.facts(file)?.classes[i.class]?.staticsFunction;
  if (statics === undefined) return;
  add(functionKey(file, statics), { caller: key, instruction: i, awaited: true, under: [], many: false });
}

function unknownCallers(value: Value | undefined, add: (key: FunctionKey, context: Context) => void): void {
  if (value) callers(value, anonymousContext, add);
}

function callers(value: Value, context: Context, add: (key: FunctionKey, context: Context) => void): void {
  for (const part of functionsIn(value)) add(part, context);
}

function functionsIn(value: Value): FunctionKey[] {
  return alternatives(value).flatMap((part) => {
    if (part.kind === "function") return [part.function];
    if (part.kind !== "fresh") return [];
    switch (part.made.type) {
      case "object":
        return [...part.made.properties.values()].flatMap(functionsIn);
      case "array":
        return part.made.elements.flatMap(functionsIn);
      default:
        return [];
    }
  });
}

/** Every use of a promise is to await it, to return it, or to hand it to something that is awaited at once. */
export function isAwaited(facts: FunctionFacts, temp: Temp, depth = 0): boolean {
  const uses = usesIn(facts);
  if (depth > 6) return false;
  const readers = uses.readers(temp);
  if (readers.length === 0) {
    return facts.blocks.some((block) => block.end.kind === "return" && block.end.value === temp);
  }
  return readers.every((reader) => {
    if (reader.op === "await") return true;
    return reader.op === "move" && isAwaited(facts, reader.to, depth + 1);
  });
}

const loopsOf = new WeakMap<FunctionFacts, ReadonlySet<number>>();

/** Blocks that can be reached from themselves. */
export function loopBlocks(facts: FunctionFacts): ReadonlySet<number> {
  const known = loopsOf.get(facts);
  if (known) return known;
  const loops = new Set<number>();
  for (const component of componentsOf(facts.blocks)) {
    const [first] = component;
    const isLoop =
      component.length > 1 || (first !== undefined && exits(facts.blocks[first]).includes(first as BlockId));
    if (isLoop) for (const id of component) loops.add(id);
  }
  loopsOf.set(facts, loops);
  return loops;
}

/** Whether one turn of some loop can pass both blocks. */
export function shareLoop(facts: FunctionFacts, a: number, b: number): boolean {
  return componentsOf(facts.blocks).some((component) => component.includes(a) && component.includes(b));
}

/** Strongly connected components, by Tarjan's algorithm without recursion: functions get long. */
export function componentsOf(blocks: readonly Block[]): number[][] {
  const components: number[][] = [];
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  for (const start of blocks.keys()) {
    if (order.has(start)) continue;
    const open: { readonly id: number; readonly next: readonly number[]; at: number }[] = [];
    const enter = (id: number) => {
      order.set(id, order.size);
      low.set(id, order.size - 1);
      stack.push(id);
      onStack.add(id);
      open.push({ id, next: exits(blocks[id]), at: 0 });
    };
    const lower = (id: number, to: number | undefined) => {
      if (to !== undefined) low.set(id, Math.min(low.get(id) ?? to, to));
    };
    enter(start);
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const to = top.next[top.at];
      top.at += 1;
      if (to !== undefined) {
        if (!order.has(to)) enter(to);
        else if (onStack.has(to)) lower(top.id, order.get(to));
        continue;
      }
      open.pop();
      const above = open.at(-1);
      if (above) lower(above.id, low.get(top.id));
      if (low.get(top.id) !== order.get(top.id)) continue;
      const component = stack.splice(stack.lastIndexOf(top.id));
      for (const id of component) onStack.delete(id);
      components.push(component);
    }
  }
  return components;
}

function exits(block: Block | undefined): readonly number[] {
  if (!block) return [];
  return block.handler === undefined ? successors(block.end) : [...successors(block.end), block.handler];
}

const noGates: ReadonlySet<Value> = new Set();

/** Greatest fixed point: a function with unknown callers has no gate, any other those that all its callers share. */
function gatesOf(
  view: ProgramView,
  contexts: ReadonlyMap<FunctionKey, readonly Context[]>,
  heldAt: (key: FunctionKey, instruction: Instruction) => readonly Value[],
): ReadonlyMap<FunctionKey, ReadonlySet<Value>> {
  // Absent means "not limited yet".
  const gates = new Map<FunctionKey, ReadonlySet<Value>>();
  const held = new Map<Context, readonly Value[]>();
  const own = (context: Context): readonly Value[] => {
    const known = held.get(context);
    if (known) return known;
    const { caller, instruction } = context;
    const found = caller && instruction ? [...heldAt(caller, instruction), ...context.under] : context.under;
    held.set(context, found);
    return found;
  };
  for (let changed = true, round = 0; changed && round < 50; round += 1) {
    changed = false;
    for (const key of view.solution.functions) {
      const before = gates.get(key);
      // Nothing is left that a caller could take away.
      if (before?.size === 0) continue;
      const known = contexts.get(key) ?? [];
      let shared: ReadonlySet<Value> | undefined;
      for (const context of known.length === 0 ? [anonymousContext] : known) {
        const outer = context.caller === undefined || !context.awaited ? noGates : gates.get(context.caller);
        if (outer === undefined && context.caller !== undefined) continue;
        const inner = context.awaited ? own(context) : context.under;
        const here = inner.length === 0 ? (outer ?? noGates) : new Set([...(outer ?? []), ...inner]);
        shared = shared === undefined ? here : new Set([...shared].filter((value) => here.has(value)));
        if (shared.size === 0) break;
      }
      if (shared === undefined) continue;
      if (before && before.size <= shared.size) continue;
      gates.set(key, shared);
      changed = true;
    }
  }
  return gates;
}

/** Least fixed point: the tasks in which a function can run. */
function threadsOf(
  view: ProgramView,
  contexts: ReadonlyMap<FunctionKey, readonly Context[]>,
): ReadonlyMap<FunctionKey, ReadonlySet<string> | "many"> {
  const threads = new Map<FunctionKey, ReadonlySet<string> | "many">();
  // By caller: a change is handed on to what it runs, so a function that thousands call is not asked for all of them.
  const runs = new Map<FunctionKey, { readonly key: FunctionKey; readonly context: Context }[]>();
  for (const [key, list] of contexts) {
    for (const context of list) {
      if (context.caller === undefined || !context.instruction) continue;
      const known = runs.get(context.caller);
      if (known) known.push({ key, context });
      else runs.set(context.caller, [{ key, context }]);
    }
  }
  const open: FunctionKey[] = [];
  const put = (key: FunctionKey, next: ReadonlySet<string> | "many") => {
    const before = threads.get(key);
    if (before === "many") return;
    const joined = next === "many" ? next : new Set([...(before ?? []), ...next]);
    const bounded = joined !== "many" && joined.size > maxThreads ? "many" : joined;
    if (before && bounded !== "many" && bounded.size === before.size) return;
    threads.set(key, bounded);
    open.push(key);
  };
  for (const key of view.solution.functions) {
    const facts = view.world.function(key);
    if (facts?.kind === "module") put(key, new Set([startup]));
    else if ((contexts.get(key) ?? []).length === 0) put(key, "many");
    for (const context of contexts.get(key) ?? []) if (context.caller === undefined) put(key, "many");
  }
  for (let caller = open.pop(); caller !== undefined; caller = open.pop()) {
    const own = threads.get(caller);
    if (!own) continue;
    for (const { key, context } of runs.get(caller) ?? []) {
      if (context.awaited && !context.many) put(key, own);
      else if (own === "many" || context.many) put(key, "many");
      // Started once, by a task that itself runs once.
      else put(key, new Set([`${caller}@${context.instruction?.start}`]));
    }
  }
  return threads;
}
