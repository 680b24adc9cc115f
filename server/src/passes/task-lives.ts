import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import { loopBlocks } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { createFailures, type Failure, type FailureOfCall } from "../analysis/failures.ts";
import { describeTemp, usesIn } from "../analysis/flow.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import type { Target } from "../analysis/semantics.ts";
import {
  followTask,
  isHandlerName,
  isNeverLookedAt,
  isVariableNeverLookedAt,
  leavesBy,
  loadsOf,
  type TaskLife,
  type TaskStart,
} from "../analysis/task-life.ts";
import { isOpenResult, type Value } from "../analysis/values.ts";
import type {
  BlockId,
  FileFacts,
  FunctionFacts,
  Instruction,
  Range,
  Temp,
  VariableFact,
  VariableId,
} from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";
import { type DroppedTask, startsTask, whoSeesFailures } from "./dropped-tasks.ts";
import { startOf } from "./returns-before-release.ts";

type CallInstruction = Extract<Instruction, { readonly op: "call" | "new" }>;

/** A promise, or an array of them, that a function starts and keeps in a local variable, or loops over right away. */
export interface KeptTask {
  /** Of the variable; without one, what starts it. */
  readonly name: string;
  readonly variable: VariableFact | undefined;
  /** An array of promises. */
  readonly many: boolean;
  /** The callee as written: `this.save`. */
  readonly callee: string;
  /** The call that starts it, up to the name of what is called. */
  readonly at: Location;
  /** The whole call. */
  readonly call: Location;
  /** What makes the array, where one expression does. */
  readonly list: Location | undefined;
  /** How it comes to fail, as far as that can be seen. */
  readonly failure: Failure;
  readonly whoSees: DroppedTask["whoSees"];
  readonly evaluation: Evaluation;
  readonly life: TaskLife;
  /** Nothing in the function could look at it, on whatever path. */
  readonly neverLookedAt: boolean;
  /** Conditions and comparisons mention it. */
  readonly isTested: boolean;
  /** A path shows how it fails, and that ends the process. */
  readonly endsProcess: boolean;
  readonly isScriptLanguage: boolean;
}

/** What comes of a failure that has no handler yet. */
export const consequences: Readonly<Record<DroppedTask["whoSees"], string>> = {
  nobody: "ends the process",
  listener: "goes to the listener of unhandled rejections",
  browser: "is reported as unhandled",
};

/**
 * Where the promises go that functions start and keep: what the rules about tasks between their start and their first
 * handler stand on. Tasks that cannot fail are left out.
 */
export const taskLives = definePass<readonly KeptTask[]>({
  id: "task-lives",
  run(view) {
    const failureOf = createFailures(view);
    const whoSees = whoSeesFailures(view);
    return (file) => {
      const kept = view
        .functionsOf(file)
        .flatMap((key) => view.attempt(file, "task-lives", () => birthsIn(view, key), []));
      return kept.length === 0 ? [] : keptTasks(view, file, kept, failureOf, whoSees(file));
    };
  },
});

/** A start that is followed before types have been asked. */
interface Birth {
  readonly evaluation: Evaluation;
  readonly facts: FileFacts;
  readonly start: TaskStart;
  readonly call: CallInstruction;
  /** The call of which only its type can say whether it gives a promise. */
  readonly ask?: NodeId;
  /** What makes the array, where one expression does. */
  readonly list?: Range;
  /** The call that fails, where that is one inside a callback. */
  readonly inside?: { readonly evaluation: Evaluation; readonly call: CallInstruction };
}

function birthsIn(view: ProgramView, key: FunctionKey): readonly Birth[] {
  const evaluation = view.solution.evaluation(key);
  const facts = view.world.facts(parseKey(key).file);
  if (!evaluation || !facts || evaluation.facts.imprecise !== undefined || evaluation.facts.generator)
    return [];
  const births: Birth[] = [];
  for (const [index, { code }] of evaluation.facts.blocks.entries()) {
    if (!evaluation.reached[index]) continue;
    for (const [position, i] of code.entries()) {
      const at = { block: index as BlockId, from: position + 1 };
      const found = birthAt(view, evaluation, facts, i, at);
      if (found) births.push({ evaluation, facts, ...found });
    }
  }
  return births;
}

type FoundBirth = Omit<Birth, "evaluation" | "facts">;
type Place = Pick<TaskStart, "block" | "from">;

function birthAt(
  view: ProgramView,
  evaluation: Evaluation,
  facts: FileFacts,
  i: Instruction,
  at: Place,
): FoundBirth | undefined {
  if (i.op === "array") return listOf(view, evaluation, i, at);
  if (i.op !== "call" && i.op !== "new") return undefined;
  const pushed = i.op === "call" ? pushedTo(view, evaluation, i, at) : undefined;
  if (pushed) return pushed;
  const holders = holdersOf(evaluation.facts, i.to);
  if (holders.length === 0 && !isIterated(evaluation.facts, i.to)) return undefined;
  const list = startsList(view, evaluation, i);
  if (list) return { start: { ...at, temp: i.to, many: true }, call: i, list: i, ...list };
  const started = holders.length === 0 ? undefined : startsNew(view, evaluation, i);
  if (!started) return undefined;
  const mayWait = evaluation.awaits.size > 0 && isLikePromise(evaluation, holders);
  if (started.ask !== undefined && !mayWait && !isNeverLookedAt(facts, evaluation.facts, i.to)) {
    return undefined;
  }
  return { start: { ...at, temp: i.to, many: false }, call: i, ...started };
}

/** `[load(), save()]`: the calls as elements, in which the promises stay. */
function listOf(
  view: ProgramView,
  evaluation: Evaluation,
  i: Extract<Instruction, { op: "array" }>,
  at: Place,
): FoundBirth | undefined {
  if (holdersOf(evaluation.facts, i.to).length === 0 && !isIterated(evaluation.facts, i.to)) return undefined;
  const calls = i.elements.flatMap((element) => {
    const call = element === null ? undefined : startOf(evaluation, element);
    const started = call && startsNew(view, evaluation, call);
    return started ? [{ call, ...started }] : [];
  });
  // The first is awaited first; it is the others that are alone until then.
  const [, second] = calls;
  return second && { start: { ...at, temp: i.to, many: true }, list: i, ...second };
}

/** `started.push(load())` in a loop, where this function has made the array. */
function pushedTo(
  view: ProgramView,
  evaluation: Evaluation,
  i: Extract<Instruction, { op: "call" }>,
  at: Place,
): FoundBirth | undefined {
  const uses = usesIn(evaluation.facts);
  const [callee] = uses.definitions(i.callee);
  const [argument] = i.arguments;
  if (callee?.op !== "get" || callee.name !== "push" || argument === undefined || i.arguments.length > 1)
    return undefined;
  if (!loopBlocks(evaluation.facts).has(at.block)) return undefined;
  const [list] = uses.definitions(callee.object);
  const made = evaluation.values[callee.object];
  if (list?.op !== "load" || made?.kind !== "fresh" || made.made.type !== "array") return undefined;
  if (made.site.function !== evaluation.key || made.site.path.length > 1) return undefined;
  const call = startOf(evaluation, argument);
  const started = call && startsNew(view, evaluation, call);
  return started && { start: { ...at, variable: list.variable, many: true }, call, ...started };
}

/** The variables that a value goes to, at once or by one of the sides of a conditional expression. */
function holdersOf(facts: FunctionFacts, temp: Temp, depth = 0): readonly VariableId[] {
  return usesIn(facts)
    .readers(temp)
    .flatMap((reader) => {
      if (reader.op === "store") return [reader.variable];
      return reader.op === "move" && depth < 4 ? holdersOf(facts, reader.to, depth + 1) : [];
    });
}

/** `for await (const one of ids.map(load))` */
function isIterated(facts: FunctionFacts, temp: Temp): boolean {
  return usesIn(facts)
    .readers(temp)
    .some(({ op }) => op === "iterate");
}

/** Something is done with a variable that one does with promises. */
function isLikePromise(evaluation: Evaluation, holders: readonly VariableId[]): boolean {
  const { facts } = evaluation;
  const uses = usesIn(facts);
  const isUsed = (temp: Temp, depth: number): boolean =>
    leavesBy(facts, temp) ||
    uses
      .readers(temp)
      .some(
        (i) =>
          i.op === "await" ||
          (i.op === "get" && isHandlerName(i.name)) ||
          isJoined(evaluation, i) ||
          (i.op === "move" && depth < 4 && isUsed(i.to, depth + 1)),
      );
  return loadsOf(facts, holders).some((temp) => isUsed(temp, 0));
}

/** The list of `Promise.all([a, b])`. */
function isJoined({ facts, calls }: Evaluation, i: Instruction | undefined): boolean {
  if (i?.op !== "array") return false;
  return usesIn(facts)
    .readers(i.to)
    .some((reader) =>
      calls.get(reader)?.targets.some((one) => one.kind === "operation" && one.operation.op === "join"),
    );
}

/** Something starts promises; which call has to be asked about, when only types know. */
type Started = Pick<Birth, "ask" | "inside">;

/** `items.map(async …)`: the array that a callback fills with promises that may fail. */
function startsList(view: ProgramView, { key, calls }: Evaluation, i: CallInstruction): Started | undefined {
  const effect = calls.get(i);
  const [target, ...others] = effect?.targets ?? [];
  if (!effect || target?.kind !== "operation" || others.length > 0) return undefined;
  const { callbackResult, await: waits, fn } = target.operation;
  if (callbackResult !== "collected" || waits || fn === undefined) return undefined;
  const list =
    effect.result.kind === "fresh" && effect.result.made.type === "array" ? effect.result.made : undefined;
  const [element] = list?.elements ?? [];
  if (!element) return undefined;
  const callback = effect.arguments[fn];
  const inside = callback?.kind === "function" ? view.solution.evaluation(callback.function) : undefined;
  if (inside && !inside.facts.async && isHeard(inside)) return undefined;
  if (element.kind === "promise" && element.sure) return element.rejects ? {} : undefined;
  // `items.map((item) => load(item))`: the type of the call inside says it.
  if (!inside || parseKey(inside.key).file !== parseKey(key).file) return undefined;
  const returned = inside.facts.blocks.flatMap(({ end }) => (end.kind === "return" ? [end.value] : []));
  const [only, ...more] = returned;
  const call = only === undefined || more.length > 0 ? undefined : startOf(inside, only);
  const started = call && startsNew(view, inside, call);
  return started && { ...started, inside: { evaluation: inside, call } };
}

/** What a callback returns has got a handler before: `task.catch(report); return task`. */
function isHeard({ facts }: Evaluation): boolean {
  const uses = usesIn(facts);
  return facts.blocks.some(({ end }) => {
    const [load] = end.kind === "return" && end.value !== undefined ? uses.definitions(end.value) : [];
    return (
      load?.op === "load" &&
      loadsOf(facts, [load.variable]).some((temp) =>
        uses.readers(temp).some((i) => i.op === "get" && isHandlerName(i.name)),
      )
    );
  });
}

/** A call that gives a promise which did not exist before. */
function startsNew(view: ProgramView, evaluation: Evaluation, i: CallInstruction): Started | undefined {
  const effect = evaluation.calls.get(i);
  const verdict = effect ? startsTask(view, evaluation, i, effect) : "no";
  if (!effect || verdict === "no" || (verdict === "ask" && i.op === "new")) return undefined;
  if (!effect.targets.every((target) => givesNew(view, target, 0))) return undefined;
  return verdict === "ask" ? { ask: i.node } : {};
}

/** False for functions that give a promise which they, or others, may have kept. */
function givesNew(view: ProgramView, target: Target, depth: number): boolean {
  if (target.kind !== "function") return true;
  const evaluation = view.solution.evaluation(target.function);
  if (!evaluation || depth > 3) return false;
  if (evaluation.facts.async) return true;
  return evaluation.facts.blocks.every(({ end }, index) => {
    if (end.kind !== "return" || !evaluation.reached[index]) return true;
    const [definition] = end.value === undefined ? [] : usesIn(evaluation.facts).definitions(end.value);
    if (definition?.op === "new") return true;
    const call = end.value === undefined ? undefined : startOf(evaluation, end.value);
    const targets = call && evaluation.calls.get(call)?.targets;
    return targets?.every((one) => givesNew(view, one, depth + 1)) ?? false;
  });
}

// --- what types have to say

/** A birth that has been followed as if everything that may wait did. */
interface Candidate {
  readonly birth: Birth;
  readonly life: TaskLife;
  readonly neverLookedAt: boolean;
}

/** Follows the births; what only TypeScript can judge is asked in one batch. */
function keptTasks(
  view: ProgramView,
  file: FilePath,
  births: readonly Birth[],
  failureOf: FailureOfCall,
  whoSees: DroppedTask["whoSees"],
): readonly KeptTask[] {
  const candidates = births.flatMap((birth) => candidateOf(view, birth));
  const { isPromise, takesTime } = judge(view, file, candidates);
  return candidates.flatMap(({ birth, neverLookedAt, life: first }) => {
    const { evaluation, facts, start, call } = birth;
    if (!isPromise(birth)) return [];
    // A wait that turned out to be none may have hidden another one behind it.
    const life = first.gaps.every((gap) => takesTime(evaluation, gap.wait))
      ? first
      : followTask(facts, evaluation, start, (i) => takesTime(evaluation, i));
    const [id] = life.variables;
    const variable = id === undefined ? undefined : facts.variables[id];
    const callee = describeTemp(facts, evaluation.facts, call.callee);
    const failure = failureOf(birth.inside?.evaluation ?? evaluation, birth.inside?.call ?? call);
    return [
      {
        name: variable?.name ?? callee,
        variable,
        many: start.many,
        callee,
        at: headOf(evaluation, call),
        call: locationIn(file, call),
        list: birth.list && locationIn(file, birth.list),
        failure,
        whoSees,
        evaluation,
        life,
        neverLookedAt,
        isTested: loadsOf(evaluation.facts, holdersOf(evaluation.facts, call.to)).length > 0,
        endsProcess:
          failure.shown &&
          whoSees === "nobody" &&
          // A program that fails at its top ends with the error shown, awaited or not.
          evaluation.facts.kind !== "module" &&
          !isWaitForEvent(evaluation, call),
        isScriptLanguage: facts.language === "javascript",
      },
    ];
  });
}

function candidateOf(view: ProgramView, birth: Birth): readonly Candidate[] {
  const { evaluation, facts, start, call, ask } = birth;
  const life = followTask(facts, evaluation, start, (i) => wait(view, evaluation, i) !== "no");
  const isLoopedOver = life.looks.some(({ kind }) => kind === "iterated");
  if (life.lost || (life.variables.length === 0 && !isLoopedOver)) return [];
  // A variable that is read may hold another task by then.
  const isOverwritten = life.looks.length === 0 && life.variables.every((one) => isReassigned(facts, one));
  const neverLookedAt = start.many
    ? isListNeverRead(birth)
    : isOverwritten || isNeverLookedAt(facts, evaluation.facts, call.to);
  // Of a value that may be no promise, only what one does with promises counts.
  const isOneOfPromises = life.gaps.some(
    ({ look }) =>
      (look.kind !== "handed" && look.kind !== "discarded") || isJoined(evaluation, look.instruction),
  );
  const isOpen = ask !== undefined && !start.many && !neverLookedAt;
  return isOpen && !isOneOfPromises ? [] : [{ birth, life, neverLookedAt }];
}

/** Nobody takes a promise out of a list: it is at most added to, and counted. */
function isListNeverRead({ facts, evaluation, start: { temp, variable } }: Birth): boolean {
  if (temp !== undefined) return isNeverLookedAt(facts, evaluation.facts, temp, true);
  return variable !== undefined && isVariableNeverLookedAt(facts, evaluation.facts, variable, true);
}

function isReassigned({ variables }: FileFacts, id: VariableId): boolean {
  return (variables[id]?.assignments ?? 0) > 0;
}

/** Asks for the types of what may be promises, and of what is awaited while they are open. */
function judge(view: ProgramView, file: FilePath, candidates: readonly Candidate[]) {
  const waits = candidates.flatMap(({ birth: { evaluation }, life }) =>
    (life.gaps.length === 0 ? [] : [...evaluation.awaits.keys()]).flatMap((i) => {
      const open = wait(view, evaluation, i);
      return typeof open === "object" ? [open.ask] : [];
    }),
  );
  const asked = [...new Set([...candidates.flatMap(({ birth }) => birth.ask ?? []), ...waits])];
  const answers = asked.length === 0 ? [] : view.types(file, asked);
  const answerOf = new Map(asked.map((node, index) => [node, answers[index]]));
  return {
    isPromise({ ask }: Birth): boolean {
      const type = ask === undefined ? undefined : answerOf.get(ask);
      return ask === undefined || (type?.thenable === "always" && type.promise);
    },
    takesTime(evaluation: Evaluation, i: Instruction): boolean {
      const open = wait(view, evaluation, i);
      if (typeof open !== "object") return open === "yes";
      const type = answerOf.get(open.ask);
      return type !== undefined && !type.unknown && type.thenable !== "never";
    },
  };
}

/** A call up to the name of what is called. */
export function headOf({ key, facts }: Evaluation, call: CallInstruction): Location {
  const [callee] = usesIn(facts).definitions(call.callee);
  const isInside = callee !== undefined && callee.start >= call.start && callee.end <= call.end;
  const end = callee?.op === "closure" ? call.start + 1 : isInside ? callee.end : call.end;
  return locationIn(parseKey(key).file, { start: call.start, end });
}

/** It fails only with the emitter that it listens to: rare, and awaiting it late is how one misses no event. */
function isWaitForEvent({ calls }: Evaluation, call: CallInstruction): boolean {
  return (calls.get(call)?.targets ?? []).some(
    (target) => target.kind === "operation" && target.operation.op === "waitEvent",
  );
}

/** Whether other tasks can get on while a function waits at an instruction; or the expression whose type says so. */
function wait(
  view: ProgramView,
  evaluation: Evaluation,
  i: Instruction,
): "yes" | "no" | { readonly ask: NodeId } {
  switch (i.op) {
    case "next":
    case "dispose":
      return "yes";
    case "await":
      return waitFor(view, evaluation, i);
    default:
      return "no";
  }
}

function waitFor(
  view: ProgramView,
  evaluation: Evaluation,
  i: Extract<Instruction, { op: "await" }>,
): "yes" | "no" | { readonly ask: NodeId } {
  const value = evaluation.values[i.from] as Value;
  const call = startOf(evaluation, i.from);
  const targets = (call && evaluation.calls.get(call)?.targets) ?? [];
  if (targets.length > 0 && targets.every((target) => isOverAtOnce(view, target))) return "no";
  if (value.kind === "promise" && value.sure) return "yes";
  if (value.kind === "fresh" && !isOpenResult(value)) return "no";
  if (value.kind === "constant" || value.kind === "nothing" || value.kind === "function") return "no";
  const [definition] = usesIn(evaluation.facts).definitions(i.from);
  return definition !== undefined && "node" in definition ? { ask: definition.node } : "no";
}

/** What settles before anything else gets its turn: `Promise.resolve()`, a function that awaits nothing. */
function isOverAtOnce(view: ProgramView, target: Target, depth = 0): boolean {
  if (target.kind === "operation") return target.operation.op === "settle";
  const evaluation = target.kind === "function" ? view.solution.evaluation(target.function) : undefined;
  if (!evaluation || depth > 3 || evaluation.awaits.size > 0) return false;
  return evaluation.facts.blocks.every(({ end }) => {
    if (end.kind !== "return" || end.value === undefined) return true;
    const call = startOf(evaluation, end.value);
    const targets = call && evaluation.calls.get(call)?.targets;
    if (targets) return targets.every((one) => isOverAtOnce(view, one, depth + 1));
    const { kind } = evaluation.values[end.value] as Value;
    return kind === "constant" || kind === "function" || kind === "fresh";
  });
}
