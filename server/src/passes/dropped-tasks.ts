import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import { createBrowserFiles } from "../analysis/browser-files.ts";
import { isGivenErrorCallback } from "../analysis/error-callbacks.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { createFailures, type Failure, type FailureOfCall, nothingShown } from "../analysis/failures.ts";
import {
  describeTemp,
  handlesFailure,
  isDropped,
  memberCalled,
  type Uses,
  usesIn,
} from "../analysis/flow.ts";
import { isLock } from "../analysis/model-index.ts";
import { changesListeners } from "../analysis/one-shot-events.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { filesWithRejectionListener } from "../analysis/rejection-listeners.ts";
import type { CallEffect, Target } from "../analysis/semantics.ts";
import { initialStore } from "../analysis/shared-places.ts";
import { isOpenResult, type Value } from "../analysis/values.ts";
import type { Instruction, Temp } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";
import { droppedReleases } from "./dropped-releases.ts";

// Is every started task looked at? Of the five questions this is the part of "obligations" that asks TypeScript for
// types, so it is a pass of its own: where nobody wants its findings it is not run.

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
  /** How it comes to fail, as far as that can be seen. */
  readonly failure: Failure;
  /** Who hears of a failure: nobody, so that Node ends the process; a listener of the program; the browser's console. */
  readonly whoSees: "nobody" | "listener" | "browser";
  /** The function around it. */
  readonly function: FunctionKey;
  /** `await` may stand there. */
  readonly canAwait: boolean;
  /** It stands at the top of a module. */
  readonly atTopLevel: boolean;
  /** `void save()`: nobody is meant to wait, which handles no failure. */
  readonly voided: boolean;
  readonly isScriptLanguage: boolean;
}

export const droppedTasks = definePass<readonly DroppedTask[]>({
  id: "dropped-tasks",
  run(view, resultOf) {
    const failureOf = createFailures(view);
    const whoSees = whoSeesFailures(view);
    return (file) => {
      // A release that nothing waits for is the matter of a rule of its own.
      const releases = new Set(resultOf(droppedReleases, file).map(({ at }) => at.start));
      const tasks = droppedTasksIn(view, file, failureOf, whoSees(file));
      return tasks.filter(({ call }) => !releases.has(call.start));
    };
  },
});

/** Who hears of a failure that has no handler, by file. */
export function whoSeesFailures(view: ProgramView): (file: FilePath) => DroppedTask["whoSees"] {
  const listened = filesWithRejectionListener(view);
  const isForBrowsers = createBrowserFiles(view);
  return (file) => (listened.has(file) ? "listener" : isForBrowsers(file) ? "browser" : "nobody");
}

interface Candidate {
  readonly task: Omit<DroppedTask, "because" | "failure" | "whoSees">;
  readonly evaluation: Evaluation;
  readonly instruction: CallInstruction;
  readonly because: DroppedTask["because"] | undefined;
  readonly node: NodeId;
  /** The name of the method that is called. */
  readonly method: NodeId | undefined;
}

function droppedTasksIn(
  view: ProgramView,
  file: FilePath,
  failureOf: FailureOfCall,
  whoSees: DroppedTask["whoSees"],
): readonly DroppedTask[] {
  const candidates = view.functionsOf(file).flatMap((key) => candidatesIn(view, key));
  const linter = view.options.linterFor(file, "floating");
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
  const hidden = hiddenIn(view, file, promises);
  return candidates.flatMap((candidate) => {
    const isPromise = promises.has(candidate);
    const because = candidate.because ?? (isPromise ? "type" : undefined);
    if (because === undefined) return [];
    const { voided, atTopLevel } = candidate.task;
    // Linters are content with `void`.
    if (!voided && linter && isPromise && (linter.sees === "types" || because === "async function"))
      return [];
    const { evaluation, instruction } = candidate;
    const failure = hidden.has(candidate) ? nothingShown : failureOf(evaluation, instruction);
    if (voided && (!failure.shown || whoSees !== "nobody" || atTopLevel)) return [];
    return [{ ...candidate.task, because, failure, whoSees }];
  });
}

/**
 * The calls of methods whose code is in the program, behind declarations that stand beside it (`broker.d.ts` beside
 * `broker.js`): nothing is seen of how they fail, and they may well catch what does.
 */
function hiddenIn(
  { world, symbols }: ProgramView,
  file: FilePath,
  candidates: Iterable<Candidate>,
): ReadonlySet<Candidate> {
  const asked = [...candidates].flatMap((candidate) =>
    candidate.because === undefined && candidate.method !== undefined
      ? [{ candidate, node: candidate.method }]
      : [],
  );
  if (asked.length === 0) return new Set();
  const answers = symbols(
    file,
    asked.map(({ node }) => node),
  );
  const isHidden = (index: number) => {
    const symbol = answers[index];
    const [, base, kind = ""] =
      symbol?.kind === "declared" ? (/^(.*)\.d\.([cm]?)ts$/.exec(symbol.file) ?? []) : [];
    return base !== undefined && world.facts(`${base}.${kind}js`) !== undefined;
  };
  return new Set(asked.flatMap(({ candidate }, index) => (isHidden(index) ? candidate : [])));
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
      if (i.op !== "call" || found.has(i.start)) continue;
      const voided = isVoided(uses, i.to);
      if (!voided && !isDropped(uses, i.to)) continue;
      const effect = evaluation.calls.get(i);
      const verdict = effect ? startsTask(view, evaluation, i, effect) : "no";
      if (verdict === "no" || goesIntoBatch(view, evaluation, i)) continue;
      const callee = describeTemp(facts, evaluation.facts, i.callee);
      if (view.options.safeToDrop.includes(callee)) continue;
      const [definition] = uses.definitions(i.callee);
      found.set(i.start, {
        node: i.node,
        method: definition?.op === "get" ? definition.node : undefined,
        evaluation,
        instruction: i,
        because: verdict === "ask" ? undefined : verdict,
        task: {
          callee,
          at: locationIn(
            file,
            definition?.op === "closure" ? { start: i.start, end: i.start + 1 } : (definition ?? i),
          ),
          call: locationIn(file, i),
          function: key,
          canAwait: evaluation.facts.async && (evaluation.facts.kind !== "module" || facts.module),
          atTopLevel: evaluation.facts.kind === "module",
          voided,
          isScriptLanguage: facts.language === "javascript",
        },
      });
    }
  }
  return [...found.values()];
}

/** The one thing that is done with a value is to say that it is not wanted. */
function isVoided(uses: Uses, temp: Temp): boolean {
  const [reader, ...others] = uses.readers(temp);
  return (
    reader?.op === "unary" && reader.operator === "void" && others.length === 0 && isDropped(uses, reader.to)
  );
}

/** Methods that carry out what a batch has collected. */
const carryingOut: ReadonlySet<string> = new Set(["exec", "execute", "commit", "flush"]);

/**
 * `add(pipeline, job)` in front of `await pipeline.exec()`: what the task asks for is put into a batch of this function,
 * which has the results and the failures.
 */
function goesIntoBatch(view: ProgramView, { key, facts }: Evaluation, task: CallInstruction): boolean {
  const uses = usesIn(facts);
  const { file, id } = parseKey(key);
  const variables = view.world.facts(file)?.variables;
  const batches = task.arguments.flatMap((temp) => {
    const [load] = uses.definitions(temp);
    const variable = load?.op === "load" ? variables?.[load.variable] : undefined;
    if (load?.op !== "load" || variable?.function !== id || variable.assignments > 0) return [];
    const made = initialStore(facts, load.variable);
    return made !== undefined && uses.definitions(made).some(({ op }) => op === "call")
      ? [load.variable]
      : [];
  });
  if (batches.length === 0) return false;
  return facts.blocks.some(({ code }) =>
    code.some((i) => {
      if (i.op !== "call" || i.start < task.end || i.receiver === undefined || isDropped(uses, i.to))
        return false;
      const [load] = uses.definitions(i.receiver);
      return (
        load?.op === "load" &&
        batches.includes(load.variable) &&
        carryingOut.has(memberCalled(facts, i) ?? "")
      );
    }),
  );
}

/** Whether a call leaves a task behind that may fail and is nobody's yet; `ask` when only its type can say. */
export function startsTask(
  view: ProgramView,
  evaluation: Evaluation,
  i: CallInstruction,
  effect: CallEffect,
): DroppedTask["because"] | "ask" | "no" {
  if (!effect.ends || isHandled(evaluation, i)) return "no";
  const { result } = effect;
  // A lock that nobody waits for is the matter of a rule of its own.
  if (result.kind === "promise" && isHold(result.of)) return "no";
  if (givesBackWhatItHas(evaluation, i, effect)) return "no";
  if (tellsCallback(view, evaluation, i, effect)) return "no";
  // Its failure cannot come to light, because it does not fail.
  if (result.kind === "promise" && !result.rejects) return "no";
  if (result.kind === "promise" && result.sure) {
    const [target] = effect.targets;
    if (target?.kind === "operation" && isHarmless(target)) return "no";
    return target?.kind === "operation" ? "model" : target?.kind === "function" ? "async function" : "type";
  }
  if (effect.targets.every((target) => isSynchronous(view, target))) return "no";
  if (changesListeners(evaluation.facts, i)) return "no";
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
      return isOpenResult(result) ? "ask" : "no";
    default:
      return "ask";
  }
}

/** `Object.assign(task, { cancel })`: a promise that was there before, and that its variable still has. */
function givesBackWhatItHas({ facts }: Evaluation, i: CallInstruction, { targets }: CallEffect): boolean {
  return targets.some((target) => {
    if (target.kind !== "operation" || target.operation.returns !== "this") return false;
    const at = target.operation.receiver;
    const given = at === undefined ? undefined : i.arguments[at];
    return (
      given !== undefined &&
      usesIn(facts)
        .definitions(given)
        .every(({ op }) => op !== "call")
    );
  });
}

/** Code that we do not see, or that is not asynchronous, is given a callback for what it comes to. */
function tellsCallback(
  { world }: ProgramView,
  evaluation: Evaluation,
  i: CallInstruction,
  { targets }: CallEffect,
): boolean {
  const mayTell = targets.every(
    (target) =>
      target.kind === "unknown" ||
      target.kind === "symbolic" ||
      (target.kind === "function" && world.function(target.function)?.async === false),
  );
  return mayTell && isGivenErrorCallback(world, evaluation, i);
}

/** The right to release a lock. */
function isHold(value: Value): boolean {
  return value.kind === "fresh" && value.made.type === "handle" && isLock(value.made.model);
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

/** It is, or stands with `.finally(f)` behind, what handles a failure. */
function isHandled({ facts }: Evaluation, i: CallInstruction): boolean {
  let at: Instruction | undefined = i;
  for (let depth = 0; depth < 10 && at?.op === "call"; depth += 1) {
    if (handlesFailure(facts, at)) return true;
    if (memberCalled(facts, at) !== "finally" || at.receiver === undefined) return false;
    [at] = usesIn(facts).definitions(at.receiver);
  }
  return false;
}
