import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { exploreBehind, type Release } from "../analysis/explore.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { insertAwait } from "../analysis/fixes.ts";
import { describeTemp, usesIn } from "../analysis/flow.ts";
import { isLock } from "../analysis/model-index.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { initialStore } from "../analysis/shared-places.ts";
import { loadsOf } from "../analysis/task-life.ts";
import { alternatives, isOpenResult, plain, type Value } from "../analysis/values.ts";
import type { Instruction, Temp } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { calleeOf } from "./leaks.ts";
import { type HeldTooLong, obligations } from "./obligations.ts";

/** A task started under a lock or with a client, whose promise is returned while `finally` gives that back. */
export interface ReturnBeforeRelease {
  readonly of: "lock" | "client";
  readonly resource: string;
  /** The task as written: `this.save`. */
  readonly task: string;
  /** A callback that may be synchronous, too. */
  readonly mayBeOver: boolean;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const returnsBeforeRelease = definePass<readonly ReturnBeforeRelease[]>({
  id: "returns-before-release",
  run: (view, resultOf) => (file) => {
    const found = resultOf(obligations, file).held.flatMap((held) =>
      view.attempt(file, "returns-before-release", () => candidatesOf(view, held), []),
    );
    const promises = promisesAmong(view, file, found);
    return found.flatMap((one) => {
      const isPromise = promises.get(one);
      return isPromise ? [worded(view, one, isPromise === "sometimes")] : [];
    });
  },
});

type Call = Extract<Instruction, { readonly op: "call" }>;

interface Candidate {
  readonly held: HeldTooLong;
  readonly of: ReturnBeforeRelease["of"];
  readonly call: Call;
  readonly release: Release;
  /** Whether it gives a promise only its type can say. */
  readonly ask: boolean;
}

function candidatesOf(view: ProgramView, held: HeldTooLong): readonly Candidate[] {
  const { exploration, evaluation, birth } = held;
  const { model } = birth.handle.made;
  const of = isLock(model) ? "lock" : model.kind === "pool" ? "client" : undefined;
  if (of === undefined) return [];
  const found = new Map<Call, Candidate>();
  for (const release of exploration.releases) {
    const isAtEnd =
      release.instruction.op === "dispose" || evaluation.facts.blocks[release.state.block]?.cleanup;
    if (!isAtEnd) continue;
    const behind = exploreBehind(view.solution, evaluation, birth, release);
    for (const calls of behind.returned.flatMap((value) => returnedStarts(evaluation, value))) {
      const [call] = calls;
      const root = calls.at(-1);
      if (!call || !root || found.has(call) || !exploration.held.has(root) || behind.held.has(root)) continue;
      const starts = startsWork(view, held, root);
      if (starts === "no" || (of === "client" && !calls.some((one) => usesClient(held, one)))) continue;
      found.set(call, { held, of, call, release, ask: starts === "ask" });
    }
  }
  return [...found.values()];
}

/** Awaits something itself, or returns the promise of a function that does. */
export function mayWait(view: ProgramView, key: FunctionKey, depth: number): boolean {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || depth > 3) return false;
  if (evaluation.awaits.size > 0) return true;
  return evaluation.facts.blocks.some(({ end }) => {
    const call = end.kind === "return" && end.value !== undefined && startOf(evaluation, end.value);
    const targets = (call && evaluation.calls.get(call)?.targets) || [];
    return targets.some((target) => target.kind === "function" && mayWait(view, target.function, depth + 1));
  });
}

/** The call whose result is returned as it is. */
export function startOf(evaluation: Evaluation, value: Temp, depth = 0): Call | undefined {
  const [definition, ...others] = usesIn(evaluation.facts).definitions(value);
  if (others.length > 0 || depth > 5) return undefined;
  if (definition?.op === "move") return startOf(evaluation, definition.from, depth + 1);
  return definition?.op === "call" ? definition : undefined;
}

/**
 * The calls whose promises a value is made of, if nothing in the function waits for them: each with those that it is
 * chained behind, the last of which starts the work. `save().then(log)`, `Promise.all([save(), load()])`.
 */
export function returnedStarts(evaluation: Evaluation, value: Temp, depth = 0): readonly (readonly Call[])[] {
  const { facts, calls } = evaluation;
  const uses = usesIn(facts);
  if (depth > 8) return [];
  return uses.definitions(value).flatMap((i) => {
    switch (i.op) {
      case "move":
        return returnedStarts(evaluation, i.from, depth + 1);
      case "load": {
        const stored = initialStore(facts, i.variable);
        const isAlone = loadsOf(facts, [i.variable]).every((temp) =>
          uses.readers(temp).every(({ op }) => op === "move" || op === "call"),
        );
        return stored === undefined || !isAlone ? [] : returnedStarts(evaluation, stored, depth + 1);
      }
      case "array":
        return i.elements.flatMap((one) => (one === null ? [] : returnedStarts(evaluation, one, depth + 1)));
      case "call": {
        const [target] = calls.get(i)?.targets ?? [];
        const op = target?.kind === "operation" ? target.operation.op : undefined;
        if (op === "join") {
          const list = i.arguments[target?.kind === "operation" ? (target.operation.promises ?? 0) : 0];
          const joined = list === undefined ? [] : returnedStarts(evaluation, list, depth + 1);
          return joined.map((one) => [i, ...one]);
        }
        if (op !== "chain" || i.receiver === undefined) return [[i]];
        const before = returnedStarts(evaluation, i.receiver, depth + 1);
        return before.length === 0 ? [[i]] : before.map((one) => [i, ...one]);
      }
      default:
        return [];
    }
  });
}

/** Whether something goes on behind the promise of a call. What models describe has rules of its own. */
function startsWork(view: ProgramView, { evaluation }: HeldTooLong, call: Call): "yes" | "no" | "ask" {
  const effect = evaluation.calls.get(call);
  if (!effect) return "no";
  const { targets, result } = effect;
  if (targets.some(({ kind }) => kind === "operation" || kind === "create")) return "no";
  const functions = targets.flatMap((target) => (target.kind === "function" ? [target] : []));
  if (functions.length === targets.length && functions.length > 0) {
    // What has no await in it is over when it returns.
    const waits = functions.every((target) => mayWait(view, target.function, 0));
    return waits && result.kind === "promise" && result.sure ? "yes" : "no";
  }
  if (result.kind === "promise" && !result.sure) {
    // `callback: () => T | Promise<T>`: whoever passes it may start work with it.
    return targets.every(({ kind }) => kind === "symbolic") ? "ask" : "no";
  }
  if (result.kind === "promise") return "yes";
  return result.kind === "unknown" || (result.kind === "fresh" && isOpenResult(result)) ? "ask" : "no";
}

function usesClient({ evaluation, birth }: HeldTooLong, call: Call): boolean {
  const isClient = (temp: Temp) =>
    alternatives(evaluation.values[temp] as Value).some((part) => plain(part) === birth.handle);
  return (call.receiver !== undefined && isClient(call.receiver)) || call.arguments.some(isClient);
}

function promisesAmong(
  view: ProgramView,
  file: FilePath,
  found: readonly Candidate[],
): ReadonlyMap<Candidate, "always" | "sometimes"> {
  const open = found.filter(({ ask }) => ask);
  const answers =
    open.length === 0
      ? []
      : view.types(
          file,
          open.map(({ call }) => call.node),
        );
  const known = new Map<Candidate, "always" | "sometimes">();
  for (const one of found) if (!one.ask) known.set(one, "always");
  for (const [index, one] of open.entries()) {
    const { thenable, promise } = answers[index] ?? { thenable: "never", promise: false };
    const isCallback = one.held.evaluation.calls
      .get(one.call)
      ?.targets.every(({ kind }) => kind === "symbolic");
    if (thenable === "always" && promise) known.set(one, "always");
    else if (thenable === "sometimes" && promise && isCallback) known.set(one, "sometimes");
  }
  return known;
}

function worded(
  view: ProgramView,
  { held, of, call, release }: Candidate,
  mayBeOver: boolean,
): ReturnBeforeRelease {
  const { evaluation, resource } = held;
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const task = facts ? describeTemp(facts, evaluation.facts, call.callee) : "…";
  const [taken, given] = of === "lock" ? ["acquired", "released"] : ["taken from", "given back to"];
  const say = (verb: string | undefined) =>
    of === "lock" ? `'${resource}' is ${verb} here` : `the client is ${verb} '${resource}' here`;
  return {
    of,
    resource,
    task,
    mayBeOver,
    at: locationIn(file, call),
    trace: [
      { at: calleeOf(held), what: say(taken) },
      { at: locationIn(file, call), what: `'${task}' is started here, and its promise returned` },
      {
        at: locationIn(file, release.instruction),
        what: `${say(given)}, and nothing has waited for '${task}'`,
      },
    ],
    fixes: evaluation.facts.async ? [insertAwait(locationIn(file, call), `Await '${task}'`, true)] : [],
  };
}
