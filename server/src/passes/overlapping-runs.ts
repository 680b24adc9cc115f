import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { alwaysGivesPromise } from "../analysis/async-functions.ts";
import { type CallbackArgument, skipWhileRunning } from "../analysis/callback-fixes.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { isDropped, memberCalled, usesIn } from "../analysis/flow.ts";
import { createLongWaits, type LongWaits } from "../analysis/long-waits.ts";
import { isLock } from "../analysis/model-index.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import {
  type AccessReader,
  placeOf,
  placeRead,
  placesTested,
  placeWritten,
} from "../analysis/shared-places.ts";
import type { Instruction } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { isAwaitPoint, successors } from "../program/instructions.ts";

// Work that a timer starts again and again without asking whether the last run is over.

type Call = Extract<Instruction, { readonly op: "call" | "new" }>;

export interface OverlappingRuns {
  /** The name of `setInterval`, to point at. */
  readonly at: Location;
  readonly call: Location;
  /** In milliseconds, where it is written as a number. */
  readonly periodMs: number | undefined;
  /** What a run waits for, as written: `client.query`. */
  readonly wait: string;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const overlappingRuns = definePass<readonly OverlappingRuns[]>({
  id: "overlapping-runs",
  run(view) {
    const waits = createLongWaits(view);
    return (file) =>
      view
        .functionsOf(file)
        .flatMap((key) =>
          view.attempt(file, "overlapping-runs", () => overlapsIn(view, waits, file, key), []),
        );
  },
});

const maxDepth = 3;

function overlapsIn(
  view: ProgramView,
  waits: LongWaits,
  file: FilePath,
  key: FunctionKey,
): readonly OverlappingRuns[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation) return [];
  const found = new Map<number, OverlappingRuns>();
  for (const [index, block] of evaluation.facts.blocks.entries()) {
    if (!evaluation.reached[index]) continue;
    for (const call of block.code) {
      if (call.op !== "call" || found.has(call.start)) continue;
      const argument = repeated(evaluation, call);
      if (!argument) continue;
      const periodMs = numberAt(evaluation, call, argument.index + 1);
      const isAsync = alwaysGivesPromise(view, argument.callback);
      const wait = longRun(view, waits, argument.callback, isAsync, periodMs);
      if (!wait) continue;
      const [definition] = usesIn(evaluation.facts).definitions(call.callee);
      const at = locationIn(file, definition ?? call);
      const every = periodMs === undefined ? "again and again" : `every ${periodMs} ms`;
      const fix = skipWhileRunning(view, argument);
      found.set(call.start, {
        at,
        call: locationIn(file, call),
        periodMs,
        wait: wait.callee,
        trace: [
          { at, what: `a run is started here ${every}, whether the last one is over or not` },
          ...wait.steps,
        ],
        fixes: fix ? [fix] : [],
      });
    }
  }
  return [...found.values()];
}

/** The function that a call has run again and again by a clock: listeners are called when something happens. */
function repeated(evaluation: Evaluation, call: Call): CallbackArgument | undefined {
  const [target] = evaluation.calls.get(call)?.targets ?? [];
  if (target?.kind !== "operation" || target.model !== undefined) return undefined;
  const { op, when, fn } = target.operation;
  if (op !== "spawn" || when !== "repeatedly" || fn === undefined) return undefined;
  const temp = call.arguments[fn];
  const value = temp === undefined ? undefined : evaluation.values[temp];
  return value?.kind === "function" ? { evaluation, call, index: fn, callback: value.function } : undefined;
}

interface Run {
  readonly callee: string;
  readonly steps: readonly ReportedStep[];
}

/** What a run waits for that may take longer than the period; undefined when something keeps runs apart. */
function longRun(
  view: ProgramView,
  waits: LongWaits,
  key: FunctionKey,
  isAwaited: boolean,
  periodMs: number | undefined,
  depth = 0,
): Run | undefined {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || depth > maxDepth || keepsApart(view, evaluation, periodMs)) return undefined;
  const { file } = parseKey(key);
  for (const [index, block] of evaluation.facts.blocks.entries()) {
    if (!evaluation.reached[index]) continue;
    for (const i of block.code) {
      const own = i.op === "await" && !isOwn(evaluation, i.from) && waits.ofPromise(evaluation, i.from);
      if (own) return own;
      if (i.op !== "call") continue;
      for (const target of evaluation.calls.get(i)?.targets ?? []) {
        if (target.kind !== "function") continue;
        const inner = longRun(view, waits, target.function, isPromise(evaluation, i), periodMs, depth + 1);
        const what = "the run goes on in this call";
        if (inner) return { ...inner, steps: [{ at: locationIn(file, i), what }, ...inner.steps] };
      }
    }
    const given = block.end.kind === "return" && isAwaited ? block.end.value : undefined;
    if (given === undefined || evaluation.facts.async || isOwn(evaluation, given)) continue;
    const wait = waits.ofPromise(evaluation, given);
    if (wait) return wait;
  }
  return undefined;
}

/** What a call gives is a promise: it is known to be one, or somebody awaits it. */
function isPromise(evaluation: Evaluation, { to }: Call): boolean {
  const value = evaluation.values[to];
  const isSure = value?.kind === "promise" && value.sure;
  return (
    isSure ||
    usesIn(evaluation.facts)
      .readers(to)
      .some(({ op }) => op === "await")
  );
}

/** The promise of a function of the program, which is looked at by itself: that may keep runs apart. */
function isOwn(evaluation: Evaluation, promise: Call["to"]): boolean {
  const [definition] = usesIn(evaluation.facts).definitions(promise);
  const targets = (definition && evaluation.calls.get(definition)?.targets) || [];
  return targets.some((target) => target.kind === "function");
}

/**
 * Something before its first await tells a run that another one is under way: a test of shared state that the run itself
 * writes, a lock, the timer being stopped. Or no run takes longer than the period, or each takes its work out of a
 * shared place before it waits, so that no other run has the same.
 */
function keepsApart(view: ProgramView, evaluation: Evaluation, periodMs: number | undefined): boolean {
  const reader: AccessReader = { semantics: view.solution.semantics, evaluation };
  const tested = new Set<string>();
  const written = new Set<string>();
  for (const block of evaluation.facts.blocks) {
    for (const i of block.code) {
      const to = placeWritten(reader, i);
      if (to) written.add(to.id);
      if (i.op === "call" && (usesLock(evaluation, i) || isStop(evaluation, i))) return true;
      if (i.op === "call" && limitsItself(evaluation, i, periodMs)) return true;
      if (i.op === "call" && i.receiver !== undefined) {
        // A set of keys under way: `running.add(key)`.
        const place = placeOf(reader, i.receiver);
        const [callee] = usesIn(evaluation.facts).definitions(i.callee);
        if (place && callee?.op === "get" && /^(?:add|set|delete)$/.test(callee.name)) written.add(place.id);
      }
    }
  }
  for (const id of testedFirst(evaluation, reader)) tested.add(id);
  return [...tested].some((id) => written.has(id)) || takesItsShare(evaluation, reader);
}

/** Methods that take out of a list or map what they give. */
const taking: ReadonlySet<string> = new Set(["splice", "shift", "pop"]);

/** `queue.splice(0)`, or `const batch = queue; queue = []`, where the function begins. */
function takesItsShare(evaluation: Evaluation, reader: AccessReader): boolean {
  const read = new Set<string>();
  for (const i of beforeWaiting(evaluation)) {
    const from = placeRead(reader, i);
    if (from) read.add(from.id);
    const to = placeWritten(reader, i);
    if (to && read.has(to.id) && (i.op === "store" || i.op === "set") && isEmpty(evaluation, i.from))
      return true;
    if (i.op !== "call" || i.receiver === undefined || !placeOf(reader, i.receiver)) continue;
    const name = memberCalled(evaluation.facts, i);
    if (name !== undefined && taking.has(name) && !isDropped(usesIn(evaluation.facts), i.to)) return true;
  }
  return false;
}

/** A new list, map, set or object without anything in it. */
function isEmpty(evaluation: Evaluation, temp: Call["to"]): boolean {
  const [made] = usesIn(evaluation.facts).definitions(temp);
  switch (made?.op) {
    case "array":
      return made.elements.length === 0;
    case "object":
      return made.parts.length === 0;
    case "new":
      return made.arguments.length === 0;
    default:
      return false;
  }
}

/** What runs, or may run, before the first await. */
function beforeWaiting({ facts }: Evaluation): readonly Instruction[] {
  const found: Instruction[] = [];
  const seen = new Set<number>();
  const open = [0];
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    const block = facts.blocks[id];
    if (!block || seen.has(id)) continue;
    seen.add(id);
    const stop = block.code.findIndex(isAwaitPoint);
    found.push(...(stop < 0 ? block.code : block.code.slice(0, stop)));
    if (stop < 0) open.push(...successors(block.end));
  }
  return found;
}

/** The shared places that branches before the first await read. */
function testedFirst(evaluation: Evaluation, reader: AccessReader): readonly string[] {
  const { blocks } = evaluation.facts;
  const found: string[] = [];
  const seen = new Set<number>();
  const open = [0];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const block = blocks[id];
    if (!block || seen.has(id)) continue;
    seen.add(id);
    const isFirst = !block.code.some(isAwaitPoint);
    if (block.end.kind !== "branch" || !isFirst) {
      if (isFirst && block.end.kind === "goto") open.push(block.end.to);
      if (isFirst && block.handler !== undefined) open.push(block.handler);
      continue;
    }
    found.push(...placesTested(reader, block.end.test).map(({ id: place }) => place));
    open.push(block.end.yes, block.end.no);
  }
  return found;
}

function usesLock(evaluation: Evaluation, call: Call): boolean {
  return (evaluation.calls.get(call)?.targets ?? []).some(
    (target) => target.kind === "operation" && target.model !== undefined && isLock(target.model),
  );
}

/** The timer is stopped by its own run. */
function isStop(evaluation: Evaluation, call: Call): boolean {
  return (evaluation.calls.get(call)?.targets ?? []).some(
    (target) => target.kind === "operation" && target.name === "clearInterval",
  );
}

/** A literal time limit that is no longer than the period: `AbortSignal.timeout(500)`, `{ timeout: 500 }`. */
function limitsItself(evaluation: Evaluation, call: Call, periodMs: number | undefined): boolean {
  const callee = evaluation.values[call.callee];
  const isSignal = callee?.kind === "global" && callee.path.join(".") === "AbortSignal.timeout";
  const limits = [
    ...(isSignal ? [numberAt(evaluation, call, 0)] : []),
    ...call.arguments.map((temp) => optionOf(evaluation, temp)),
  ];
  return limits.some((limit) => limit !== undefined && (periodMs === undefined || limit <= periodMs));
}

function optionOf(evaluation: Evaluation, temp: Call["to"]): number | undefined {
  const value = evaluation.values[temp];
  if (value?.kind !== "fresh" || value.made.type !== "object") return undefined;
  const { properties } = value.made;
  const option = properties.get("timeout") ?? properties.get("timeoutMs");
  return option?.kind === "constant" && option.constant.type === "number" ? option.constant.value : undefined;
}

function numberAt(evaluation: Evaluation, call: Call, index: number): number | undefined {
  const temp = call.arguments[index];
  return temp === undefined ? undefined : product(evaluation, temp);
}

/** `5 * 60 * 1000` */
function product(evaluation: Evaluation, temp: Call["to"], depth = 0): number | undefined {
  const value = evaluation.values[temp];
  if (value?.kind === "constant") return value.constant.type === "number" ? value.constant.value : undefined;
  const [i, other] = usesIn(evaluation.facts).definitions(temp);
  if (i?.op !== "binary" || i.operator !== "*" || other || depth > 5) return undefined;
  const left = product(evaluation, i.left, depth + 1);
  const right = product(evaluation, i.right, depth + 1);
  return left === undefined || right === undefined ? undefined : left * right;
}
