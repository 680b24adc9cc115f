import type { OperationName } from "@unknot/models/model.ts";
import { locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { type Context, type Contexts, loopBlocks } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { opOf } from "../analysis/model-index.ts";
import { functionAround, resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { plain, type Value } from "../analysis/values.ts";
import { alwaysPasses, type Failure, placeIn, reaches, type Way, walk } from "../analysis/walk.ts";
import type { Instruction, Range } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { isAwaitPoint } from "../program/instructions.ts";
import { stepText } from "./leaks.ts";
import { defineOwnedPass, type OwnedResource } from "./owned-resources.ts";

/** A wait group whose count goes wrong. */
export interface GroupMisuse {
  /** As written: `group`. */
  readonly group: string;
  readonly what: "counted too late" | "not counted down" | "counted down twice";
  readonly at: Location;
  /** It happens on every way, or on one that is no failure. */
  readonly isCertain: boolean;
  readonly trace: readonly ReportedStep[];
}

export const waitGroups = defineOwnedPass<GroupMisuse>("wait-groups", "waitgroup", misusesOf);

/** A function that the owner of a group starts and does not wait for. */
interface Task {
  readonly evaluation: Evaluation;
  readonly start: Instruction;
  /** What the group is called inside. */
  readonly resource: Value;
  /** It begins in a later turn. */
  readonly isLater: boolean;
}

function misusesOf(
  view: ProgramView,
  owned: OwnedResource,
  contextsOf: () => Contexts,
): readonly GroupMisuse[] {
  const owner = view.solution.evaluation(owned.resource.site.function);
  if (!owner || owner.facts.imprecise !== undefined) return [];
  const opsOf = (op: OperationName) => owned.uses.filter((use) => opOf(use) === op);
  const counts = opsOf("add").filter((use) => use.by === owner.key && use.via.length === 0);
  if (opsOf("wait").length === 0) return [];
  const tasks = tasksOf(view, owned, owner, contextsOf());
  // While one that the owner has counted is not done, a task may count more.
  if (counts.length === 0) return tasks.flatMap((task) => late(view, owner, task));
  // Where several functions count down, one may do it for another: `task().catch(() => group.done())`.
  const isOnly = new Set(opsOf("done").map(({ at }) => functionAround(view, at))).size === 1;
  return tasks.flatMap((task) => [
    ...(isOnly ? [...missing(view, task), ...missingOnFailure(view, owner, task)] : []),
    ...twice(view, owner, task),
  ]);
}

/** The functions that count, below what the owner starts. */
function tasksOf(
  view: ProgramView,
  owned: OwnedResource,
  owner: Evaluation,
  contexts: Contexts,
): readonly Task[] {
  const found = new Map<FunctionKey, Task>();
  for (const use of owned.uses) {
    const key = functionAround(view, use.at);
    const evaluation = key && view.solution.evaluation(key);
    if (!evaluation || key === owner.key || found.has(key)) continue;
    const { facts, uses } = evaluation;
    const own = uses.find(({ at, via }) => via.length === 0 && at.start === use.at.start);
    const context = startOf(view, key, owner, contexts);
    if (!own || !context?.instruction || facts.imprecise !== undefined || facts.generator) continue;
    const isLater = isSpawned(owner, context);
    found.set(key, { evaluation, start: context.instruction, resource: plain(own.resource), isLater });
  }
  return [...found.values()];
}

const maxCalls = 4;

/** How the owner starts a function, by calls that are waited for and always made. */
function startOf(
  view: ProgramView,
  key: FunctionKey,
  owner: Evaluation,
  contexts: Contexts,
): Context | undefined {
  let at = key;
  for (let calls = 0; calls < maxCalls; calls += 1) {
    const known = contexts.of(at);
    const start = known.find((context) => context.caller === owner.key && !context.awaited);
    const [only] = known;
    if (start || !only || known.length > 1) return start;
    const { caller, instruction, awaited } = only;
    const around = caller && view.solution.evaluation(caller);
    if (!around || !awaited || !alwaysPasses(around, undefined, (i) => i === instruction)) return undefined;
    at = caller;
  }
  return undefined;
}

function isSpawned({ calls }: Evaluation, { instruction }: Context): boolean {
  const targets = instruction ? (calls.get(instruction)?.targets ?? []) : [];
  return targets.some((target) => target.kind === "operation" && target.operation.op === "spawn");
}

/** What a task does to the group itself. */
function doing({ evaluation, resource }: Task, op: OperationName): (i: Instruction) => boolean {
  const found = new Set(
    [...evaluation.calls].flatMap(([i, { targets }]) =>
      targets.some(
        (target) =>
          target.kind === "operation" &&
          target.operation.op === op &&
          target.resource !== undefined &&
          plain(target.resource) === resource,
      )
        ? [i]
        : [],
    ),
  );
  return (i) => found.has(i);
}

/** Counted by the task itself after it has waited: whoever waits for the group may be through by then. */
function late(view: ProgramView, owner: Evaluation, task: Task): readonly GroupMisuse[] {
  const { evaluation } = task;
  const { facts } = evaluation;
  const isAdd = doing(task, "add");
  const add = facts.blocks.flatMap(({ code }) => code).find(isAdd);
  if (!add) return [];
  let isLate = task.isLater;
  walk(evaluation, undefined, (i) => {
    if (isAwaitPoint(i) && reaches(facts, i, add)) isLate = true;
    return isAdd(i) || isAwaitPoint(i) ? "stop" : "go";
  });
  if (!isLate) return [];
  const at = locationIn(parseKey(evaluation.key).file, add);
  const group = resourceName(view, task.resource, at);
  return [
    {
      group,
      what: "counted too late",
      at,
      isCertain: alwaysPasses(evaluation, undefined, isAdd),
      trace: [
        startStep(task, owner),
        { at, what: `'${group}' hears of it only here: whoever waits for it may be through` },
      ],
    },
  ];
}

/** `load().then(() => group.done())`: when it fails, nobody counts down. */
function missingOnFailure(view: ProgramView, owner: Evaluation, task: Task): readonly GroupMisuse[] {
  const effect = owner.calls.get(task.start);
  const [target] = effect?.targets ?? [];
  if (!effect || target?.kind !== "operation" || target.operation.op !== "chain") return [];
  const { operation, resource } = target;
  const [fulfilled, rejected] = [operation.fulfilled, operation.rejected].map((index) =>
    index === undefined ? undefined : effect.arguments[index],
  );
  const isOwn = fulfilled?.kind === "function" && fulfilled.function === task.evaluation.key;
  if (!isOwn || rejected !== undefined || resource?.kind !== "promise" || !resource.rejects) return [];
  const done = task.evaluation.facts.blocks.flatMap(({ code }) => code).find(doing(task, "done"));
  if (!done) return [];
  const at = locationIn(parseKey(owner.key).file, task.start);
  const inner = locationIn(parseKey(task.evaluation.key).file, done);
  const group = resourceName(view, task.resource, inner);
  return [
    {
      group,
      what: "not counted down",
      at,
      isCertain: false,
      trace: [
        { at, what: "the task may fail, and nothing runs then" },
        { at: inner, what: `'${group}' is counted down only here` },
      ],
    },
  ];
}

/** A way through the task that does not count down. */
function missing(view: ProgramView, task: Task): readonly GroupMisuse[] {
  const { evaluation } = task;
  const isDone = doing(task, "done");
  if (!evaluation.facts.async) return [];
  const done = evaluation.facts.blocks.flatMap(({ code }) => code).find(isDone);
  // It is done elsewhere, or later: in a callback of its own.
  if (!done || handsOn(task)) return [];
  // A task that counts down in each round does not stand for one count: it takes them from a queue.
  const place = placeIn(evaluation.facts, done);
  if (place && loopBlocks(evaluation.facts).has(place.block)) return [];
  const { ends, failures, isCut } = walk(evaluation, undefined, (i) => (isDone(i) ? "stop" : "go"), "stay");
  const [end] = ends;
  const failure = failures.find((one) => isExpected(evaluation, one));
  if (isCut || (!end && !failure)) return [];
  const { file } = parseKey(evaluation.key);
  const group = resourceName(view, task.resource, locationIn(file, done));
  const steps = stepsOf(file, end ?? failure?.way);
  const at = end
    ? (steps.at(-1)?.at ?? locationIn(file, done))
    : locationIn(file, failure ? originOf(evaluation, failure) : done);
  return [
    {
      group,
      what: "not counted down",
      at,
      isCertain: end !== undefined,
      trace: [
        ...steps,
        ...(end ? [] : [{ at, what: "this may fail, and the task ends here then" }]),
        { at: locationIn(file, done), what: `'${group}' is counted down only here` },
      ],
    },
  ];
}

/** A promise that rejects, a `throw`, a function that is seen to throw; not every call that might. */
function isExpected(evaluation: Evaluation, failure: Failure): boolean {
  const { facts, calls } = evaluation;
  const at = originOf(evaluation, failure);
  const instruction = facts.blocks.flatMap(({ code }) => code).find((i) => i === at);
  if (instruction === undefined || isAwaitPoint(instruction)) return true;
  const targets = calls.get(instruction)?.targets ?? [];
  return targets.some((target) => target.kind === "function" && target.summary.throws);
}

/** The call or await that failed, where a handler passes that on. */
function originOf(evaluation: Evaluation, { instruction, at, way }: Failure): Range {
  if (instruction) return instruction;
  const code = new Set<Range>(evaluation.facts.blocks.flatMap((block) => block.code));
  return way.steps.findLast((step) => step.what === "throws" && code.has(step.at))?.at ?? at;
}

/** The group, or something that counts it down, goes to a callback or to other functions. */
function handsOn({ evaluation, resource }: Task): boolean {
  return (
    evaluation.escapes.includes(resource) ||
    evaluation.uses.some((use) => use.via.length > 0 && plain(use.resource) === resource) ||
    [...evaluation.calls.values()].some(({ arguments: given }) =>
      given.some((value) => value.kind === "function"),
    )
  );
}

/** Two counts down on one way of a task that was counted once. */
function twice(view: ProgramView, owner: Evaluation, task: Task): readonly GroupMisuse[] {
  const { evaluation } = task;
  const isDone = doing(task, "done");
  const loops = loopBlocks(evaluation.facts);
  const all = evaluation.facts.blocks.flatMap(({ code }) => code.filter(isDone));
  if (all.length < 2 || countsSeveral(owner, task)) return [];
  for (const first of all) {
    let found: { readonly second: Instruction; readonly way: Way } | undefined;
    walk(evaluation, first, (i, way) => {
      if (!isDone(i)) return "go";
      const place = placeIn(evaluation.facts, i);
      const isSure = way.steps.every(({ what }) => what !== "taken" && what !== "skipped");
      if (i !== first && isSure && !(place && loops.has(place.block))) found ??= { second: i, way };
      return "stop";
    });
    if (!found) continue;
    const { file } = parseKey(evaluation.key);
    const at = locationIn(file, found.second);
    const group = resourceName(view, task.resource, at);
    return [
      {
        group,
        what: "counted down twice",
        at,
        isCertain: found.way.steps.length === 0,
        trace: [
          { at: locationIn(file, first), what: `'${group}' is counted down here` },
          ...stepsOf(file, found.way),
          { at, what: "and here again" },
        ],
      },
    ];
  }
  return [];
}

/** `group.add(2)`: a number that the owner gives, or a count of the task's own. */
function countsSeveral(owner: Evaluation, task: Task): boolean {
  const isAdd = doing(task, "add");
  const inside = task.evaluation.facts.blocks.some(({ code }) => code.some(isAdd));
  return (
    inside ||
    [...owner.calls].some(
      ([i, { targets }]) =>
        i.op === "call" &&
        i.arguments.length > 0 &&
        targets.some((target) => target.kind === "operation" && target.operation.op === "add"),
    )
  );
}

function startStep({ start }: Task, owner: Evaluation): ReportedStep {
  return { at: locationIn(parseKey(owner.key).file, start), what: "the task is started here" };
}

function stepsOf(file: FilePath, way: Way | undefined): readonly ReportedStep[] {
  return (way?.steps ?? []).map((step) => ({ at: locationIn(file, step.at), what: stepText[step.what] }));
}
