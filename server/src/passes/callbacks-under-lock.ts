import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { isSymbolic } from "../analysis/call-effects.ts";
import { contentOf } from "../analysis/capacities.ts";
import { type Contexts, isAwaited } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { describeTemp, usesIn } from "../analysis/flow.ts";
import { type FunctionKey, isClassKey, type Location, parseKey } from "../analysis/places.ts";
import { originOf, placeOf, placeWritten } from "../analysis/shared-places.ts";
import { alternatives, plain, rootOf, type Value } from "../analysis/values.ts";
import type { Instruction } from "../program/facts.ts";
import { type CriticalSection, type CriticalSections, criticalSections } from "./critical-sections.ts";
import { parallel } from "./parallel.ts";

/** Code of whoever uses this is awaited while a lock is held that it can ask for, too. */
export interface CallbackUnderLock {
  readonly lock: string;
  /** As written: `this.onChange`. */
  readonly callback: string;
  /** A function that needs the lock, which the callback may call. */
  readonly entry: string;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
}

export const callbacksUnderLock = definePass<readonly CallbackUnderLock[]>({
  id: "callbacks-under-lock",
  run: (view, resultOf) => (file) => {
    const sections = resultOf(criticalSections, file);
    const contexts = () => resultOf(parallel, view.world.files[0] ?? "").contexts();
    const found = sections.own.flatMap((section) =>
      view.attempt(file, "callbacks-under-lock", () => callbacksIn(view, section, sections, contexts), []),
    );
    return [...new Map(found.map((one) => [one.at.start, one])).values()];
  },
});

type Call = Extract<Instruction, { readonly op: "call" }>;

function callbacksIn(
  view: ProgramView,
  section: CriticalSection,
  sections: CriticalSections,
  contexts: () => Contexts,
): readonly CallbackUnderLock[] {
  const { evaluation } = section;
  // Who comes back and waits for it gives up, and everything goes on.
  if (section.model.givesUp) return [];
  const code = evaluation.facts.blocks.flatMap((block) => block.code).filter((i) => section.holds(i));
  const found: CallbackUnderLock[] = [];
  for (const i of code) {
    if (i.op !== "call" || !isAwaited(evaluation.facts, i.to)) continue;
    const callee = evaluation.values[i.callee];
    if (!callee || !isOfStrangers(view, evaluation, i, callee, contexts)) continue;
    // A function that does nothing but run a callback under the lock says so by what it is.
    if (code.every((other) => other === i || !isWork(view, evaluation, other))) continue;
    const entry = entryOf(view, section, sections);
    if (entry) found.push(worded(view, section, i, entry));
  }
  return found;
}

/** Only the users of this code know the callback: a parameter of what they call, a field that they set, a listener. */
function isOfStrangers(
  view: ProgramView,
  evaluation: Evaluation,
  i: Call,
  callee: Value,
  contexts: () => Contexts,
): boolean {
  const targets = evaluation.calls.get(i)?.targets ?? [];
  if (targets.some((target) => target.kind === "function")) return false;
  if (isListener(view, evaluation, i)) return true;
  if (!targets.some((target) => target.kind === "symbolic") || !isSymbolic(callee)) return false;
  const real = plain(callee);
  const root = rootOf(real);
  if (real.kind === "parameter") {
    const list = contexts().of(real.function);
    return list.length === 0 || list.some(({ caller }) => caller === undefined);
  }
  if (real.kind !== "member" || root.kind !== "receiver" || real.of !== root) return false;
  if (!isClassKey(root.of)) return false;
  const field = view.world.member(root.of, real.name, false)?.member;
  if (field?.kind !== "field") return false;
  return alternatives(view.solution.field(root.of, real.name)).every((one) => one.kind !== "function");
}

/** `for (const listener of this.listeners) await listener()` */
function isListener(view: ProgramView, evaluation: Evaluation, i: Call): boolean {
  const reader = { semantics: view.solution.semantics, evaluation };
  const origin = originOf(reader, i.callee);
  if (origin?.op !== "next") return false;
  const [iterate] = usesIn(evaluation.facts).definitions(origin.iterator);
  if (iterate?.op !== "iterate" || placeOf(reader, iterate.from) === undefined) return false;
  return !holdsOwnFunctions(view, evaluation.values[iterate.from]);
}

/** A list of functions that are written where it is made: `steps = [async () => { … }]`. */
function holdsOwnFunctions(view: ProgramView, list: Value | undefined): boolean {
  const content = list && contentOf(view, plain(list));
  if (content?.kind !== "fresh" || content.made.type !== "array") return false;
  return content.made.elements.length > 0 && content.made.elements.every((one) => one.kind === "function");
}

/** Something besides running the callback and giving the lock back. */
function isWork(view: ProgramView, evaluation: Evaluation, i: Instruction): boolean {
  if (i.op === "call" || i.op === "new") {
    const callee = evaluation.values[i.callee];
    const isHandle = callee?.kind === "fresh" && callee.made.type === "handle";
    const targets = evaluation.calls.get(i)?.targets ?? [];
    const isOperation = targets.some((target) => target.kind === "operation" && target.model !== undefined);
    return !isHandle && !isOperation;
  }
  return placeWritten({ semantics: view.solution.semantics, evaluation }, i) !== undefined;
}

/** A named function that takes the lock, another one if there is any. */
function entryOf(
  view: ProgramView,
  section: CriticalSection,
  sections: CriticalSections,
): { readonly name: string; readonly at: Location } | undefined {
  const all = [...sections.of(section.resource)].sort(
    (a, b) => Number(a === section) - Number(b === section),
  );
  for (const one of all) {
    const name = nameAround(view, one.key);
    if (name) return { name, at: one.at };
  }
  return undefined;
}

function nameAround(view: ProgramView, key: FunctionKey): string | undefined {
  for (const one of [key, ...view.world.enclosing(key)]) {
    const facts = view.world.function(one);
    const name = facts?.kind === "module" ? undefined : facts?.name.split(".").at(-1);
    if (name) return name;
  }
  return undefined;
}

function worded(
  view: ProgramView,
  section: CriticalSection,
  i: Call,
  entry: { readonly name: string; readonly at: Location },
): CallbackUnderLock {
  const { evaluation, text } = section;
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const callback = facts ? describeTemp(facts, evaluation.facts, i.callee) : "…";
  const at = locationIn(file, i);
  return {
    lock: text,
    callback,
    entry: entry.name,
    at,
    trace: [
      { at: section.at, what: `'${text}' is acquired here` },
      { at, what: `'${callback}' is called and waited for here` },
      { at: entry.at, what: `'${entry.name}' waits for '${text}' here, should '${callback}' call it` },
    ],
  };
}
