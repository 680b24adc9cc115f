import { isBuiltin } from "node:module";
import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { createFailures, type Failure } from "../analysis/failures.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { insertAwait } from "../analysis/fixes.ts";
import { describeTemp, handlesFailure, usesIn } from "../analysis/flow.ts";
import type { FunctionKey, Location } from "../analysis/places.ts";
import type { CallEffect } from "../analysis/semantics.ts";
import { throwsIn } from "../analysis/throws.ts";
import { isOpenResult, type Value } from "../analysis/values.ts";
import type { BlockId, FileFacts, FunctionFacts, Instruction, Temp } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { successors } from "../program/instructions.ts";
import { returnedStarts } from "./returns-before-release.ts";

// `try { return save() } catch { … }`: the promise leaves the `try` before it settles, so its failure passes the `catch`
// by. (typescript-eslint's `return-await` asks for the same `await` by syntax and types.)

type Call = Extract<Instruction, { readonly op: "call" }>;

/** A task that is returned out of a `try` whose `catch` would deal with its failure. */
export interface EscapedFailure {
  /** The task as written: `save`. */
  readonly task: string;
  /** Something else in the `try` may fail too, for which the `catch` may be meant. */
  readonly others: boolean;
  /** Only its type says that it gives a promise, so that it might throw at once after all, which would be caught. */
  readonly byType: boolean;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const escapedFailures = definePass<readonly EscapedFailure[]>({
  id: "escaped-failures",
  run(view) {
    const failureOf = createFailures(view);
    return (file) => {
      const found = view
        .functionsOf(file)
        .flatMap((key) => view.attempt(file, "escaped-failures", () => candidatesIn(view, key), []));
      const asked = found.filter(({ ask }) => ask).map(({ call }) => call.node);
      const answers = asked.length === 0 ? [] : view.types(file, asked);
      return found.flatMap((one) => {
        const type = one.ask ? answers[asked.indexOf(one.call.node)] : undefined;
        if (one.ask && !(type?.thenable === "always" && type.promise)) return [];
        const failure = failureOf(one.evaluation, one.root);
        return failure.shown ? [worded(view, file, one, failure)] : [];
      });
    };
  },
});

/** Whether a function of a file returns something out of a `try` with a handler. */
export function hasGuardedReturns({ functions }: FileFacts): boolean {
  return functions.some(({ blocks }) =>
    blocks.some(
      ({ handler, code, end }) =>
        handler !== undefined &&
        (end.kind === "return" || end.kind === "goto") &&
        code.some(({ op }) => op === "call"),
    ),
  );
}

interface Candidate {
  readonly evaluation: Evaluation;
  /** What is returned, and the call it is chained behind. */
  readonly call: Call;
  readonly root: Call;
  readonly handler: BlockId;
  readonly others: boolean;
  readonly byType: boolean;
  /** TypeScript has to say whether it gives a promise. */
  readonly ask: boolean;
}

function candidatesIn(view: ProgramView, key: FunctionKey): readonly Candidate[] {
  const evaluation = view.solution.evaluation(key);
  // An asynchronous generator waits for what it returns.
  if (!evaluation || evaluation.facts.imprecise !== undefined || evaluation.facts.generator) return [];
  const { facts, reached } = evaluation;
  if (facts.blocks.every(({ handler }) => handler === undefined)) return [];
  const uses = usesIn(facts);
  const isKept = ({ to }: Call) => uses.readers(to).some(({ op }) => op === "store");
  const found = new Map<Call, Candidate>();
  for (const [index, { end }] of facts.blocks.entries()) {
    if (!reached[index] || end.kind !== "return" || end.value === undefined) continue;
    for (const calls of returnedStarts(evaluation, end.value)) {
      const [call] = calls;
      const root = calls.at(-1);
      if (!call || !root || found.has(call) || calls.some(isKept)) continue;
      const inside = facts.blocks.find(({ code }) => code.includes(root));
      const handler = inside && !inside.cleanup ? catching(evaluation, inside.handler) : undefined;
      if (handler === undefined || calls.some((one) => handlesFailure(facts, one))) continue;
      const starts = startsTask(view, evaluation, root);
      if (starts === "no") continue;
      const others = isOneOfMany(evaluation, inside?.handler, calls);
      const byType = starts !== "yes" && !isAsyncOfNode(evaluation.values[root.callee]);
      found.set(call, { evaluation, call, root, handler, others, byType, ask: starts === "ask" });
    }
  }
  return [...found.values()];
}

/** The `catch` that a failure comes to: through each `finally`, and those that only throw it again. */
function catching(evaluation: Evaluation, handler: BlockId | undefined, depth = 0): BlockId | undefined {
  if (handler === undefined || depth > 8) return undefined;
  const { throwsOn, deals } = whatHandlerDoes(evaluation, handler);
  if (deals) return handler;
  return catching(evaluation, throwsOn, depth + 1);
}

/** Whether a handler does something about what it caught, or where it comes next. */
function whatHandlerDoes(
  { facts, calls }: Evaluation,
  handler: BlockId,
): { readonly deals: boolean; readonly throwsOn: BlockId | undefined } {
  const caught = facts.blocks[handler]?.code.flatMap((i) => (i.op === "caught" ? [i.to] : [])) ?? [];
  const same = copiesOf(facts, caught);
  const uses = usesIn(facts);
  // `return Promise.reject(error)` throws it again, too.
  const rejects = (i: Instruction) =>
    i.op === "call" &&
    isSettled(calls.get(i)) &&
    i.arguments.some((temp) => same.has(temp)) &&
    (uses.endsBlock(i.to) || uses.readers(i.to).some(({ op }) => op === "move"));
  const isLookedAt = [...same].some((temp) =>
    uses.readers(temp).some((reader) => reader.op !== "move" && reader.op !== "store" && !rejects(reader)),
  );
  let throwsOn: BlockId | undefined;
  const seen = new Set<BlockId>([handler]);
  const open = [handler];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const block = facts.blocks[id];
    if (!block) continue;
    const { end } = block;
    if (end.kind === "throw" && same.has(end.value)) {
      throwsOn = block.handler;
      continue;
    }
    if (block.code.some((i) => rejects(i))) continue;
    if (end.kind === "return" || end.kind === "throw") return { deals: true, throwsOn };
    for (const next of successors(end)) {
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return { deals: isLookedAt, throwsOn };
}

/** `Promise.resolve`, `Promise.reject` */
function isSettled(effect: CallEffect | undefined): boolean {
  const targets = effect?.targets ?? [];
  return (
    targets.length > 0 &&
    targets.every((target) => target.kind === "operation" && target.operation.op === "settle")
  );
}

/** The temps that hold what some temps do, by moves and by variables that nothing else is stored in. */
function copiesOf(facts: FunctionFacts, from: readonly Temp[]): ReadonlySet<Temp> {
  const uses = usesIn(facts);
  const all = facts.blocks.flatMap(({ code }) => code);
  const found = new Set<Temp>();
  const open = [...from];
  for (let temp = open.pop(); temp !== undefined; temp = open.pop()) {
    if (found.has(temp)) continue;
    found.add(temp);
    for (const reader of uses.readers(temp)) {
      if (reader.op === "move") open.push(reader.to);
      if (reader.op !== "store") continue;
      const { variable } = reader;
      if (all.some((i) => i.op === "store" && i.variable === variable && i !== reader)) continue;
      open.push(...all.flatMap((i) => (i.op === "load" && i.variable === variable ? [i.to] : [])));
    }
  }
  return found;
}

/** Whether something goes on behind the promise of a call, and that it is the call that fails. */
function startsTask(view: ProgramView, evaluation: Evaluation, call: Call): "yes" | "no" | "by type" | "ask" {
  const effect = evaluation.calls.get(call);
  if (!effect?.ends) return "no";
  const { targets, result } = effect;
  // Its own next run has the same `catch`, and is often left alone for that; a failure that is made here is meant.
  const isItself = targets.some((target) => target.kind === "function" && target.function === evaluation.key);
  if (isItself || isSettled(effect)) return "no";
  const isAsync =
    targets.length > 0 &&
    targets.every(
      (target) => target.kind === "function" && view.world.function(target.function)?.async === true,
    );
  if (isAsync) return result.kind === "promise" && result.rejects ? "yes" : "no";
  // What is not asynchronous itself may throw at once, which its caller catches; and so may what gives no promise.
  if (!evaluation.facts.async) return "no";
  if (result.kind === "promise") {
    if (!result.rejects) return "no";
    if (!result.sure) return "ask";
    return targets.every(({ kind }) => kind === "operation") ? "yes" : "by type";
  }
  return result.kind === "unknown" || (result.kind === "fresh" && isOpenResult(result)) ? "ask" : "no";
}

/** `readFile` of `node:fs/promises`: what such modules export is asynchronous itself. */
function isAsyncOfNode(callee: Value | undefined): boolean {
  return callee?.kind === "external" && isBuiltin(callee.module) && callee.module.endsWith("/promises");
}

/** Whether something else may fail where the task is started. */
function isOneOfMany(
  { facts, reached, calls, awaits }: Evaluation,
  handler: BlockId | undefined,
  own: readonly Call[],
): boolean {
  return facts.blocks.some(
    (block, index) =>
      reached[index] &&
      block.handler === handler &&
      (block.end.kind === "throw" ||
        block.code.some((i) => !own.includes(i as Call) && throwsIn(block, i, calls, awaits))),
  );
}

function worded(
  view: ProgramView,
  file: FilePath,
  { evaluation, call, root, handler, others, byType }: Candidate,
  failure: Failure,
): EscapedFailure {
  const facts = view.world.facts(file);
  const task = facts ? describeTemp(facts, evaluation.facts, call.callee) : "…";
  const [caught] = evaluation.facts.blocks[handler]?.code ?? [];
  return {
    task,
    others,
    byType,
    at: locationIn(file, call),
    trace: [
      { at: locationIn(file, root), what: `the promise of '${task}' is returned before it settles` },
      ...failure.steps,
      ...(caught
        ? [{ at: locationIn(file, caught), what: "this 'catch' never hears of it: its 'try' has been left" }]
        : []),
    ],
    fixes: evaluation.facts.async ? [insertAwait(locationIn(file, call), `Await '${task}'`, true)] : [],
  };
}
