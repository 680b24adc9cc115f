import type { ProgramView } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { storesReaching, usesIn } from "../analysis/flow.ts";
import type { FunctionKey } from "../analysis/places.ts";
import {
  type AccessReader,
  originOf,
  placeOf,
  placeRead,
  placeWritten,
  type SharedPlace,
} from "../analysis/shared-places.ts";
import type { Solution } from "../analysis/solve.ts";
import type { Block, BlockId, Instruction, Temp, Terminator } from "../program/facts.ts";
import { isAwaitPoint, successors } from "../program/instructions.ts";

/** A branch that finds a shared place empty on one side. */
export interface Test {
  readonly place: SharedPlace;
  /** Of an entry. */
  readonly key?: Temp;
  readonly read: Instruction;
  readonly block: BlockId;
  readonly empty: BlockId;
  readonly filled: BlockId;
  /** Only null and undefined count as empty. */
  readonly whenNullish: boolean;
}

/** The accesses of one function to shared places. */
export class FunctionCode {
  readonly view: ProgramView;
  readonly evaluation: Evaluation;
  readonly reader: AccessReader;
  readonly tests: readonly Test[];
  /** What each branch looks at, by block: shared places on which its condition depends. */
  readonly looksAt = new Map<BlockId, ReadonlyMap<string, readonly Instruction[]>>();
  #guards: readonly Instruction[] | undefined;

  constructor(view: ProgramView, evaluation: Evaluation) {
    this.view = view;
    this.evaluation = evaluation;
    this.reader = { semantics: view.solution.semantics, evaluation };
    const tests: Test[] = [];
    for (const [index, block] of evaluation.facts.blocks.entries()) {
      if (!evaluation.reached[index] || block.end.kind !== "branch") continue;
      const looks = new Map<string, Instruction[]>();
      this.#collectReads(block.end.test, looks, 0);
      this.looksAt.set(index as BlockId, looks);
      const test = this.#test(index as BlockId, block.end);
      if (test) tests.push(test);
    }
    this.tests = tests;
  }

  /** Every shared place that the value of a temp depends on, with where it is read. */
  #collectReads(temp: Temp, into: Map<string, Instruction[]>, depth: number): void {
    const origin = depth < 12 ? originOf(this.reader, temp) : undefined;
    const uses = usesIn(this.evaluation.facts);
    const definitions = origin ? [origin] : uses.definitions(temp);
    for (const i of definitions) {
      // What was stored in a variable here, which may be one of a function around.
      const stores = i.op === "load" && depth < 12 ? storesReaching(this.evaluation.facts, i) : undefined;
      for (const { from } of stores ?? []) this.#collectReads(from, into, depth + 1);
      const place = placeRead(this.reader, i);
      if (place) {
        into.set(place.id, [...(into.get(place.id) ?? []), i]);
        continue;
      }
      const effect = this.evaluation.calls.get(i);
      for (const target of effect?.targets ?? []) {
        // `if (this.isOpen())`: what the callee reads.
        if (target.kind !== "function") continue;
        for (const id of placesOf(this.view, target.function, "read"))
          into.set(id, [...(into.get(id) ?? []), i]);
      }
      for (const next of readFrom(i)) this.#collectReads(next, into, depth + 1);
    }
  }

  #test(block: BlockId, end: Extract<Terminator, { kind: "branch" }>): Test | undefined {
    let temp = end.test;
    let filledWhen = true;
    let whenNullish = end.on === "nullish";
    for (let hops = 0; hops < 8; hops += 1) {
      const i = originOf(this.reader, temp);
      if (!i) return undefined;
      if (i.op === "unary" && i.operator === "!" && end.on === "truthy") {
        filledWhen = !filledWhen;
        temp = i.from;
        continue;
      }
      if (i.op === "binary" && i.operator !== "in" && end.on === "truthy") {
        const compared = this.#comparedWithNothing(i);
        if (!compared) return undefined;
        if (!/^!==?$/.test(i.operator)) filledWhen = !filledWhen;
        temp = compared;
        whenNullish = true;
        continue;
      }
      const access = this.#access(i);
      if (!access) return undefined;
      // `on: "nullish"` takes `yes` when there is nothing.
      const filledOnYes = end.on === "truthy" ? filledWhen : !filledWhen;
      const [filled, empty] = filledOnYes ? [end.yes, end.no] : [end.no, end.yes];
      return { ...access, block, empty, filled, whenNullish };
    }
    return undefined;
  }

  /** `x` of `x === undefined`, `x == null`, `typeof x === "undefined"`. */
  #comparedWithNothing(i: Extract<Instruction, { op: "binary" }>): Temp | undefined {
    if (!/^[!=]==?$/.test(i.operator)) return undefined;
    for (const [value, other] of [
      [i.left, i.right],
      [i.right, i.left],
    ] as const) {
      const nothing = originOf(this.reader, other);
      const isUndefined =
        (nothing?.op === "constant" && /^(undefined|null)$/.test(nothing.constant.type)) ||
        (nothing?.op === "global" && nothing.name === "undefined");
      if (isUndefined) return value;
      const type = originOf(this.reader, value);
      if (type?.op !== "unary" || type.operator !== "typeof" || nothing?.op !== "constant") continue;
      if (nothing.constant.type === "string" && nothing.constant.value === "undefined") return type.from;
    }
    return undefined;
  }

  /** A read of a shared place, or of an entry of a collection that is held in one. */
  #access(i: Instruction): Pick<Test, "place" | "key" | "read"> | undefined {
    const place = placeRead(this.reader, i);
    if (place) return { place, read: i };
    if (i.op === "get-element") {
      const of = placeOf(this.reader, i.object);
      return of && { place: of, key: i.key, read: i };
    }
    if (i.op === "binary" && i.operator === "in") {
      const of = placeOf(this.reader, i.right);
      return of && { place: of, key: i.left, read: i };
    }
    const [of, key] = i.op === "call" && this.#isHasOwn(i) ? i.arguments : [];
    const owner = of === undefined ? undefined : placeOf(this.reader, of);
    if (owner && key !== undefined) return { place: owner, key, read: i };
    const called = this.entryCall(i);
    return called &&
      /^(has|get)$/.test(called.name) &&
      called.arguments.length === 1 &&
      called.key !== undefined
      ? { place: called.place, key: called.key, read: i }
      : undefined;
  }

  #isHasOwn(call: Extract<Instruction, { op: "call" }>): boolean {
    const callee = this.evaluation.values[call.callee];
    return callee?.kind === "global" && callee.path.join(".") === "Object.hasOwn";
  }

  /** `this.cache.get(key)`: a method of something in a shared place. */
  entryCall(i: Instruction):
    | {
        readonly place: SharedPlace;
        readonly name: string;
        readonly key?: Temp;
        readonly arguments: readonly Temp[];
      }
    | undefined {
    if (i.op !== "call" || i.receiver === undefined || i.spread.length > 0) return undefined;
    const [callee] = usesIn(this.evaluation.facts).definitions(i.callee);
    const place = callee?.op === "get" ? placeOf(this.reader, i.receiver) : undefined;
    if (callee?.op !== "get" || !place) return undefined;
    const [key] = i.arguments;
    return { place, name: callee.name, arguments: i.arguments, ...(key === undefined ? {} : { key }) };
  }

  /** Stores that a later call looks at, in the segment of the look: "it is under way", or the promise of it. */
  guards(): readonly Instruction[] {
    if (this.#guards) return this.#guards;
    const found = new Set<Instruction>();
    for (const [block, looks] of this.looksAt) {
      if (looks.size === 0) continue;
      const { blocks } = this.evaluation.facts;
      const seen = new Set<BlockId>();
      const open = [...successors((blocks[block] as Block).end)];
      for (let id = open.pop(); id !== undefined; id = open.pop()) {
        const code = blocks[id];
        if (!code || seen.has(id)) continue;
        seen.add(id);
        let waits = false;
        for (const i of code.code) {
          if (isAwaitPoint(i)) {
            waits = true;
            break;
          }
          if (this.changes(i).some((id) => looks.has(id))) found.add(i);
        }
        if (!waits) open.push(...successors(code.end));
      }
    }
    this.#guards = [...found];
    return this.#guards;
  }

  /** The shared places that an instruction reads, itself or by what it calls. */
  reads(i: Instruction): readonly string[] {
    const read = placeRead(this.reader, i);
    if (read) return [read.id];
    return (this.evaluation.calls.get(i)?.targets ?? []).flatMap((target) =>
      target.kind === "function" ? [...placesOf(this.view, target.function, "read")] : [],
    );
  }

  /** The shared places that an instruction changes, itself or by what it calls. */
  changes(i: Instruction): readonly string[] {
    const written = placeWritten(this.reader, i);
    if (written) return [written.id];
    if (i.op === "set-element") return [placeOf(this.reader, i.object)?.id ?? []].flat();
    const entry = this.entryCall(i);
    if (entry && /^(set|add|delete|push|unshift|clear)$/.test(entry.name)) return [entry.place.id];
    return (this.evaluation.calls.get(i)?.targets ?? []).flatMap((target) =>
      target.kind === "function" ? [...placesOf(this.view, target.function, "written")] : [],
    );
  }
}

function readFrom(i: Instruction): readonly Temp[] {
  switch (i.op) {
    case "unary":
    case "await":
    case "move":
      return [i.from];
    case "binary":
      return [i.left, i.right];
    case "get":
      return [i.object];
    case "get-element":
      return [i.object, i.key];
    case "call":
      return i.receiver === undefined ? i.arguments : [i.receiver, ...i.arguments];
    default:
      return [];
  }
}

/** The shared places that a function reads and writes. */
interface Accesses {
  readonly read: ReadonlySet<string>;
  readonly written: ReadonlySet<string>;
}

/** By function; of a solution, because callees can change where the evaluations of their callers count again. */
const ownAccesses = new WeakMap<Solution, Map<FunctionKey, Accesses>>();
const allAccesses = new WeakMap<Solution, Map<FunctionKey, Accesses>>();

/** The shared places that a function, or what it calls directly, reads or writes. */
function placesOf(view: ProgramView, key: FunctionKey, how: keyof Accesses): ReadonlySet<string> {
  const found = remembered(allAccesses, view.solution, key, () => {
    const calls = view.solution.evaluation(key)?.calls.values() ?? [];
    const callees = [...calls].flatMap(({ targets }) =>
      targets.flatMap((target) => (target.kind === "function" ? [target.function] : [])),
    );
    const all = [key, ...callees].map((one) =>
      remembered(ownAccesses, view.solution, one, () => accessesOf(view, one)),
    );
    return {
      read: new Set(all.flatMap(({ read }) => [...read])),
      written: new Set(all.flatMap(({ written }) => [...written])),
    };
  });
  return found[how];
}

function remembered(
  of: WeakMap<Solution, Map<FunctionKey, Accesses>>,
  solution: Solution,
  key: FunctionKey,
  find: () => Accesses,
): Accesses {
  const known = of.get(solution) ?? new Map<FunctionKey, Accesses>();
  of.set(solution, known);
  const found = known.get(key) ?? find();
  known.set(key, found);
  return found;
}

function accessesOf(view: ProgramView, key: FunctionKey): Accesses {
  const read = new Set<string>();
  const written = new Set<string>();
  const { semantics } = view.solution;
  const evaluation = view.solution.evaluation(key);
  const reader = evaluation && { semantics, evaluation };
  for (const { code } of evaluation?.facts.blocks ?? []) {
    for (const i of code) {
      const from = reader && placeRead(reader, i);
      if (from) read.add(from.id);
      const to = reader && placeWritten(reader, i);
      if (to) written.add(to.id);
    }
  }
  return { read, written };
}
