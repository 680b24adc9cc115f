import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { awaitInstead } from "../analysis/fixes.ts";
import { describeTemp, isDropped, usesIn } from "../analysis/flow.ts";
import { opOf } from "../analysis/model-index.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { type Touch, type Touched, touchedBy, touchedLater } from "../analysis/touched-places.ts";
import { plain, type Value } from "../analysis/values.ts";
import type { Instruction, Temp } from "../program/facts.ts";
import { type CriticalSection, type CriticalSections, criticalSections } from "./critical-sections.ts";

/** A task that is started under a lock, goes on without it, and touches what the lock guards. */
export interface EscapingWork {
  readonly lock: string;
  /** As written: `this.save`. */
  readonly task: string;
  /** As written: `this.total`. */
  readonly place: string;
  /** Whether the task changes the place; else it reads what other holders change. */
  readonly writes: boolean;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const escapingWork = definePass<readonly EscapingWork[]>({
  id: "escaping-work",
  run(view, resultOf) {
    const guarded = new Map<Value, readonly Touched[]>();
    return (file) => {
      const sections = resultOf(criticalSections, file);
      const guardsOf = (lock: Value) => {
        const known = guarded.get(lock) ?? guardedBy(view, lock, sections);
        guarded.set(lock, known);
        return known;
      };
      const found = sections.own.flatMap((section) =>
        view.attempt(file, "escaping-work", () => escapingIn(view, section, guardsOf), []),
      );
      return [...new Map(found.map((one) => [one.at.start, one])).values()];
    };
  },
});

type Call = Extract<Instruction, { readonly op: "call" }>;

function escapingIn(
  view: ProgramView,
  section: CriticalSection,
  guardsOf: (lock: Value) => readonly Touched[],
): readonly EscapingWork[] {
  const { evaluation } = section;
  const found: EscapingWork[] = [];
  for (const block of evaluation.facts.blocks) {
    for (const i of block.code) {
      if (i.op !== "call" || !section.holds(i) || !isForgotten(view, evaluation, i)) continue;
      const start = startOf(evaluation, i);
      if (!start) continue;
      const tasks = tasksOf(evaluation, start);
      const behind = callbacksOf(evaluation, i);
      const all = [...tasks, ...behind];
      if (all.length === 0 || all.some((key) => takes(view, key, section.resource))) continue;
      const shared = sharedPlace(guardsOf(section.resource), [
        ...tasks.map((key) => touchedLater(view, key)),
        ...behind.map((key) => touchedWhole(view, key)),
      ]);
      if (shared) found.push(worded(view, section, i, start, shared));
    }
  }
  return found;
}

/** Nothing waits for it: its result is dropped, also by `void`, unless a comment there says why. */
function isForgotten(view: ProgramView, evaluation: Evaluation, i: Call): boolean {
  const uses = usesIn(evaluation.facts);
  if (isDropped(uses, i.to)) return uses.readers(i.to).length === 0;
  const [reader, ...others] = uses.readers(i.to);
  if (reader?.op !== "unary" || reader.operator !== "void" || others.length > 0) return false;
  return isDropped(uses, reader.to) && !hasComment(view, evaluation, reader);
}

function hasComment(view: ProgramView, evaluation: Evaluation, at: Instruction): boolean {
  const text = view.text(parseKey(evaluation.key).file) ?? "";
  const lineStart = text.lastIndexOf("\n", at.start - 1) + 1;
  const above = text.slice(text.lastIndexOf("\n", lineStart - 2) + 1, lineStart);
  const behind = /^[^\n]*/.exec(text.slice(at.end))?.[0] ?? "";
  return /^\s*(\/\/|\/\*|\*)/.test(above) || /\/\/|\/\*/.test(behind);
}

/** The call that starts the task: `save()` of `save().catch(report)`. */
function startOf(evaluation: Evaluation, i: Call, depth = 0): Call | undefined {
  const isChain = (evaluation.calls.get(i)?.targets ?? []).some(
    (target) => target.kind === "operation" && target.operation.op === "chain",
  );
  if (!isChain) return i;
  const [inner] = i.receiver === undefined ? [] : usesIn(evaluation.facts).definitions(i.receiver);
  return inner?.op === "call" && depth < 5 ? startOf(evaluation, inner, depth + 1) : undefined;
}

/** What runs when the task is done: `(text) => …` of `load().then((text) => …).catch(report)`. */
function callbacksOf(evaluation: Evaluation, i: Call, depth = 0): readonly FunctionKey[] {
  const effect = evaluation.calls.get(i);
  const chain = effect?.targets.find((one) => one.kind === "operation" && one.operation.op === "chain");
  if (!effect || chain?.kind !== "operation") return [];
  const { fulfilled } = chain.operation;
  const given = fulfilled === undefined ? undefined : effect.arguments[fulfilled];
  const [inner] = i.receiver === undefined ? [] : usesIn(evaluation.facts).definitions(i.receiver);
  return [
    ...(given?.kind === "function" ? [given.function] : []),
    ...(inner?.op === "call" && depth < 5 ? callbacksOf(evaluation, inner, depth + 1) : []),
  ];
}

function touchedWhole(view: ProgramView, key: FunctionKey): Touched {
  const evaluation = view.solution.evaluation(key);
  return evaluation ? touchedBy(view, evaluation, () => true) : { read: new Map(), written: new Map() };
}

/** The asynchronous functions of the program that a call starts, on the same object or on none. */
function tasksOf(evaluation: Evaluation, start: Call): readonly FunctionKey[] {
  const { targets, result } = evaluation.calls.get(start) ?? { targets: [], result: undefined };
  if (result?.kind !== "promise") return [];
  const tasks = targets.flatMap((target) => {
    if (target.kind !== "function") return [];
    const { receiver } = target.binding;
    const isSame = receiver === undefined || plain(receiver).kind === "receiver";
    return isSame || plain(receiver).kind !== "fresh" ? [target.function] : [];
  });
  return tasks.length === targets.length ? tasks : [];
}

/** A task that takes the lock itself is on its own by intention. */
function takes(view: ProgramView, key: FunctionKey, lock: Value): boolean {
  return (view.solution.evaluation(key)?.uses ?? []).some((use) => {
    const op = opOf(use);
    return plain(use.resource) === lock && (op === "acquire" || op === "tryAcquire" || op === "scoped");
  });
}

/** What is touched under a lock, anywhere; tasks that are started there and forgotten are not part of it. */
function guardedBy(view: ProgramView, lock: Value, sections: CriticalSections): readonly Touched[] {
  const left = new Map<Evaluation, ReadonlySet<Instruction | undefined>>();
  const isLeft = (evaluation: Evaluation, i: Instruction) => {
    const known = left.get(evaluation) ?? forgottenIn(view, evaluation);
    left.set(evaluation, known);
    return known.has(i);
  };
  return sections
    .of(lock)
    .map((section) =>
      touchedBy(
        view,
        section.evaluation,
        (evaluation, i) => (evaluation !== section.evaluation || section.holds(i)) && !isLeft(evaluation, i),
      ),
    );
}

function forgottenIn(view: ProgramView, evaluation: Evaluation): ReadonlySet<Instruction | undefined> {
  const calls = [...evaluation.calls.keys()].filter((i) => i.op === "call");
  const forgotten = calls.filter((i) => isForgotten(view, evaluation, i));
  return new Set(forgotten.flatMap((i) => [i, startOf(evaluation, i)]));
}

interface Shared {
  readonly work: Touch;
  readonly guarded: Touch;
  readonly writes: boolean;
}

/** A place that the task writes and the lock guards, or that it reads while holders write it. */
function sharedPlace(guards: readonly Touched[], works: readonly Touched[]): Shared | undefined {
  for (const work of works) {
    for (const guard of guards) {
      for (const [id, touch] of work.written) {
        const guarded = guard.written.get(id) ?? guard.read.get(id);
        if (guarded) return { work: touch, guarded, writes: true };
      }
      for (const [id, touch] of work.read) {
        const guarded = guard.written.get(id);
        if (guarded) return { work: touch, guarded, writes: false };
      }
    }
  }
  return undefined;
}

function worded(
  view: ProgramView,
  section: CriticalSection,
  whole: Call,
  start: Call,
  { work, guarded, writes }: Shared,
): EscapingWork {
  const { evaluation, text } = section;
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const name = (temp: Temp) => (facts ? describeTemp(facts, evaluation.facts, temp) : "…");
  const task = name(start.callee);
  const at = locationIn(file, start);
  const fix = evaluation.facts.async
    ? awaitInstead(view, locationIn(file, whole), `Await '${task}'`)
    : undefined;
  return {
    lock: text,
    task,
    place: work.place.text,
    writes,
    at,
    trace: [
      { at: section.at, what: `'${text}' is acquired here` },
      { at, what: `'${task}' is started here, and nothing waits for it before '${text}' is released` },
      { at: work.at, what: `by then it ${writes ? "changes" : "reads"} '${work.place.text}' here` },
      { at: guarded.at, what: `a holder of '${text}' uses '${guarded.place.text}' here` },
    ],
    fixes: fix ? [fix] : [],
  };
}
