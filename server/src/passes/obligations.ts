import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { type Birth, birthsIn, type Exploration, explore } from "../analysis/explore.ts";
import { describeTemp, isDropped, usesIn } from "../analysis/flow.ts";
import { resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import type { CallEffect, Target } from "../analysis/semantics.ts";
import { plain } from "../analysis/values.ts";
import type { Instruction } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";

// Is every obligation met? A started task has to be looked at, a lock has to be given back. The pass finds where
// obligations arise and follows them; rules say which of the open ones are mistakes.

type CallInstruction = Extract<Instruction, { readonly op: "call" | "new" }>;

/** A call that starts a task whose promise nothing looks at. */
export interface DroppedTask {
  /** The callee as written: `this.save`. */
  readonly callee: string;
  /** The name of the callee, to point at. */
  readonly at: Location;
  /** The whole call, for edits. */
  readonly call: Location;
  /** How we know that it starts a task. */
  readonly because: "async function" | "model" | "type";
  /** The function of the program that is called, when it is one. */
  readonly target?: Location;
  /** The function around it. */
  readonly function: FunctionKey;
  /** `await` may stand there. */
  readonly canAwait: boolean;
  /** It stands at the top of a module. */
  readonly atTopLevel: boolean;
  readonly isScriptLanguage: boolean;
}

/** A lock, permit or client that some path does not give back. */
export interface HeldTooLong {
  readonly birth: Birth;
  readonly exploration: Exploration;
  readonly evaluation: Evaluation;
  /** The resource as written: `this.mutex`. */
  readonly resource: string;
  readonly at: Location;
}

export interface Obligations {
  readonly droppedTasks: readonly DroppedTask[];
  readonly held: readonly HeldTooLong[];
}

export const obligations = definePass<Obligations>({
  id: "obligations",
  run: (view) => (file) => ({
    droppedTasks: view.attempt(file, "obligations", () => droppedTasksIn(view, file), []),
    held: view
      .functionsOf(file)
      .flatMap((key) => view.attempt(file, "obligations", () => heldIn(view, key), [])),
  }),
});

// --- tasks

interface Candidate {
  readonly task: Omit<DroppedTask, "because">;
  readonly because: DroppedTask["because"] | undefined;
  readonly node: NodeId;
}

function droppedTasksIn(view: ProgramView, file: FilePath): readonly DroppedTask[] {
  const candidates = view.functionsOf(file).flatMap((key) => candidatesIn(view, key));
  const linter = view.options.linterFor(file);
  // Another linter knows promises by their types, so here the types are asked where we would not need them.
  const open = candidates.filter((candidate) => candidate.because === undefined || linter !== undefined);
  const answers =
    open.length === 0
      ? []
      : view.types(
          file,
          open.map((candidate) => candidate.node),
        );
  const promises = new Set(
    open.filter((_, index) => {
      const answer = answers[index];
      return answer?.thenable === "always" && answer.promise;
    }),
  );
  return candidates.flatMap((candidate) => {
    const isPromise = promises.has(candidate);
    const because = candidate.because ?? (isPromise ? "type" : undefined);
    if (linter && isPromise && (linter.sees === "types" || because === "async function")) return [];
    return because === undefined ? [] : [{ ...candidate.task, because }];
  });
}

function candidatesIn(view: ProgramView, key: FunctionKey): Candidate[] {
  const { solution, world } = view;
  const { file } = parseKey(key);
  const evaluation = solution.evaluation(key);
  const facts = world.facts(file);
  if (!evaluation || !facts || evaluation.facts.imprecise !== undefined) return [];
  const uses = usesIn(evaluation.facts);
  const found = new Map<number, Candidate>();
  for (const [index, block] of evaluation.facts.blocks.entries()) {
    if (!evaluation.reached[index]) continue;
    for (const i of block.code) {
      if (i.op !== "call" || found.has(i.start) || !isDropped(uses, i.to)) continue;
      const effect = evaluation.calls.get(i);
      const verdict = effect ? startsTask(view, evaluation, i, effect) : "no";
      if (verdict === "no") continue;
      const callee = describeTemp(facts, evaluation.facts, i.callee);
      if (view.options.safeToDrop.includes(callee)) continue;
      const [definition] = uses.definitions(i.callee);
      const target = effect?.targets.find((one) => one.kind === "function");
      const declared = target?.kind === "function" ? nameLocation(view, target.function) : undefined;
      found.set(i.start, {
        node: i.node,
        because: verdict === "ask" ? undefined : verdict,
        task: {
          callee,
          at: locationIn(
            file,
            definition?.op === "closure" ? { start: i.start, end: i.start + 1 } : (definition ?? i),
          ),
          call: locationIn(file, i),
          ...(declared ? { target: declared } : {}),
          function: key,
          canAwait: evaluation.facts.async && (evaluation.facts.kind !== "module" || facts.module),
          atTopLevel: evaluation.facts.kind === "module",
          isScriptLanguage: facts.language === "javascript",
        },
      });
    }
  }
  return [...found.values()];
}

/** Whether a dropped call leaves a task behind; `ask` when only its type can say. */
function startsTask(
  view: ProgramView,
  evaluation: Evaluation,
  i: CallInstruction,
  effect: CallEffect,
): DroppedTask["because"] | "ask" | "no" {
  if (!effect.ends || isHandled(evaluation, i, 0)) return "no";
  const { result } = effect;
  // Its failure cannot come to light, because it does not fail.
  if (result.kind === "promise" && !result.rejects) return "no";
  if (result.kind === "promise" && result.sure) {
    const [target] = effect.targets;
    if (target?.kind === "operation" && isHarmless(target)) return "no";
    return target?.kind === "operation" ? "model" : target?.kind === "function" ? "async function" : "type";
  }
  if (effect.targets.every((target) => isSynchronous(view, target))) return "no";
  switch (result.kind) {
    case "nothing":
    case "constant":
    case "function":
    case "class":
    case "module":
    case "namespace":
    case "receiver":
      return "no";
    case "fresh":
      return result.made.type === "result" ? "ask" : "no";
    default:
      return "ask";
  }
}

function isHarmless(target: Extract<Target, { kind: "operation" }>): boolean {
  const { onFloatReject } = target.operation;
  return onFloatReject === "swallowed" || onFloatReject === "fine";
}

/** Known to give no promise. */
function isSynchronous(view: ProgramView, target: Target): boolean {
  switch (target.kind) {
    case "operation": {
      const { op, await: waits } = target.operation;
      return !waits && op !== "chain" && op !== "run" && op !== "settle" && op !== "join";
    }
    case "create":
      return true;
    case "function": {
      const facts = view.world.function(target.function);
      const type = facts && view.world.typeOf(parseKey(target.function).file, facts.returnType);
      return facts?.async !== true && type?.kind === "plain";
    }
    case "symbolic":
    case "unknown":
      return false;
  }
}

/** `.catch(handler)`, `.then(a, b)`, or `.finally(f)` behind one of them: whatever it is, somebody looks. */
function isHandled(evaluation: Evaluation, i: CallInstruction, depth: number): boolean {
  const uses = usesIn(evaluation.facts);
  const [callee] = uses.definitions(i.callee);
  if (callee?.op !== "get" || depth > 10) return false;
  switch (callee.name) {
    case "catch":
      return i.arguments.length > 0;
    case "then":
      return i.arguments.length > 1;
    case "finally": {
      const [receiver] = uses.definitions(callee.object);
      return receiver?.op === "call" && isHandled(evaluation, receiver, depth + 1);
    }
    default:
      return false;
  }
}

function nameLocation(view: ProgramView, key: FunctionKey): Location | undefined {
  const facts = view.world.function(key);
  return facts && locationIn(parseKey(key).file, { start: facts.start, end: facts.body.start });
}

// --- locks

function heldIn(view: ProgramView, key: FunctionKey): readonly HeldTooLong[] {
  const { solution, world } = view;
  const { file } = parseKey(key);
  const evaluation = solution.evaluation(key);
  const facts = world.facts(file);
  if (!evaluation || !facts || evaluation.facts.imprecise !== undefined) return [];
  return birthsIn(evaluation).map((birth) => ({
    birth,
    exploration: explore(solution, evaluation, birth),
    evaluation,
    resource: resourceName(view, plain(birth.handle.made.resource), locationIn(file, birth.instruction)),
    at: locationIn(file, birth.instruction),
  }));
}
