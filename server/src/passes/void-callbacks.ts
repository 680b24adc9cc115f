import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import { asyncFunction } from "../analysis/async-functions.ts";
import { type CallbackArgument, catchInside, loopInstead } from "../analysis/callback-fixes.ts";
import { createCallbackFailures, type Failure } from "../analysis/failures.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { capturesIn, describeTemp, isDropped, usesIn } from "../analysis/flow.ts";
import { createLongWaits, type LongWait } from "../analysis/long-waits.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import type { CallEffect } from "../analysis/semantics.ts";
import type { BlockId, FunctionFacts, Instruction, Range, VariableId } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { isAwaitPoint, successors } from "../program/instructions.ts";
import type { CallbackAnswer } from "../program/program.ts";

import { whoSeesFailures } from "./dropped-tasks.ts";

// Asynchronous functions given to code that drops what they return: `forEach`, timers, listeners, and every parameter
// whose type says `() => void`. Whether it does harm depends on what the function does: it may fail, and nobody hears
// of it, or somebody uses what it has not done yet.

export interface VoidCallback {
  /** `loop`: a `forEach`, whose caller goes on before the callbacks are done. */
  readonly sink: "loop" | "other";
  /** As written: `orders.forEach`. */
  readonly callee: string;
  /** Its name, to point at. */
  readonly at: Location;
  readonly call: Location;
  /** The callback as the argument that it is. */
  readonly argument: Location;
  /** How the callback comes to fail. */
  readonly failure: Failure;
  readonly whoSees: "nobody" | "listener" | "browser";
  /** Of a loop: something that the callbacks fill after an await, and where it is used before. */
  readonly early: EarlyUse | undefined;
  /** Of a loop: what the callbacks wait for. */
  readonly wait: LongWait | undefined;
  readonly fixes: readonly FixPlan[];
}

export interface EarlyUse {
  readonly variable: string;
  readonly filled: Location;
  readonly used: Location;
}

/**
 * Packages that wait for what a handler returns from this major version on, though the types that are installed beside
 * them may be older.
 */
const waitingSince: ReadonlyMap<string, number> = new Map([["express", 5]]);

export const voidCallbacks = definePass<readonly VoidCallback[]>({
  id: "void-callbacks",
  run(view) {
    const failureOf = createCallbackFailures(view);
    const waits = createLongWaits(view);
    const whoSeesIn = whoSeesFailures(view);
    return (file) => {
      const candidates = view.functionsOf(file).flatMap((key) => candidatesIn(view, key));
      const dropped = droppedAmong(view, file, candidates);
      const whoSees = whoSeesIn(file);
      const handlers = view.options.linterFor(file, "void-callback")
        ? []
        : view.functionsOf(file).flatMap((key) => handlersIn(view, key));
      const attributes = handlers.map(({ name, attribute, callback }): VoidCallback => {
        const at = locationIn(file, attribute);
        return {
          sink: "other",
          callee: name,
          at,
          call: at,
          argument: at,
          failure: failureOf(callback),
          // Elements are in a page; on a server nothing clicks.
          whoSees: whoSees === "nobody" ? "browser" : whoSees,
          early: undefined,
          wait: undefined,
          fixes: [],
        };
      });
      const calls = dropped.map((one): VoidCallback => {
        const { evaluation, call, callback, isLoop } = one;
        const facts = view.world.facts(file);
        const [definition] = usesIn(evaluation.facts).definitions(call.callee);
        const callee = facts ? describeTemp(facts, evaluation.facts, call.callee) : "…";
        const given = call.arguments[one.index];
        const [argument] = given === undefined ? [] : usesIn(evaluation.facts).definitions(given);
        return {
          sink: isLoop ? "loop" : "other",
          callee,
          at: locationIn(file, definition ?? call),
          call: locationIn(file, call),
          argument: locationIn(file, argument ?? call),
          failure: failureOf(callback),
          whoSees,
          early: isLoop ? earlyUse(view, one) : undefined,
          wait: isLoop ? waits.ofFunction(callback) : undefined,
          fixes: fixesOf(view, one),
        };
      });
      return [...calls, ...attributes];
    };
  },
});

/** `<button onClick={async () => …}>`: an asynchronous handler of an element of the page. */
interface Handler {
  readonly name: string;
  readonly attribute: Range;
  readonly callback: FunctionKey;
}

/** What a component does with such a function is its own; `action` and the like are awaited. */
const handlerName = /^on[A-Z]/;

function handlersIn(view: ProgramView, key: FunctionKey): readonly Handler[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const uses = usesIn(evaluation.facts);
  const found = new Map<number, Handler>();
  for (const i of evaluation.facts.blocks.flatMap(({ code }) => code)) {
    if (i.op !== "jsx" || i.tag !== undefined) continue;
    for (const { name, value } of i.attributes) {
      const callback = handlerName.test(name) ? asyncFunction(view, evaluation.values[value]) : undefined;
      const [attribute] = uses.definitions(value);
      if (callback !== undefined && attribute) found.set(attribute.start, { name, attribute, callback });
    }
  }
  return [...found.values()];
}

/** An asynchronous function as an argument. */
interface Candidate extends CallbackArgument {
  readonly isLoop: boolean;
  /** A model or the language says that the result is dropped; otherwise the parameter's type has to. */
  readonly isKnown: boolean;
}

/** Takes a listener away, and runs nothing. */
const removing = /^(?:off|remove|clear|cancel|delete|un[a-z])/;

function candidatesIn(view: ProgramView, key: FunctionKey): readonly Candidate[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const uses = usesIn(evaluation.facts);
  const found = new Map<string, Candidate>();
  for (const [index, block] of evaluation.facts.blocks.entries()) {
    if (!evaluation.reached[index]) continue;
    for (const i of block.code) {
      if (i.op !== "call" && i.op !== "new") continue;
      const effect = evaluation.calls.get(i);
      const [callee] = uses.definitions(i.callee);
      if (!effect || (callee?.op === "get" && removing.test(callee.name))) continue;
      for (const [at, temp] of i.arguments.entries()) {
        // A finally block is there several times.
        if (found.has(`${i.start} ${at}`)) continue;
        const callback = asyncFunction(view, evaluation.values[temp]);
        const sink = callback === undefined ? undefined : sinkOf(view, effect, at, isDropped(uses, i.to));
        if (callback === undefined || sink === undefined) continue;
        found.set(`${i.start} ${at}`, {
          evaluation,
          call: i,
          index: at,
          callback,
          isLoop: sink === "loop",
          isKnown: sink !== "by type",
        });
      }
    }
  }
  return [...found.values()];
}

/** What drops the result of the argument at an index; undefined when something takes it, or nothing is known to run it. */
function sinkOf(
  view: ProgramView,
  effect: CallEffect,
  index: number,
  /** Nothing looks at what the call gives. */
  isUnused: boolean,
): "loop" | "starter" | "by type" | undefined {
  const [target] = effect.targets;
  if (target === undefined || effect.targets.length > 1) return undefined;
  switch (target.kind) {
    case "operation": {
      const { op, fn, callbackResult, await: waits } = target.operation;
      if (fn !== index || waits) return undefined;
      // `orders.map(save);`: the promises are in a list that nobody has.
      if (op === "spawn" || (isUnused && callbackResult === "collected")) return "starter";
      return op === "run" && callbackResult === "dropped" && target.name === "forEach" ? "loop" : undefined;
    }
    case "function":
      return isResultDropped(view, target.function, index) ? "by type" : undefined;
    case "unknown":
    case "symbolic":
      return "by type";
    case "create":
      return undefined;
  }
}

/** A function of the program calls its parameter, and nowhere looks at what that returns. */
function isResultDropped(view: ProgramView, key: FunctionKey, index: number): boolean {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation) return false;
  const calls = [...evaluation.calls.keys()].flatMap((i) => {
    const callee = i.op === "call" ? evaluation.values[i.callee] : undefined;
    return i.op === "call" &&
      callee?.kind === "parameter" &&
      callee.function === key &&
      callee.index === index
      ? [i]
      : [];
  });
  const uses = usesIn(evaluation.facts);
  return calls.length > 0 && calls.every((i) => isDropped(uses, i.to));
}

/** Those whose result is dropped, and that no other linter reports. */
function droppedAmong(
  view: ProgramView,
  file: FilePath,
  candidates: readonly Candidate[],
): readonly Candidate[] {
  const linter = view.options.linterFor(file, "void-callback");
  // Another linter goes by the parameter's type alone, so there it is asked where we would not need it.
  const open = candidates.filter(({ isKnown }) => !isKnown || linter !== undefined);
  const answers =
    open.length === 0
      ? []
      : view.callbacks(
          file,
          open.map(({ call }) => call.node),
        );
  const byType = new Map(open.map((one, at) => [one, answers[at]?.[one.index]]));
  return candidates.filter((one) => {
    const answer = byType.get(one);
    const isDroppedByType = answer?.result === "dropped" && !isAwaitedAnyway(answer);
    const isReported =
      linter !== undefined &&
      isDroppedByType &&
      (linter.sees === "types" || view.world.function(one.callback)?.async === true);
    return !isReported && (one.isKnown || isDroppedByType);
  });
}

function isAwaitedAnyway({ package: of }: CallbackAnswer): boolean {
  const since = of && waitingSince.get(of.name);
  return since !== undefined && (of?.major ?? 0) >= since;
}

/**
 * A variable of the function around a loop that the callbacks fill after an await, and that is used behind the loop, where
 * nothing of that has happened yet.
 */
function earlyUse(view: ProgramView, { evaluation, call, callback }: Candidate): EarlyUse | undefined {
  const { file, id } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const inner = view.world.function(callback);
  if (!facts || !inner || parseKey(callback).file !== file) return undefined;
  const captured = capturesIn(facts).get(parseKey(callback).id as never) ?? new Set<VariableId>();
  const own = [...captured].filter((variable) => facts.variables[variable]?.function === id);
  const filled = filledAfterAwait(inner);
  for (const i of behind(evaluation.facts, call)) {
    if (i.op !== "load" || !own.includes(i.variable)) continue;
    const fill = filled.get(i.variable);
    const name = facts.variables[i.variable]?.name;
    if (fill === undefined || name === undefined || isFill(evaluation.facts, i)) continue;
    return { variable: name, filled: locationIn(file, fill), used: locationIn(file, i) };
  }
  return undefined;
}

/** Methods that change the collection they belong to. */
const filling: ReadonlySet<string> = new Set(["push", "unshift", "add", "set", "append"]);

/** The variables that a function assigns, or fills as collections, when it has waited. */
function filledAfterAwait(facts: FunctionFacts): ReadonlyMap<VariableId, Instruction> {
  const found = new Map<VariableId, Instruction>();
  const uses = usesIn(facts);
  for (const block of facts.blocks) {
    for (const [index, i] of block.code.entries()) {
      if (!isAwaitPoint(i)) continue;
      for (const later of [...block.code.slice(index + 1), ...behindBlock(facts, block)]) {
        const variable = later.op === "store" ? later.variable : loadedBy(later);
        if (variable !== undefined && !found.has(variable)) found.set(variable, later);
      }
    }
  }
  return found;

  function loadedBy(i: Instruction): VariableId | undefined {
    if (i.op !== "call" && i.op !== "set" && i.op !== "set-element") return undefined;
    const [callee] = i.op === "call" ? uses.definitions(i.callee) : [];
    if (i.op === "call" && !(callee?.op === "get" && filling.has(callee.name))) return undefined;
    const object = i.op === "call" ? i.receiver : i.object;
    const [definition] = object === undefined ? [] : uses.definitions(object);
    return definition?.op === "load" ? definition.variable : undefined;
  }
}

/** A load for nothing but to fill the collection further. */
function isFill(facts: FunctionFacts, load: Extract<Instruction, { op: "load" }>): boolean {
  const readers = usesIn(facts).readers(load.to);
  return (
    readers.length > 0 &&
    readers.every(
      (reader) =>
        reader.op === "set" ||
        reader.op === "set-element" ||
        (reader.op === "get" && filling.has(reader.name)) ||
        (reader.op === "call" && reader.receiver === load.to),
    )
  );
}

/** What may run after a call, in its function, before anything else could: up to the next await. */
function behind(facts: FunctionFacts, call: Instruction): readonly Instruction[] {
  const found: Instruction[] = [];
  const seen = new Set<BlockId>();
  const open: BlockId[] = [];
  const walk = (code: readonly Instruction[], next: readonly BlockId[]) => {
    const stop = code.findIndex(isAwaitPoint);
    found.push(...(stop < 0 ? code : code.slice(0, stop)));
    if (stop < 0) open.push(...next);
  };
  for (const block of facts.blocks) {
    const at = block.code.indexOf(call);
    if (at >= 0) walk(block.code.slice(at + 1), successors(block.end));
  }
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const block = facts.blocks[id];
    if (!block || seen.has(id)) continue;
    seen.add(id);
    walk(block.code, successors(block.end));
  }
  return found;
}

function behindBlock(facts: FunctionFacts, from: FunctionFacts["blocks"][number]): readonly Instruction[] {
  const seen = new Set<BlockId>();
  const open = [...successors(from.end)];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const block = facts.blocks[id];
    if (!block || seen.has(id)) continue;
    seen.add(id);
    open.push(...successors(block.end));
  }
  return [...seen].flatMap((id) => facts.blocks[id]?.code ?? []);
}

function fixesOf(view: ProgramView, one: Candidate): readonly FixPlan[] {
  const loop = one.isLoop ? loopInstead(view, one) : undefined;
  const handled = catchInside(view, one, loop === undefined);
  return [loop, handled].filter((fix) => fix !== undefined);
}
