import type { Block, BlockId, FunctionFacts, Instruction, Range, Temp } from "../program/facts.ts";
import { type Evaluation, throwsIn } from "./evaluate.ts";
import { describeTemp, usesIn } from "./flow.ts";
import { type FunctionKey, type Location, parseKey } from "./places.ts";
import type { CallEffect } from "./semantics.ts";
import type { Solution } from "./solve.ts";
import { alternatives, isOpenResult, type Value } from "./values.ts";

// Why a task may fail: the way from the call that starts it to the statement that throws, or to a promise that may
// reject. A task that can fail only because some function that we do not see could throw at once has no such way:
// nearly every call could.

/** How a started task comes to fail. */
export interface Failure {
  /** There is a `throw` or a promise on its way, and not only calls of which nothing is known. */
  readonly shown: boolean;
  /** The calls that lead there, outermost first, and what fails at their end. */
  readonly steps: readonly FailureStep[];
}

export interface FailureStep {
  readonly at: Location;
  readonly what: string;
}

type CallInstruction = Extract<Instruction, { readonly op: "call" | "new" }>;

/** Why the promise that a call gives may reject. */
export type FailureOfCall = (evaluation: Evaluation, call: CallInstruction) => Failure;

/** A function fails at its call, by the promise that it gives, or either way: as the callback of `then`. */
type How = "throws" | "rejects" | "callback";

const maxDepth = 6;
const nothingShown: Failure = { shown: false, steps: [] };

export function createFailures(solution: Solution): FailureOfCall {
  const explainer = new Explainer(solution);
  return (evaluation, call) => explainer.promise(evaluation, call, true);
}

class Explainer {
  readonly #solution: Solution;
  readonly #known: Readonly<Record<How, Map<FunctionKey, Failure>>> = {
    throws: new Map(),
    rejects: new Map(),
    callback: new Map(),
  };
  readonly #open = new Set<FunctionKey>();

  constructor(solution: Solution) {
    this.#solution = solution;
  }

  /** Why the promise of a call rejects; `isPromise` when it is known to give one. */
  promise(evaluation: Evaluation, call: CallInstruction, isPromise: boolean): Failure {
    const effect = evaluation.calls.get(call);
    if (!effect || !mayReject(effect.result)) return nothingShown;
    const reasons: Failure[] = [];
    const inside = this.#failing(effect, "rejects");
    if (inside.length > 0) reasons.push(this.#through(evaluation, call, inside, "rejects"));
    const callbacks = this.#failingCallbacks(effect);
    if (callbacks.length > 0) reasons.push(this.#through(evaluation, call, callbacks, "callback"));
    // `then`, `all`, `runExclusive` fail with what they are made of.
    for (const temp of sourcesOf(evaluation, call, effect)) {
      reasons.push(this.#value(evaluation, temp, call, true));
    }
    if (reasons.length > 0) return best(reasons);
    if (!isPromise && !isSurelyPromise(effect.result)) return nothingShown;
    const what = call.op === "new" ? "this promise" : `the promise of '${this.#name(evaluation, call)}'`;
    return this.#shown(evaluation, call, `${what} may reject`);
  }

  #function(key: FunctionKey, how: How): Failure {
    const memo = this.#known[how];
    const found = memo.get(key);
    if (found) return found;
    const evaluation = this.#solution.evaluation(key);
    // Around a circle of calls there is no reason that is not found outside of it.
    if (!evaluation || this.#open.has(key) || this.#open.size >= maxDepth) return nothingShown;
    this.#open.add(key);
    const throws = how !== "rejects" || evaluation.facts.async ? this.#thrown(evaluation) : [];
    const failure = best([...throws, ...(how === "throws" ? [] : this.#returned(evaluation))]);
    this.#open.delete(key);
    // What was not found while functions around it were open may be found without them.
    if (failure.shown || this.#open.size === 0) memo.set(key, failure);
    return failure;
  }

  /** What leaves a function by exception. */
  #thrown(evaluation: Evaluation): Failure[] {
    const { facts, reached } = evaluation;
    const handled = handledBy(facts);
    const seen = new Set<BlockId>();
    const leaving = (block: Block): Failure[] => {
      const own = block.code
        .filter((i) => throwsIn(block, i, evaluation.calls, evaluation.awaits))
        .map((i) => this.#instruction(evaluation, i));
      if (block.end.kind !== "throw") return own;
      const handler = handlerThatCaught(evaluation.facts, block.end.value);
      if (handler === undefined) {
        return [...own, this.#shown(evaluation, block.end.at, "this is thrown, and nothing catches it")];
      }
      // A `catch` that throws again, a `finally` that has run: what failed stands in the blocks that it handles.
      if (seen.has(handler)) return own;
      seen.add(handler);
      return [...own, ...(handled.get(handler) ?? []).filter((id) => reached[id]).flatMap((id) => at(id))];
    };
    const at = (id: BlockId) => {
      const block = facts.blocks[id];
      return block ? leaving(block) : [];
    };
    return facts.blocks.flatMap((block, index) =>
      reached[index] && block.handler === undefined ? leaving(block) : [],
    );
  }

  /** What a function gives to its caller and fails later. */
  #returned(evaluation: Evaluation): Failure[] {
    return evaluation.facts.blocks.flatMap(({ end }, index) =>
      evaluation.reached[index] && end.kind === "return" && end.value !== undefined
        ? [this.#value(evaluation, end.value, end.at, false)]
        : [],
    );
  }

  #instruction(evaluation: Evaluation, i: Instruction): Failure {
    switch (i.op) {
      case "call":
      case "new": {
        const effect = evaluation.calls.get(i);
        return this.#through(evaluation, i, effect ? this.#failing(effect, "throws") : [], "throws");
      }
      case "await":
        return this.#value(evaluation, i.from, i, true);
      case "next":
        return this.#shown(evaluation, i, "the loop may fail here, and nothing catches it");
      default:
        return nothingShown;
    }
  }

  /** Why a value, when it is a promise, may reject; `isPromise` when somebody awaits it. */
  #value(evaluation: Evaluation, temp: Temp, at: Range, isPromise: boolean): Failure {
    const value = evaluation.values[temp];
    if (value && !mayReject(value)) return nothingShown;
    const [definition] = usesIn(evaluation.facts).definitions(temp);
    if (definition?.op === "move") return this.#value(evaluation, definition.from, at, isPromise);
    if (definition?.op === "call" || definition?.op === "new") {
      return this.promise(evaluation, definition, isPromise);
    }
    if (definition?.op === "array") {
      const elements = definition.elements.filter((element) => element !== null);
      return best(elements.map((element) => this.#value(evaluation, element, at, isPromise)));
    }
    if (!isPromise && !(value && isSurelyPromise(value))) return nothingShown;
    return this.#shown(evaluation, at, "this may reject, and nothing catches it");
  }

  #through(evaluation: Evaluation, i: CallInstruction, functions: readonly FunctionKey[], how: How): Failure {
    const inner = best(functions.map((key) => this.#function(key, how)));
    if (!inner.shown) return inner;
    const name = this.#name(evaluation, i);
    const [own] = this.#shown(evaluation, i, `'${name}' is called`).steps;
    return { shown: true, steps: own ? [own, ...inner.steps] : inner.steps };
  }

  /** The functions of the program with whose failure a call, or its promise, fails. */
  #failing(effect: CallEffect, how: How): FunctionKey[] {
    const called = effect.targets.flatMap((target) => (target.kind === "function" ? [target.function] : []));
    return this.#mayFail(called, how);
  }

  /** Callbacks with whose failure the promise of an operation rejects. */
  #failingCallbacks(effect: CallEffect): FunctionKey[] {
    const callbacks = effect.targets.flatMap((target): FunctionKey[] => {
      if (target.kind !== "operation") return [];
      const { fn, fulfilled, settled } = target.operation;
      return [fn, fulfilled, settled].flatMap((index) => {
        const callback = index === undefined ? undefined : effect.arguments[index];
        return callback ? functionsIn(callback) : [];
      });
    });
    return this.#mayFail(callbacks, "callback");
  }

  #mayFail(functions: readonly FunctionKey[], how: How): FunctionKey[] {
    return [...new Set(functions)].filter((key) => {
      const summary = this.#solution.summary(key);
      if (!summary) return false;
      if (how === "throws") return summary.throws;
      return (how === "callback" && summary.throws) || summary.rejects || mayReject(summary.returns);
    });
  }

  #shown({ key }: Evaluation, { start, end }: Range, what: string): Failure {
    return { shown: true, steps: [{ at: { file: parseKey(key).file, start, end }, what }] };
  }

  #name({ key, facts }: Evaluation, call: CallInstruction): string {
    const file = this.#solution.semantics.world.facts(parseKey(key).file);
    return file ? describeTemp(file, facts, call.callee) : "…";
  }
}

/** The promises that an operation is made of: what `then` is called on, what `all` is given. */
function sourcesOf(evaluation: Evaluation, call: CallInstruction, effect: CallEffect): Temp[] {
  return effect.targets.flatMap((target): Temp[] => {
    if (target.kind !== "operation") return [];
    const { op, promises } = target.operation;
    if (op === "chain") {
      const [callee] = usesIn(evaluation.facts).definitions(call.callee);
      return callee?.op === "get" ? [callee.object] : [];
    }
    const list = promises === undefined ? undefined : call.arguments[promises];
    return list === undefined ? [] : [list];
  });
}

function functionsIn(value: Value): FunctionKey[] {
  return alternatives(value).flatMap((one) => (one.kind === "function" ? [one.function] : []));
}

function isSurelyPromise(value: Value): boolean {
  return value.kind === "promise" && value.sure;
}

/** False when it is a promise that gives a value, or no promise. */
function mayReject(value: Value): boolean {
  switch (value.kind) {
    case "promise":
      return value.rejects;
    case "union":
      return value.of.some(mayReject);
    case "fresh":
      return isOpenResult(value) || (value.made.type === "array" && value.made.elements.some(mayReject));
    case "nothing":
    case "settler":
    case "constant":
    case "function":
    case "class":
    case "module":
    case "namespace":
      return false;
    default:
      return true;
  }
}

/** The shortest way that shows something. */
function best(reasons: readonly Failure[]): Failure {
  return reasons
    .filter((reason) => reason.shown)
    .reduce((a, b) => (!a.shown || b.steps.length < a.steps.length ? b : a), nothingShown);
}

function handledBy(facts: FunctionFacts): ReadonlyMap<BlockId, readonly BlockId[]> {
  const found = new Map<BlockId, BlockId[]>();
  for (const [id, { handler }] of facts.blocks.entries()) {
    if (handler === undefined) continue;
    const list = found.get(handler);
    if (list) list.push(id as BlockId);
    else found.set(handler, [id as BlockId]);
  }
  return found;
}

/** The handler whose exception is thrown on, when a `throw` throws what was caught. */
function handlerThatCaught(facts: FunctionFacts, thrown: Temp, depth = 0): BlockId | undefined {
  const uses = usesIn(facts);
  const [definition] = uses.definitions(thrown);
  if (depth > 4 || definition === undefined) return undefined;
  switch (definition.op) {
    case "caught": {
      const id = facts.blocks.findIndex((block) => block.code.includes(definition));
      return id < 0 ? undefined : (id as BlockId);
    }
    case "move":
      return handlerThatCaught(facts, definition.from, depth + 1);
    case "load": {
      const { variable } = definition;
      const stores = facts.blocks.flatMap((block) =>
        block.code.filter((i) => i.op === "store" && i.variable === variable),
      );
      const [store] = stores;
      return stores.length === 1 && store?.op === "store"
        ? handlerThatCaught(facts, store.from, depth + 1)
        : undefined;
    }
    default:
      return undefined;
  }
}
