import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { hoistToModule } from "../analysis/fixes.ts";
import { describeTemp, memberCalled, usesIn } from "../analysis/flow.ts";
import { isLock } from "../analysis/model-index.ts";
import { after, exitsOf } from "../analysis/pauses.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { placeOf, sameKey } from "../analysis/shared-places.ts";
import { alternatives, plain, type Value } from "../analysis/values.ts";
import type { BlockId, FunctionFacts, Instruction, Temp, VariableId } from "../program/facts.ts";
import { operands } from "../program/instructions.ts";
import { isSame } from "../program/ranges.ts";

// Locks that keep nobody out: made by the call that takes them, or thrown away while others wait for them.

export interface PrivateLock {
  /** `made`: by each call. `evicted`: taken out of the collection where the next one looks for it. */
  readonly how: "made" | "evicted";
  readonly lock: string;
  readonly function: string;
  /** The collection, as written. */
  readonly collection?: string;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const privateLocks = definePass<readonly PrivateLock[]>({
  id: "private-locks",
  run: (view) => (file) =>
    view
      .functionsOf(file)
      .flatMap((key) =>
        view.attempt(file, "private-locks", () => [...madeIn(view, key), ...evictedIn(view, key)], []),
      ),
});

type Call = Extract<Instruction, { readonly op: "call" }>;

// --- made by each call

function madeIn(view: ProgramView, key: FunctionKey): readonly PrivateLock[] {
  const evaluation = view.solution.evaluation(key);
  const facts = view.world.function(key);
  if (!evaluation || !facts || evaluation.facts.imprecise !== undefined) return [];
  // What a module or a class makes it keeps.
  if (!/^(function|arrow|method)$/.test(facts.kind)) return [];
  const found: PrivateLock[] = [];
  for (const [instruction, effect] of evaluation.calls) {
    if (instruction.op !== "new" && instruction.op !== "call") continue;
    const { result } = effect;
    if (result.kind !== "fresh" || result.made.type !== "resource" || !isLock(result.made.model)) continue;
    // Each call may make its own: what keeps others out is elsewhere.
    if (result.made.model.remote) continue;
    const [at, ...further] = result.site.path;
    if (result.site.function !== key || further.length > 0 || at?.start !== instruction.start) continue;
    const takes = onlyTakes(view, evaluation, result);
    if (takes) found.push(worded(view, evaluation, instruction, takes));
  }
  return found;
}

/**
 * The operations on a lock, when that is all that is done with it, one after the other: it is not kept, passed on, or
 * mentioned by a closure.
 */
function onlyTakes(view: ProgramView, evaluation: Evaluation, lock: Value): readonly Call[] | undefined {
  const { facts, values } = evaluation;
  const uses = usesIn(facts);
  const variables = view.world.facts(parseKey(evaluation.key).file)?.variables ?? [];
  const own = parseKey(evaluation.key).id;
  const takes: Call[] = [];
  const isLockTemp = (temp: Temp) => {
    const value = values[temp];
    return value !== undefined && alternatives(value).some((one) => plain(one) === lock);
  };
  for (const block of facts.blocks) {
    if (block.end.kind === "return" && block.end.value !== undefined && isLockTemp(block.end.value)) {
      return undefined;
    }
    for (const i of block.code) {
      if (i.op === "store" && isLockTemp(i.from)) {
        const variable = variables[i.variable];
        if (!variable || variable.captured || variable.function !== own) return undefined;
      } else if (i.op === "call") {
        if (i.arguments.some(isLockTemp)) return undefined;
        const target = evaluation.calls.get(i)?.targets.find((one) => one.kind === "operation");
        if (target?.kind !== "operation" || target.resource === undefined) continue;
        if (plain(target.resource) !== lock && !isKeyOf(target.resource, lock)) continue;
        const { op } = target.operation;
        if (op !== "acquire" && op !== "scoped") continue;
        // Two that wait at the same time keep each other out.
        const waits = uses.readers(i.to);
        const isAwaited = waits.length > 0 && waits.every((reader) => reader.op === "await");
        const isReturned = waits.length === 0 && uses.endsBlock(i.to);
        if (!isAwaited && !isReturned) return undefined;
        takes.push(i);
      } else if (i.op === "object") {
        const isPattern = uses.readers(i.to).every((reader) => reader.op === "get" && reader.pattern);
        if (reads(i, isLockTemp) && !isPattern) return undefined;
      } else if (i.op !== "load" && i.op !== "get" && i.op !== "move" && reads(i, isLockTemp))
        return undefined;
    }
  }
  return takes.length > 0 ? takes : undefined;
}

/** The lock of one key. */
function isKeyOf(value: Value, lock: Value): boolean {
  return value.kind === "member" && plain(value.of) === lock;
}

function reads(i: Instruction, isLockTemp: (temp: Temp) => boolean): boolean {
  return operands(i).some(isLockTemp);
}

function worded(
  view: ProgramView,
  evaluation: Evaluation,
  made: Extract<Instruction, { readonly op: "new" | "call" }>,
  takes: readonly Call[],
): PrivateLock {
  const { facts, key } = evaluation;
  const { file } = parseKey(key);
  const whole = view.world.facts(file);
  const [first] = takes;
  const lock = whole && first ? describeTemp(whole, facts, first.receiver ?? first.callee) : "the lock";
  const at = locationIn(file, made);
  const fix = whole && hoistToModule(view, whole, facts, at, lock);
  return {
    how: "made",
    lock,
    function: facts.name.split(".").at(-1) || "this function",
    at,
    trace: [
      { at, what: `each call makes its own '${lock}' here` },
      ...takes
        .slice(0, 1)
        .map((i) => ({ at: locationIn(file, i), what: `and takes it here, where nobody else has it` })),
    ],
    fixes: fix ? [fix] : [],
  };
}

// --- evicted while others wait

/** `locks.get(key)` gives a lock, the lock is used, and `locks.delete(key)` forgets it, whoever waits for it. */
function evictedIn(view: ProgramView, key: FunctionKey): readonly PrivateLock[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const reader = { semantics: view.solution.semantics, evaluation };
  const { facts } = evaluation;
  const code = facts.blocks.flatMap((block) => block.code);
  const drops = code.filter((i): i is Call => i.op === "call" && memberCalled(facts, i) === "delete");
  if (drops.length === 0) return [];
  const stores = storesIn(facts);
  const found: PrivateLock[] = [];
  for (const take of code) {
    if (take.op !== "call") continue;
    const target = evaluation.calls.get(take)?.targets.find((one) => one.kind === "operation");
    if (target?.kind !== "operation" || !target.model || !isLock(target.model)) continue;
    if (target.operation.op !== "acquire" && target.operation.op !== "scoped") continue;
    for (const got of gets(facts, stores, take.receiver ?? take.callee)) {
      const place = got.receiver === undefined ? undefined : placeOf(reader, got.receiver);
      const [wanted] = got.arguments;
      if (!place || wanted === undefined) continue;
      const drop = drops.find((i) => {
        const [dropped] = i.arguments;
        return (
          i.receiver !== undefined &&
          placeOf(reader, i.receiver)?.id === place.id &&
          dropped !== undefined &&
          sameKey(reader, wanted, reader, dropped)
        );
      });
      if (!drop || !after(facts, take).has(drop) || !alwaysComes(facts, take, drop)) continue;
      found.push(evicted(view, evaluation, { take, got, drop }, place.text));
      break;
    }
  }
  return found;
}

type Stores = ReadonlyMap<VariableId, readonly Temp[]>;

/** The calls of `get` on a collection that a value may come from: `map.get(key) ?? new Mutex()`. */
function gets(facts: FunctionFacts, stores: Stores, temp: Temp, seen = new Set<Temp>()): readonly Call[] {
  if (seen.has(temp)) return [];
  seen.add(temp);
  return usesIn(facts)
    .definitions(temp)
    .flatMap((i): readonly Call[] => {
      if (i.op === "move") return gets(facts, stores, i.from, seen);
      if (i.op === "call") return memberCalled(facts, i) === "get" ? [i] : [];
      if (i.op !== "load") return [];
      return (stores.get(i.variable) ?? []).flatMap((from) => gets(facts, stores, from, seen));
    });
}

function storesIn(facts: FunctionFacts): Stores {
  const stores = new Map<VariableId, Temp[]>();
  for (const block of facts.blocks) {
    for (const i of block.code) {
      if (i.op !== "store") continue;
      const known = stores.get(i.variable);
      if (known) known.push(i.from);
      else stores.set(i.variable, [i.from]);
    }
  }
  return stores;
}

/** Whatever the path, and whether or not somebody waits: no condition stands in front of it. */
function alwaysComes(facts: FunctionFacts, from: Instruction, to: Instruction): boolean {
  const seen = new Set<BlockId>();
  const start = facts.blocks.findIndex((block) => block.code.includes(from));
  const open: BlockId[] = [start as BlockId];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const block = facts.blocks[id];
    if (!block || seen.has(id)) continue;
    seen.add(id);
    const code = id === start ? block.code.slice(block.code.indexOf(from)) : block.code;
    if (code.some((i) => isSame(i, to))) continue;
    if (block.end.kind === "return") return false;
    open.push(...exitsOf(block).filter((next) => next !== block.handler));
  }
  return true;
}

function evicted(
  view: ProgramView,
  evaluation: Evaluation,
  { take, got, drop }: Readonly<Record<"take" | "got" | "drop", Call>>,
  collection: string,
): PrivateLock {
  const { facts, key } = evaluation;
  const { file } = parseKey(key);
  const whole = view.world.facts(file);
  const lock = whole ? describeTemp(whole, facts, take.receiver ?? take.callee) : "the lock";
  return {
    how: "evicted",
    lock,
    function: facts.name.split(".").at(-1) || "this function",
    collection,
    at: locationIn(file, drop),
    trace: [
      { at: locationIn(file, got), what: `'${lock}' is taken from '${collection}' here` },
      { at: locationIn(file, take), what: `a second call waits for '${lock}' here` },
      {
        at: locationIn(file, drop),
        what: `the first one takes it out of '${collection}' here, so a third makes another`,
      },
    ],
    fixes: [],
  };
}
