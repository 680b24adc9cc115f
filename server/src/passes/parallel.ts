import { definePass, type ProgramView } from "../analysis/analyzer.ts";
import { birthsIn } from "../analysis/births.ts";
import { type Contexts, createContexts } from "../analysis/contexts.ts";
import { isLock } from "../analysis/model-index.ts";
import { type FunctionKey, parseKey } from "../analysis/places.ts";
import { alternatives, plain, type Value } from "../analysis/values.ts";
import type { Instruction } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { type HeldTooLong, obligations } from "./obligations.ts";

// What can run beside what, and under which locks: every pass about two tasks asks it.

/** What the state that two tasks could meet in belongs to. */
export type Owner =
  /** A variable of a module, a static field: there is one of it. */
  | { readonly kind: "program" }
  /** A field: one per instance. */
  | { readonly kind: "instance" }
  /** A captured variable: one per call of the function that declares it. */
  | { readonly kind: "activation"; readonly of: FunctionKey };

export interface Parallel {
  readonly births: ReadonlyMap<FunctionKey, readonly HeldTooLong[]>;
  /** The locks that a function holds at one of its instructions. */
  heldAt(key: FunctionKey, instruction: Instruction): readonly Value[];
  contexts(): Contexts;
  /** Whether two runs of a function can overlap on the same owner. */
  overlapsItself(key: FunctionKey, owner: Owner): boolean;
}

export const parallel = definePass<Parallel>({
  id: "parallel",
  run(view, resultOf) {
    const births = new Map<FunctionKey, HeldTooLong[]>();
    // Hardly any function takes something.
    const taking = view.solution
      .evaluations()
      .filter(({ file, evaluation }) =>
        view.attempt(file, "parallel", () => birthsIn(evaluation).length > 0, false),
      );
    for (const file of new Set(taking.map((one) => one.file))) {
      for (const held of resultOf(obligations, file).held) {
        const known = births.get(held.evaluation.key);
        if (known) known.push(held);
        else births.set(held.evaluation.key, [held]);
      }
    }
    const result = createParallel(view, births);
    return (_file: FilePath) => result;
  },
});

function createParallel(
  view: ProgramView,
  births: ReadonlyMap<FunctionKey, readonly HeldTooLong[]>,
): Parallel {
  const heldAt = (key: FunctionKey, instruction: Instruction): readonly Value[] =>
    (births.get(key) ?? [])
      .filter(
        ({ birth, exploration }) => isLock(birth.handle.made.model) && exploration.held.has(instruction),
      )
      .map((held) => plain(held.birth.handle.made.resource));
  let known: Contexts | undefined;
  const contexts = (): Contexts => {
    known ??= createContexts(view, heldAt, (key) => births.has(key));
    return known;
  };
  return {
    births,
    heldAt,
    contexts,
    overlapsItself(key, owner) {
      if (mayBeSerialised(view, contexts(), key, new Set())) return false;
      switch (owner.kind) {
        case "program":
          return isConcurrent(contexts(), key);
        case "instance":
          return isConcurrent(contexts(), key) && isShared(view, contexts(), key, new Set());
        case "activation":
          return overlapsWithin(view, contexts(), key, owner.of, new Set());
      }
    },
  };
}

/** `next(): Promise<IteratorResult<T>>`: whoever goes through an iterator asks for one after the other. */
function isStepOfIterator(view: ProgramView, key: FunctionKey): boolean {
  const facts = view.world.function(key);
  const type = facts?.name === "next" ? facts.returnType : undefined;
  const [result] = type?.kind === "named" && type.path.at(-1) === "Promise" ? type.arguments : [];
  return result?.kind === "named" && result.path.at(-1) === "IteratorResult";
}

/** Functions of the program run it whenever it runs, and may do so one call after the other. */
function mayBeSerialised(
  view: ProgramView,
  contexts: Contexts,
  key: FunctionKey,
  seen: Set<FunctionKey>,
): boolean {
  if (seen.has(key)) return false;
  seen.add(key);
  if (isStepOfIterator(view, key)) return true;
  const list = contexts.of(key);
  return (
    list.length > 0 &&
    list.every(
      ({ caller, handed }) =>
        handed === true || (caller !== undefined && mayBeSerialised(view, contexts, caller, seen)),
    )
  );
}

function isConcurrent(contexts: Contexts, key: FunctionKey): boolean {
  const threads = contexts.threads(key);
  return threads === "many" || threads.size > 1;
}

/** Whether somebody besides the caller has the object: it was not made for this one call. */
function isShared(view: ProgramView, contexts: Contexts, key: FunctionKey, seen: Set<FunctionKey>): boolean {
  if (seen.has(key)) return false;
  seen.add(key);
  const list = contexts.of(key);
  if (list.length === 0) return true;
  return list.some(({ caller, binding, awaited, many }) => {
    if (caller === undefined) return true;
    const receivers = binding?.receiver ? alternatives(binding.receiver).map(plain) : [undefined];
    return receivers.some((receiver) => {
      // A closure has the `this` of the function around it.
      if (receiver === undefined || receiver.kind === "receiver") {
        return isShared(view, contexts, caller, seen);
      }
      if (receiver.kind !== "fresh" || many || !awaited) return true;
      const maker = receiver.site.function;
      if (view.world.function(maker)?.kind === "module") return true;
      if (caller !== maker && !view.world.enclosing(caller).includes(maker)) return true;
      if (overlapsWithin(view, contexts, caller, maker, new Set())) return true;
      return view.solution.evaluation(maker)?.escapes.includes(receiver) ?? true;
    });
  });
}

/** Whether one call of `boundary` can lead to two runs at once. */
function overlapsWithin(
  view: ProgramView,
  contexts: Contexts,
  key: FunctionKey,
  boundary: FunctionKey,
  seen: Set<FunctionKey>,
): boolean {
  if (key === boundary || seen.has(key)) return false;
  seen.add(key);
  let started = 0;
  for (const { caller, awaited, many } of contexts.of(key)) {
    if (caller === undefined) {
      // Code that we do not see may run it once. What the function around gives to its callers they call as they like.
      if (isReturnedBy(view, boundary, key)) return true;
      continue;
    }
    if (!awaited) {
      started += 1;
      if (many || started > 1) return true;
    }
    if (overlapsWithin(view, contexts, caller, boundary, seen)) return true;
  }
  return false;
}

function isReturnedBy(view: ProgramView, boundary: FunctionKey, key: FunctionKey): boolean {
  const holds = (value: Value, depth: number): boolean =>
    depth < 4 &&
    alternatives(value).some((part) => {
      if (part.kind === "function") return part.function === key;
      if (part.kind === "promise") return holds(part.of, depth + 1);
      if (part.kind !== "fresh") return false;
      if (part.made.type === "object") {
        return [...part.made.properties.values()].some((property) => holds(property, depth + 1));
      }
      return part.made.type === "array" && part.made.elements.some((element) => holds(element, depth + 1));
    });
  const evaluation = view.solution.evaluation(boundary);
  return (
    parseKey(boundary).file === parseKey(key).file &&
    evaluation !== undefined &&
    holds(evaluation.summary.returns, 0)
  );
}
