import type { BlockId, FileFacts, FunctionFacts, Instruction, Range, Temp } from "../program/facts.ts";
import type { ProgramView } from "./analyzer.ts";
import { contentOf } from "./capacities.ts";
import { type ConstantLists, createConstantLists } from "./constant-lists.ts";
import type { Evaluation } from "./evaluate.ts";
import { describeTemp, memberCalled, usesIn } from "./flow.ts";
import {
  type GivenValues,
  givenBy,
  givenText,
  isReached,
  nothingGiven,
  type Run,
  runOf,
} from "./given-values.ts";
import { type FunctionKey, type Location, parseKey } from "./places.ts";
import type { CallEffect, Target } from "./semantics.ts";
import { type AccessReader, initialStore, originOf, placeRead, placeWritten } from "./shared-places.ts";
import type { Solution } from "./solve.ts";
import { throwsIn } from "./throws.ts";
import { alternatives, isOpenResult, isSurelyPromise, plain, type Value } from "./values.ts";

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

/**
 * A function fails at its call, by the promise that it gives, or either way: as the callback of `then`. `awaited`: by
 * what it gives, which somebody takes for a promise.
 */
type How = "throws" | "rejects" | "awaited" | "callback";

/** One reason within one function: it fails right there, or because a function that is called fails. */
interface Reason {
  readonly step: FailureStep;
  readonly because?: Called & { readonly how: How };
}

/** A function with what it is given. */
interface Called {
  readonly function: FunctionKey;
  readonly given: GivenValues;
}

const maxDepth = 8;
export const nothingShown: Failure = { shown: false, steps: [] };

export function createFailures(view: ProgramView): FailureOfCall {
  const reasons = new Reasons(view);
  return (evaluation, call) => {
    const run: Run = { evaluation, given: nothingGiven, reached: evaluation.reached };
    return shortest(reasons, reasons.ofPromise(run, call, true));
  };
}

/** Why a function fails, as a callback: by exception, or by the promise that it gives. */
export function createCallbackFailures(view: ProgramView): (callback: FunctionKey) => Failure {
  const reasons = new Reasons(view);
  return (callback) =>
    shortest(reasons, reasons.ofFunction({ function: callback, given: nothingGiven }, "callback"));
}

/** Breadth first through the functions that fail, so that the way is the shortest, whichever was asked for before. */
function shortest(reasons: Reasons, first: readonly Reason[]): Failure {
  const seen = new Set<string>();
  let layer: readonly (readonly Reason[])[] = first.map((reason) => [reason]);
  for (let depth = 0; depth < maxDepth && layer.length > 0; depth += 1) {
    const further: (readonly Reason[])[] = [];
    for (const path of layer) {
      const because = path.at(-1)?.because;
      if (!because) return { shown: true, steps: path.map(({ step }) => step) };
      const key = keyOf(because, because.how);
      if (seen.has(key)) continue;
      seen.add(key);
      for (const reason of reasons.ofFunction(because, because.how)) further.push([...path, reason]);
    }
    layer = further;
  }
  return nothingShown;
}

class Reasons {
  readonly #view: ProgramView;
  readonly #solution: Solution;
  readonly #lists: ConstantLists;
  readonly #known = new Map<string, readonly Reason[]>();
  #settled: SettledNames | undefined;

  constructor(view: ProgramView) {
    this.#view = view;
    this.#solution = view.solution;
    this.#lists = createConstantLists(view.world);
  }

  ofFunction(called: Called, how: How): readonly Reason[] {
    const key = keyOf(called, how);
    const known = this.#known.get(key);
    if (known) return known;
    const evaluation = this.#solution.evaluation(called.function);
    const found: Reason[] = [];
    if (evaluation) {
      const run = runOf(this.#lists, evaluation, called.given);
      const { async } = evaluation.facts;
      if (how === "throws" || how === "callback" || async) found.push(...this.#thrown(run));
      if (how !== "throws") found.push(...this.#returned(run, how === "awaited" && !async));
    }
    this.#known.set(key, found);
    return found;
  }

  /** Why the promise of a call rejects; `isPromise` when it is known to give one. */
  ofPromise(run: Run, call: CallInstruction, isPromise: boolean): readonly Reason[] {
    const { evaluation } = run;
    const effect = evaluation.calls.get(call);
    if (!effect || !mayReject(effect.result)) return [];
    const sources = sourcesOf(evaluation, call, effect);
    const how = isPromise ? "awaited" : "rejects";
    const found = [
      ...this.#through(run, call, this.#failing(run, effect, how), how),
      ...this.#through(run, call, this.#failingCallbacks(effect), "callback"),
      // `then`, `all`, `runExclusive` fail with what they are made of.
      ...sources.flatMap((temp) => this.#value(run, temp, call, true)),
    ];
    if (found.length > 0 || sources.length > 0) return found;
    if (!isPromise && !isSurelyPromise(effect.result)) return [];
    if (effect.targets.length > 0 && effect.targets.every(passesThroughChannel)) return [];
    const executors = call.op === "new" ? this.#onlyResolving(effect) : undefined;
    if (executors) return this.#through(run, call, this.#mayFail(executors, "throws"), "throws");
    const work = call.op === "call" ? this.#workOf(evaluation, call, effect) : [];
    if (work.length > 0) return this.#through(run, call, this.#mayFail(work, "callback"), "callback");
    if (saysThatItCatches(call, effect, this.#name(evaluation, call))) return [];
    const what = call.op === "new" ? "this promise" : `the promise of '${this.#name(evaluation, call)}'`;
    return [reason(evaluation, call, `${what} may reject`)];
  }

  /** What leaves a function by exception. */
  #thrown(run: Run): Reason[] {
    const { evaluation, reached } = run;
    const { facts } = evaluation;
    const handled = handledBy(facts);
    const seen = new Set<BlockId>();
    const found: Reason[] = [];
    const open = facts.blocks.filter((block, index) => reached[index] && block.handler === undefined);
    for (let block = open.pop(); block; block = open.pop()) {
      for (const i of block.code) {
        if (throwsIn(block, i, evaluation.calls, evaluation.awaits)) found.push(...this.#instruction(run, i));
      }
      if (block.end.kind !== "throw") continue;
      const handler = handlerThatCaught(facts, block.end.value);
      if (handler === undefined) {
        found.push(reason(evaluation, block.end.at, "this is thrown, and nothing catches it"));
      } else if (!seen.has(handler)) {
        // A `catch` that throws again, a `finally` that has run: what failed stands in the blocks that it handles.
        seen.add(handler);
        const inside = (handled.get(handler) ?? []).filter((id) => reached[id]);
        open.push(...inside.flatMap((id) => facts.blocks[id] ?? []));
      }
    }
    return found.sort((a, b) => a.step.at.start - b.step.at.start);
  }

  /** What a function gives to its caller and fails later. */
  #returned(run: Run, isPromise: boolean): Reason[] {
    const { facts } = run.evaluation;
    return facts.blocks.flatMap(({ end }, index) => {
      if (!run.reached[index] || end.kind !== "return" || end.value === undefined) return [];
      if (!facts.async && this.#isKept(run.evaluation, end.value)) return [];
      return this.#value(run, end.value, end.at, isPromise);
    });
  }

  /** A promise that somebody else has had before, who hears of its failure: `return this.ready`. */
  #isKept(evaluation: Evaluation, temp: Temp, depth = 0): boolean {
    const { facts } = evaluation;
    const [i, other] = usesIn(facts).definitions(temp);
    if (i === undefined || other || depth > 4) return false;
    if (i.op === "move") return this.#isKept(evaluation, i.from, depth + 1);
    if (i.op === "call") {
      const [inner] = settledBy(evaluation, i);
      return inner !== undefined && this.#isKept(evaluation, inner, depth + 1);
    }
    const reader: AccessReader = { semantics: this.#solution.semantics, evaluation };
    const place = placeRead(reader, i);
    if (place === undefined && i.op === "get") return this.#isReadFromOutside(reader, i);
    const isMadeHere = (one: Instruction) => placeWritten(reader, one)?.id === place?.id;
    return place !== undefined && !facts.blocks.some(({ code }) => code.some(isMadeHere));
  }

  /** `return pipeline.promise`, of an object that this function has not made, in a field that it does not set. */
  #isReadFromOutside(reader: AccessReader, i: Extract<Instruction, { readonly op: "get" }>): boolean {
    const { semantics, evaluation } = reader;
    const origin = originOf(reader, i.object);
    if (origin?.op !== "load" && origin?.op !== "parameter" && origin?.op !== "this") return false;
    const owner = evaluation.values[i.object];
    const type = owner && semantics.typeOf(owner);
    const member =
      type?.kind === "class" ? semantics.world.member(type.class, i.name, false)?.member : undefined;
    if (member && member.kind !== "field") return false;
    return !evaluation.facts.blocks.some(({ code }) =>
      code.some((one) => one.op === "set" && one.name === i.name),
    );
  }

  #instruction(run: Run, i: Instruction): readonly Reason[] {
    const { evaluation } = run;
    switch (i.op) {
      case "call":
      case "new": {
        const effect = evaluation.calls.get(i);
        return this.#through(run, i, effect ? this.#failing(run, effect, "throws") : [], "throws");
      }
      case "await":
        return this.#value(run, i.from, i, true);
      case "next":
        return this.#iterated(run, i);
      default:
        return [];
    }
  }

  /**
   * Why a loop over asynchronous values fails: of a generator of the program by its code, else only over what a library
   * makes. Nothing shows that what comes from elsewhere ends by an error: `for await (const event of client.events())`.
   */
  #iterated(run: Run, i: Extract<Instruction, { readonly op: "next" }>): readonly Reason[] {
    const { evaluation } = run;
    const { world } = this.#solution.semantics;
    const iterated = iteratedBy(evaluation.facts, i.iterator);
    const reader: AccessReader = { semantics: this.#solution.semantics, evaluation };
    const made = iterated === undefined ? undefined : originOf(reader, iterated);
    const effect = made?.op === "call" ? evaluation.calls.get(made) : undefined;
    const generators = (effect?.targets ?? []).flatMap((target): Called[] => {
      const facts = target.kind === "function" ? world.function(target.function) : undefined;
      return target.kind === "function" && facts?.async && facts.generator
        ? [{ function: target.function, given: givenBy(run, target.binding, facts) }]
        : [];
    });
    if (made?.op === "call" && generators.length > 0 && generators.length === effect?.targets.length)
      return this.#through(run, made, generators, "rejects");
    const value = iterated === undefined ? undefined : evaluation.values[iterated];
    return this.#isStream(value)
      ? [reason(evaluation, i, "the loop may fail here, and nothing catches it")]
      : [];
  }

  /** What a library makes or has described, and that is no channel. */
  #isStream(value: Value | undefined): boolean {
    if (value === undefined) return false;
    const type = this.#solution.semantics.typeOf(value);
    if (type?.kind === "model") return type.model.kind !== "channel";
    return alternatives(value).some(({ kind }) => kind === "external");
  }

  /** Why a value, when it is a promise, may reject; `isPromise` when somebody awaits it. */
  #value(run: Run, temp: Temp, at: Range, isPromise: boolean): readonly Reason[] {
    const { evaluation } = run;
    const value = evaluation.values[temp];
    if (value && (!mayReject(value) || this.#isHarmlessField(value))) return [];
    const definitions = usesIn(evaluation.facts).definitions(temp);
    const [definition] = definitions.length < 2 ? definitions : definitions.filter((i) => isReached(run, i));
    switch (definition?.op) {
      case "move":
        return this.#value(run, definition.from, at, isPromise);
      case "call":
      case "new":
        return this.ofPromise(run, definition, isPromise);
      case "array":
        return definition.elements.flatMap((element) =>
          element === null ? [] : this.#value(run, element, at, isPromise),
        );
      default:
        if (!isPromise && !(value && isSurelyPromise(value))) return [];
        if (this.#isLikeWhatIsAdded(run, temp, at)) return [];
        if (this.#isOnlyResolved(run, temp)) return [];
        return [reason(evaluation, at, "this may reject, and nothing catches it")];
    }
  }

  /** An element of a list to which the same function adds promises: whatever that list has, none of these rejects. */
  #isLikeWhatIsAdded(run: Run, temp: Temp, at: Range): boolean {
    const { facts } = run.evaluation;
    const element = elementRead(facts, temp);
    if (!element) return false;
    const added = facts.blocks.flatMap(({ code }) =>
      code.flatMap((i) =>
        i.op === "call" &&
        memberCalled(facts, i) === "push" &&
        isSameVariable(facts, i.receiver, element.object)
          ? i.arguments
          : [],
      ),
    );
    return added.length > 0 && added.every((one) => this.#value(run, one, at, true).length === 0);
  }

  /** By its name a deferred promise that the program resolves in some place and rejects in none: `this.closed`. */
  #isOnlyResolved({ evaluation }: Run, temp: Temp): boolean {
    const [definition] = usesIn(evaluation.facts).definitions(temp);
    const file = this.#solution.semantics.world.facts(parseKey(evaluation.key).file);
    const name = file && definition && placeName(file, definition);
    if (name === undefined) return false;
    this.#settled ??= settledNames(this.#view);
    return this.#settled.resolved.has(name) && !this.#settled.rejected.has(name);
  }

  /** A field that never holds a promise which rejects. */
  #isHarmlessField(value: Value): boolean {
    const content = contentOf(this.#view, plain(value));
    return content !== plain(value) && content.kind === "promise" && !content.rejects;
  }

  #through({ evaluation }: Run, call: CallInstruction, functions: readonly Called[], how: How): Reason[] {
    const what = `'${this.#name(evaluation, call)}' is called`;
    return functions.map((called) => ({ ...reason(evaluation, call, what), because: { ...called, how } }));
  }

  /** The functions of the program with whose failure a call, or its promise, fails. */
  #failing(run: Run, effect: CallEffect, how: How): Called[] {
    const { world } = this.#solution.semantics;
    const called = effect.targets.flatMap((target): Called[] => {
      const callee = target.kind === "function" ? world.function(target.function) : undefined;
      return target.kind === "function" && callee
        ? [{ function: target.function, given: givenBy(run, target.binding, callee) }]
        : [];
    });
    return this.#mayFail(called, how);
  }

  /**
   * The executors of a promise, where none takes `reject`: it rejects only when they throw. What an asynchronous one fails
   * with is lost, and does not reject it.
   */
  #onlyResolving(effect: CallEffect): Called[] | undefined {
    const [executor] = effect.arguments;
    const functions = executor ? functionsIn(executor) : [];
    const isKnown = executor !== undefined && functions.length === alternatives(executor).length;
    const rejects = functions.some((key) => {
      const facts = this.#solution.semantics.world.function(key);
      return !facts || facts.parameters.length > 1 || facts.usesArguments;
    });
    if (!isKnown || rejects) return undefined;
    const isLost = (key: FunctionKey) => this.#solution.semantics.world.function(key)?.async;
    return functions.filter((key) => !isLost(key)).map(asCallback);
  }

  /** Callbacks with whose failure the promise of an operation rejects. */
  #failingCallbacks(effect: CallEffect): Called[] {
    const callbacks = effect.targets.flatMap((target): FunctionKey[] => {
      if (target.kind !== "operation") return [];
      const { fn, fulfilled, settled } = target.operation;
      return [fn, fulfilled, settled].flatMap((index) => {
        const callback = index === undefined ? undefined : effect.arguments[index];
        return callback ? functionsIn(callback) : [];
      });
    });
    return this.#mayFail(callbacks.map(asCallback), "callback");
  }

  /**
   * The asynchronous functions whose result a call of code that we do not see gives, as its type says: nothing shows that
   * `withSpan(() => load())` fails when `load` does not.
   */
  #workOf({ key }: Evaluation, call: CallInstruction, effect: CallEffect): Called[] {
    if (effect.targets.some(({ kind }) => kind !== "unknown" && kind !== "symbolic")) return [];
    const { world } = this.#solution.semantics;
    const given = effect.arguments.map((value) =>
      functionsIn(value).filter((one) => world.function(one)?.async),
    );
    if (given.every((functions) => functions.length === 0)) return [];
    const [answers = []] = this.#view.callbacks(parseKey(key).file, [call.node]);
    return given.flatMap((functions, index) => (answers[index]?.isPassedOn ? functions.map(asCallback) : []));
  }

  #mayFail(functions: readonly Called[], how: How): Called[] {
    const each = new Map(functions.map((called) => [keyOf(called, how), called]));
    return [...each.values()].filter(({ function: key }) => {
      const summary = this.#solution.summary(key);
      if (!summary) return false;
      if (how === "throws") return summary.throws;
      return (how === "callback" && summary.throws) || summary.rejects || mayReject(summary.returns);
    });
  }

  #name({ key, facts }: Evaluation, call: CallInstruction): string {
    const file = this.#solution.semantics.world.facts(parseKey(key).file);
    return file ? describeTemp(file, facts, call.callee) : "…";
  }
}

/** The names of what `resolve` and `reject` are taken from: `closed` of `this.closed.resolve()`. */
interface SettledNames {
  readonly resolved: ReadonlySet<string>;
  readonly rejected: ReadonlySet<string>;
}

const settledIn = new WeakMap<FileFacts, SettledNames>();

function settledNames({ world }: ProgramView): SettledNames {
  const resolved = new Set<string>();
  const rejected = new Set<string>();
  for (const path of world.files) {
    const file = world.facts(path);
    const own = file && (settledIn.get(file) ?? settledNamesOf(file));
    if (!own) continue;
    settledIn.set(file, own);
    for (const name of own.resolved) resolved.add(name);
    for (const name of own.rejected) rejected.add(name);
  }
  return { resolved, rejected };
}

function settledNamesOf(file: FileFacts): SettledNames {
  const resolved = new Set<string>();
  const rejected = new Set<string>();
  for (const facts of file.functions) {
    for (const i of facts.blocks.flatMap(({ code }) => code)) {
      if (i.op !== "get" || (i.name !== "resolve" && i.name !== "reject")) continue;
      const [definition] = usesIn(facts).definitions(i.object);
      const name = definition && placeName(file, definition);
      if (name !== undefined) (i.name === "resolve" ? resolved : rejected).add(name);
    }
  }
  return { resolved, rejected };
}

/** What a place is called that an instruction reads. */
function placeName(file: FileFacts, i: Instruction): string | undefined {
  if (i.op === "get") return i.name;
  return i.op === "load" ? file.variables[i.variable]?.name : undefined;
}

const catchingNames = /^(?:try|attempt|safe|safely|settle|swallow|ignore|suppress)(?:$|[A-Z_\d])/;

/** `tryCatch(save())`, of code that we do not see: the name says that a failure comes by what it gives. */
function saysThatItCatches(call: CallInstruction, { targets }: CallEffect, callee: string): boolean {
  const name = callee.split(".").at(-1) ?? "";
  const isUnseen = targets.every(({ kind }) => kind === "unknown");
  return isUnseen && call.arguments.length > 0 && catchingNames.test(name);
}

/** What a library calls it with is not known. */
function asCallback(key: FunctionKey): Called {
  return { function: key, given: nothingGiven };
}

function keyOf({ function: key, given }: Called, how: How): string {
  return `${how} ${key} ${givenText(given)}`;
}

function reason({ key }: Evaluation, { start, end }: Range, what: string): Reason {
  return { step: { at: { file: parseKey(key).file, start, end }, what } };
}

/** The promises that an operation is made of: what `then` is called on, what `all` is given. */
function sourcesOf(evaluation: Evaluation, call: CallInstruction, effect: CallEffect): Temp[] {
  return effect.targets.flatMap((target): Temp[] => {
    if (target.kind !== "operation") return [];
    const { op, promises } = target.operation;
    if (op === "settle") return call.op === "call" ? settledBy(evaluation, call) : [];
    if (op === "chain") {
      const [callee] = usesIn(evaluation.facts).definitions(call.callee);
      return callee?.op === "get" ? [callee.object] : [];
    }
    const list = promises === undefined ? undefined : call.arguments[promises];
    return list === undefined ? [] : [list];
  });
}

/** What a promise is settled with: `x` of `Promise.resolve(x)`. */
function settledBy(evaluation: Evaluation, call: Extract<Instruction, { readonly op: "call" }>): Temp[] {
  return (evaluation.calls.get(call)?.targets ?? []).flatMap((target) => {
    const index =
      target.kind === "operation" && target.operation.op === "settle" ? target.operation.value : undefined;
    const temp = index === undefined ? undefined : call.arguments[index];
    return temp ?? [];
  });
}

/** A channel fails its users when it is closed too early, which no call of theirs shows. */
function passesThroughChannel(target: Target): boolean {
  return target.kind === "operation" && target.model?.kind === "channel";
}

function functionsIn(value: Value): FunctionKey[] {
  return alternatives(value).flatMap((one) => (one.kind === "function" ? [one.function] : []));
}

/** What an iterator goes over. */
function iteratedBy(facts: FunctionFacts, iterator: Temp): Temp | undefined {
  const [definition] = usesIn(facts).definitions(iterator);
  return definition?.op === "iterate" ? definition.from : undefined;
}

/** `queue[0]`, also by the variable that holds it. */
function elementRead(
  facts: FunctionFacts,
  temp: Temp,
): Extract<Instruction, { readonly op: "get-element" }> | undefined {
  const [definition] = usesIn(facts).definitions(temp);
  if (definition?.op === "get-element") return definition;
  const stored = definition?.op === "load" ? initialStore(facts, definition.variable) : undefined;
  const [element] = stored === undefined ? [] : usesIn(facts).definitions(stored);
  return element?.op === "get-element" ? element : undefined;
}

/** Both are read from one variable. */
function isSameVariable(facts: FunctionFacts, a: Temp | undefined, b: Temp): boolean {
  const variableOf = (temp: Temp | undefined) => {
    const [load] = temp === undefined ? [] : usesIn(facts).definitions(temp);
    return load?.op === "load" ? load.variable : undefined;
  };
  const variable = variableOf(a);
  return variable !== undefined && variable === variableOf(b);
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
