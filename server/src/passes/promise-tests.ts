import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import { alwaysGivesPromise, asyncFunction, callGivesPromise } from "../analysis/async-functions.ts";
import { type CallbackArgument, canAwait, flagsFirst, testsFirst } from "../analysis/callback-fixes.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { insertAwait } from "../analysis/fixes.ts";
import { describeTemp, usesIn } from "../analysis/flow.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { isOpenResult, type Value } from "../analysis/values.ts";
import type { FileFacts, FunctionFacts, Instruction } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";

// A promise is an object, so it is true. Where it is asked instead of what it gives, the answer is always the same.

type Call = Extract<Instruction, { readonly op: "call" }>;

export interface PromiseTest {
  /** The method of an array that is given an asynchronous function; absent for a condition. */
  readonly method?: string;
  /** As written: `orders.filter`, or what gives the tested promise. */
  readonly callee: string;
  readonly at: Location;
  readonly call: Location;
  readonly fixes: readonly FixPlan[];
}

/** Methods that take what their callback returns for true or false, or for a number. */
const asking: ReadonlySet<string> = new Set([
  "filter",
  "some",
  "every",
  "find",
  "findIndex",
  "findLast",
  "findLastIndex",
  "sort",
  "toSorted",
]);

export const promiseTests = definePass<readonly PromiseTest[]>({
  id: "promise-tests",
  run: (view) => (file) => [...predicatesIn(view, file), ...conditionsIn(view, file)],
});

/** Whether an asynchronous function stands in a predicate's place in a file. */
export function hasAsyncPredicates({ functions }: FileFacts): boolean {
  return functions.some((facts) =>
    facts.blocks.some(({ code }) => code.some((i) => i.op === "call" && isAskedOf(facts, i, functions))),
  );
}

function isAskedOf(facts: FunctionFacts, call: Call, functions: readonly FunctionFacts[]): boolean {
  const uses = usesIn(facts);
  if (!uses.definitions(call.callee).some((one) => one.op === "get" && asking.has(one.name))) return false;
  return call.arguments.some((argument) =>
    uses.definitions(argument).some((one) => one.op === "closure" && functions[one.function]?.async === true),
  );
}

/** The calls of a file that run, each once. */
function callsIn(view: ProgramView, file: FilePath): { evaluation: Evaluation; call: Call }[] {
  return view.functionsOf(file).flatMap((key) => {
    const evaluation = view.solution.evaluation(key);
    if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
    const found = new Map<number, { evaluation: Evaluation; call: Call }>();
    for (const [index, block] of evaluation.facts.blocks.entries()) {
      if (!evaluation.reached[index]) continue;
      for (const i of block.code) {
        if (i.op === "call" && !found.has(i.end)) found.set(i.end, { evaluation, call: i });
      }
    }
    return [...found.values()];
  });
}

interface Predicate {
  readonly method: string;
  readonly callee: Instruction;
  readonly argument: CallbackArgument;
  /** Whose method it is only its type can say. */
  readonly ask: boolean;
}

function predicatesIn(view: ProgramView, file: FilePath): readonly PromiseTest[] {
  const facts = view.world.facts(file);
  const isReported = view.options.linterFor(file, "condition") !== undefined;
  const found = callsIn(view, file).flatMap(({ evaluation, call }) => {
    const one = predicateOf(view, evaluation, call);
    // Linters know these methods, comparators apart.
    return one && !(isReported && !/sort/i.test(one.method)) ? [one] : [];
  });
  const open = found.filter(({ ask }) => ask);
  const answers =
    open.length === 0
      ? []
      : view.callbacks(
          file,
          open.map(({ argument }) => argument.call.node),
        );
  const ofLists = new Set(open.filter((_, index) => answers[index]?.[0]?.library));
  return found.flatMap((one): PromiseTest[] => {
    const { method, callee, argument, ask } = one;
    if (!facts || (ask && !ofLists.has(one))) return [];
    const fix = method === "filter" ? flagsFirst(view, argument) : testsFirst(view, argument);
    return [
      {
        method,
        callee: describeTemp(facts, argument.evaluation.facts, argument.call.callee),
        at: locationIn(file, callee),
        call: locationIn(file, argument.call),
        fixes: fix ? [fix] : [],
      },
    ];
  });
}

function predicateOf(view: ProgramView, evaluation: Evaluation, call: Call): Predicate | undefined {
  const [temp] = call.arguments;
  const callback = temp === undefined ? undefined : asyncFunction(view, evaluation.values[temp]);
  const [callee] = usesIn(evaluation.facts).definitions(call.callee);
  const [target, other] = evaluation.calls.get(call)?.targets ?? [];
  if (callback === undefined || !alwaysGivesPromise(view, callback)) return undefined;
  if (callee?.op !== "get" || other || !asking.has(callee.name)) return undefined;
  const isKnown = target?.kind === "operation" && target.operation.op === "run";
  if (!isKnown && target?.kind !== "unknown" && target?.kind !== "symbolic") return undefined;
  return { method: callee.name, callee, argument: { evaluation, call, index: 0, callback }, ask: !isKnown };
}

interface Condition {
  readonly evaluation: Evaluation;
  readonly call: Call;
  /** Only its type can say that it is a promise. */
  readonly ask: boolean;
}

function conditionsIn(view: ProgramView, file: FilePath): readonly PromiseTest[] {
  const facts = view.world.facts(file);
  const linter = view.options.linterFor(file, "condition");
  const found = view.functionsOf(file).flatMap((key) => testedIn(view, key));
  // Another linter knows promises by their types, so here the types are asked where we would not need them.
  const open = found.filter(({ ask }) => ask || linter !== undefined);
  const answers =
    open.length === 0
      ? []
      : view.types(
          file,
          open.map(({ call }): NodeId => call.node),
        );
  const promises = new Set(
    open.filter((_, index) => answers[index]?.thenable === "always" && answers[index].promise),
  );
  return found.flatMap((one): PromiseTest[] => {
    const { evaluation, call, ask } = one;
    const isPromise = promises.has(one);
    const isReported = linter !== undefined && isPromise && (linter.sees === "types" || !ask);
    if (!facts || isReported || (ask && !isPromise)) return [];
    const callee = describeTemp(facts, evaluation.facts, call.callee);
    const [definition] = usesIn(evaluation.facts).definitions(call.callee);
    const whole = locationIn(file, call);
    return [
      {
        callee,
        at: locationIn(file, definition?.op === "closure" ? call : (definition ?? call)),
        call: whole,
        fixes: canAwait(view, evaluation) ? [insertAwait(whole, `Await '${callee}'`, true)] : [],
      },
    ];
  });
}

/** Calls that a branch or `!` tests. */
function testedIn(view: ProgramView, key: FunctionKey): readonly Condition[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const { file } = parseKey(key);
  const uses = usesIn(evaluation.facts);
  const found = new Map<number, Condition>();
  const look = (temp: Call["to"]) => {
    const [call, other] = uses.definitions(temp);
    if (call?.op !== "call" || other || found.has(call.end) || hasDefault(evaluation, temp)) return;
    const result = evaluation.calls.get(call)?.result;
    if (result === undefined) return;
    const isSure = callGivesPromise(view, evaluation, call);
    if (isSure || (mayBePromise(result) && !isToldByTypeScript(view, file, call)))
      found.set(call.end, { evaluation, call, ask: !isSure });
  };
  for (const [index, block] of evaluation.facts.blocks.entries()) {
    if (!evaluation.reached[index]) continue;
    for (const i of block.code) if (i.op === "unary" && i.operator === "!") look(i.from);
    if (block.end.kind === "branch" && block.end.on === "truthy") look(block.end.test);
  }
  return [...found.values()];
}

/** `(stop() || Promise.resolve()).then(…)`: the test is whether there is a promise. */
function hasDefault({ facts, calls }: Evaluation, temp: Call["to"]): boolean {
  const uses = usesIn(facts);
  return uses.readers(temp).some(
    (reader) =>
      reader.op === "move" &&
      uses.definitions(reader.to).some((other) => {
        const [call] = other.op === "move" ? uses.definitions(other.from) : [];
        const targets = call?.op === "call" ? (calls.get(call)?.targets ?? []) : [];
        return targets.some((target) => target.kind === "operation" && target.operation.op === "settle");
      }),
  );
}

function mayBePromise(value: Value): boolean {
  return value.kind === "unknown" || value.kind === "promise" || isOpenResult(value);
}

/**
 * TypeScript knows a promise in `if (…)`, in `… ? … : …` and before `&&` (error 2801), and not behind `!`, before `||` and
 * in loops. What it reports need not be asked: it is most of the conditions there are.
 */
function isToldByTypeScript(view: ProgramView, file: FilePath, { start, end }: Call): boolean {
  if (view.world.facts(file)?.language === "javascript") return false;
  const text = view.text(file) ?? "";
  const before = text.slice(0, start).trimEnd().slice(-40);
  return !/(?:!|\bwhile\s*\(|;)$/.test(before) && !/^\s*\|\|/.test(text.slice(end));
}
