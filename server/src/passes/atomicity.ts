import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { isExclusive } from "../analysis/capacities.ts";
import { type Cost, createCosts, madeBy } from "../analysis/costs.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { keepLoads, keepPromise, testAgain } from "../analysis/fixes.ts";
import { describeTemp, usesIn } from "../analysis/flow.ts";
import { isIdempotent } from "../analysis/idempotent-calls.ts";
import { isLock } from "../analysis/model-index.ts";
import { resourceName } from "../analysis/names.ts";
import { type ClassKey, type FunctionKey, isClassKey, type Location, parseKey } from "../analysis/places.ts";
import { originOf, placeOf, placeRead, placeWritten, sameKey } from "../analysis/shared-places.ts";
import { alternatives, plain } from "../analysis/values.ts";
import type { BlockId, Instruction, Temp } from "../program/facts.ts";
import { isAwaitPoint, successors } from "../program/instructions.ts";
import { FunctionCode, type Test } from "./function-code.ts";
import { calleeText, ownName, waitedFor } from "./function-words.ts";
import { type Parallel, parallel } from "./parallel.ts";

// Is what was read still true when it is used? Code between two await points runs in one piece, so a test and the write
// that it guards are safe when they stand in one segment. The pass finds writes in a later segment than their test, with
// no second test, no lock over both, and nothing that tells a second call that the first is under way.

/** A place is found empty, and filled after an await: two calls can both find it empty. */
export interface LateFill {
  /** `place`: a variable or field. `entry`: a key of a collection. */
  readonly what: "place" | "entry";
  /** As written: `this.client`. */
  readonly place: string;
  /** The function that both calls run. */
  readonly function: string;
  /** What is done twice: `connect`. */
  readonly work: string | undefined;
  readonly test: Location;
  readonly write: Location;
  /** What makes it matter that it is done twice. */
  readonly cost: Cost | undefined;
  /** The lock that is taken between the test and the write. */
  readonly lock: string | undefined;
  /** It is set to true, or to what was there before, which says that something is done. */
  readonly isMark: boolean;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const atomicity = definePass<readonly LateFill[]>({
  id: "atomicity",
  run(view, resultOf) {
    const beside = () => resultOf(parallel, view.world.files[0] ?? "");
    const costs = createCosts(view);
    return (file) =>
      view
        .functionsOf(file)
        .flatMap((key) =>
          view.attempt(file, "atomicity", () => lateFillsIn(view, key, beside, costs.of), []),
        );
  },
});

/** Following every test through every block of a larger function takes too long; nothing is said about it. */
const maxBlocks = 2_000;
const maxNested = 3;

function lateFillsIn(
  view: ProgramView,
  key: FunctionKey,
  beside: () => Parallel,
  costOf: (evaluation: Evaluation, value: Temp, place: string) => Cost | undefined,
): readonly LateFill[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation?.facts.async || evaluation.facts.generator) return [];
  if (evaluation.facts.imprecise !== undefined || evaluation.facts.blocks.length > maxBlocks) return [];
  const code = new FunctionCode(view, evaluation);
  const found = new Map<Instruction, LateFill>();
  for (const test of code.tests) {
    for (const fill of new Walk(view, code, test).fills()) {
      if (found.has(fill.write)) continue;
      if (!beside().overlapsItself(key, test.place.owner)) continue;
      const lock = lockBetween(beside(), code, test, fill);
      if (lock === "over both") continue;
      // Who waits for a lock to say that something is done does it under the lock.
      if (fill.isMark && (lock === undefined || workOf(view, fill) === undefined)) continue;
      found.set(fill.write, describe(view, code, test, fill, lock, costOf));
    }
  }
  return [...found.values()];
}

/** A lock that is held at the write and not at the test; or held all the while, which makes the pair safe. */
function lockBetween(
  beside: Parallel,
  code: FunctionCode,
  test: Test,
  fill: Fill,
): string | "over both" | undefined {
  const { key } = code.evaluation;
  if (beside.contexts().gates(key).size > 0) return "over both";
  const before = new Set(beside.heldAt(key, test.read));
  const after = beside.heldAt(fill.code.evaluation.key, fill.write);
  const during = new Set(beside.heldAt(key, fill.wait));
  if (after.some((lock) => before.has(lock)) || [...before].some((lock) => during.has(lock)))
    return "over both";
  if (fill.lock) return fill.lock;
  const birth = (beside.births.get(fill.code.evaluation.key) ?? []).find((held) =>
    held.exploration.held.has(fill.write),
  );
  if (!birth) return after.length > 0 ? "over both" : undefined;
  return isExclusive(code.view, birth.birth.handle.made) ? birth.resource : undefined;
}

// --- from the test to the write

interface Fill {
  readonly code: FunctionCode;
  readonly write: Instruction;
  readonly value: Temp;
  /** The first point behind the test at which others run. */
  readonly wait: Instruction;
  /** The function that the wait stands in. */
  readonly waitIn: FunctionCode;
  /** The lock whose callback the write stands in. */
  readonly lock: string | undefined;
  /**
   * The write only says that something is done, such as `ready = true`, `done.add(key)`, or `known.set(key, given)`: a
   * state may have other reasons to.
   */
  readonly isMark: boolean;
}

/** A point at which others run, and the function it stands in. */
interface Wait {
  readonly at: Instruction;
  readonly code: FunctionCode;
}

interface At {
  readonly code: FunctionCode;
  readonly block: BlockId;
  readonly wait: Wait | undefined;
  readonly lock: string | undefined;
  readonly depth: number;
}

/** Follows all paths from where a test finds a place empty. */
class Walk {
  readonly #view: ProgramView;
  readonly #start: FunctionCode;
  readonly #test: Test;
  readonly #found: Fill[] = [];
  readonly #seen = new Set<string>();
  /** Reads that happen after the wait: a branch on one of them is a second test. */
  readonly #readAgain = new Set<Instruction>();
  readonly #open: At[] = [];

  constructor(view: ProgramView, code: FunctionCode, test: Test) {
    this.#view = view;
    this.#start = code;
    this.#test = test;
  }

  fills(): readonly Fill[] {
    const { empty, block, read } = this.#test;
    const wait = this.#waitBetween(block, read);
    const start = this.#start;
    this.#open.push({
      code: start,
      block: empty,
      wait: wait && { at: wait, code: start },
      lock: undefined,
      depth: 0,
    });
    for (let at = this.#open.pop(); at; at = this.#open.pop()) this.#block(at);
    if (this.#found.length === 0) return [];
    const behindFilled = this.#reachable(this.#test.filled);
    return this.#found.filter(
      ({ code, write }) =>
        // Written whatever the test says.
        !(code === this.#start && behindFilled.has(write)) && !this.#isUnderWay(code, write),
    );
  }

  /** An await between the read and the branch in its block. */
  #waitBetween(block: BlockId, read: Instruction): Instruction | undefined {
    const code = this.#start.evaluation.facts.blocks[block]?.code ?? [];
    const from = code.indexOf(read);
    return from < 0 ? undefined : code.slice(from).find(isAwaitPoint);
  }

  /** The instructions behind a block, not through the test again. */
  #reachable(from: BlockId): ReadonlySet<Instruction> {
    const { blocks } = this.#start.evaluation.facts;
    const found = new Set<Instruction>();
    const seen = new Set<BlockId>([this.#test.block]);
    const open = [from];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const block = blocks[id];
      if (!block || seen.has(id)) continue;
      seen.add(id);
      for (const i of block.code) found.add(i);
      open.push(...successors(block.end));
    }
    return found;
  }

  /** A flag, a state or a promise that was set in the segment of its own test stands before the write. */
  #isUnderWay(code: FunctionCode, write: Instruction): boolean {
    const before = this.#start.guards().filter((guard) => guard !== write);
    if (before.length === 0) return false;
    if (code !== this.#start) return true;
    const { blocks } = code.evaluation.facts;
    return before.some((guard) => {
      const seen = new Set<BlockId>();
      const open: BlockId[] = [];
      for (const [id, block] of blocks.entries()) {
        const at = block.code.indexOf(guard);
        if (at < 0) continue;
        if (block.code.indexOf(write) > at) return true;
        open.push(...successors(block.end));
        if (block.handler !== undefined) open.push(block.handler);
        seen.add(id as BlockId);
      }
      for (let id = open.pop(); id !== undefined; id = open.pop()) {
        const block = blocks[id];
        if (!block || seen.has(id)) continue;
        seen.add(id);
        if (block.code.includes(write)) return true;
        open.push(...successors(block.end));
      }
      return false;
    });
  }

  #block(at: At): void {
    const { code } = at;
    const key = `${code.evaluation.key} ${at.block} ${at.wait !== undefined} ${at.lock}`;
    const block = code.evaluation.facts.blocks[at.block];
    if (!block || this.#seen.has(key) || (code === this.#start && at.block === this.#test.block)) return;
    this.#seen.add(key);
    let { wait } = at;
    for (const i of block.code) {
      const next = this.#step({ ...at, wait }, i);
      if (next === "stop") return;
      wait = next;
    }
    if (block.end.kind === "branch" && wait !== undefined) {
      const again = code.looksAt.get(at.block)?.get(this.#test.place.id) ?? [];
      if (again.some((read) => this.#readAgain.has(read))) return;
    }
    for (const to of successors(block.end)) this.#open.push({ ...at, block: to, wait });
  }

  /** The wait so far, or that the path says nothing any more. */
  #step(at: At, i: Instruction): Wait | undefined | "stop" {
    const { code, wait } = at;
    const written = this.#written(code, i);
    if (written !== undefined) {
      const isFilling = this.#isFilling(code, written);
      const isMark = isTrue(code, written) || (this.#test.key !== undefined && !isFilling);
      if (wait !== undefined && (isMark || isFilling)) {
        const { lock } = at;
        this.#found.push({ code, write: i, value: written, wait: wait.at, waitIn: wait.code, lock, isMark });
      }
      return "stop";
    }
    const isChanged = code.changes(i).includes(this.#test.place.id) && this.#test.key === undefined;
    if (isChanged && !code.evaluation.calls.has(i)) return "stop";
    if (wait !== undefined) this.#readAgain.add(i);
    const effect = code.evaluation.calls.get(i);
    if (effect) {
      if (effect.ends === false) return "stop";
      if (this.#isLeftToOthers(code, i)) return "stop";
      for (const scope of effect.scopes) {
        if (!isLock(scope.model) || !isExclusive(this.#view, scope)) return "stop";
        const name = resourceName(this.#view, plain(scope.resource), scope.at);
        for (const part of alternatives(scope.callee)) {
          if (part.kind === "function") this.#enter(at, part.function, wait ?? { at: i, code }, name);
        }
      }
      for (const target of effect.targets) {
        if (target.kind === "function") this.#enter(at, target.function, wait, at.lock);
      }
      if (isChanged) return "stop";
    }
    if (!isAwaitPoint(i)) return wait;
    // Waiting for what another call has started.
    if (i.op === "await" && this.#isJoin(code, i.from)) return "stop";
    return wait ?? { at: i, code };
  }

  /** Goes into a function that is written inside of this one. */
  #enter(at: At, key: FunctionKey, wait: Wait | undefined, lock: string | undefined): void {
    const around = at.code.evaluation.key;
    if (at.depth >= maxNested || !this.#view.world.enclosing(key).includes(around)) return;
    const evaluation = this.#view.solution.evaluation(key);
    if (!evaluation || evaluation.facts.imprecise !== undefined || evaluation.facts.generator) return;
    const code = new FunctionCode(this.#view, evaluation);
    this.#open.push({ code, block: 0 as BlockId, wait, lock, depth: at.depth + 1 });
  }

  /** What is written to the tested place, or to the tested entry of it. */
  #written(code: FunctionCode, i: Instruction): Temp | undefined {
    const { place, key } = this.#test;
    if (key === undefined) {
      if (placeWritten(code.reader, i)?.id !== place.id) return undefined;
      return i.op === "store" || i.op === "set" ? i.from : undefined;
    }
    const same = (other: Temp) => sameKey(this.#start.reader, key, code.reader, other);
    if (i.op === "set-element") {
      return placeOf(code.reader, i.object)?.id === place.id && same(i.key) ? i.from : undefined;
    }
    const entry = code.entryCall(i);
    if (entry?.place.id !== place.id || !(entry.name === "set" || entry.name === "add")) return undefined;
    const [first, value = entry.name === "add" ? first : undefined] = entry.arguments;
    return first !== undefined && value !== undefined && same(first) ? value : undefined;
  }

  /** It is something that was made or fetched, and not a literal or what the caller gave. */
  #isFilling(code: FunctionCode, value: Temp): boolean {
    return madeBy(code.evaluation, value).length > 0;
  }

  /** A promise that is kept in a shared place, or in a collection there. */
  #isJoin(code: FunctionCode, from: Temp): boolean {
    const origin = originOf(code.reader, from);
    if (!origin) return false;
    if (placeRead(code.reader, origin)) return true;
    return code.entryCall(origin)?.name === "get";
  }

  /** A closure goes to code that we do not see: it may let one call in at a time, or share the result. */
  #isLeftToOthers(code: FunctionCode, i: Instruction): boolean {
    const effect = code.evaluation.calls.get(i);
    if (!effect?.targets.some((target) => target.kind === "unknown" || target.kind === "symbolic"))
      return false;
    return effect.arguments.some((argument) =>
      alternatives(argument).some((part) => part.kind === "function"),
    );
  }
}

// --- words

function describe(
  view: ProgramView,
  code: FunctionCode,
  test: Test,
  fill: Fill,
  lock: string | undefined,
  costOf: (evaluation: Evaluation, value: Temp, place: string) => Cost | undefined,
): LateFill {
  const { evaluation } = code;
  const { file } = parseKey(evaluation.key);
  const name = ownName(view, evaluation.key);
  const called = name ? `'${name}'` : "this function";
  const place = test.place.text;
  const what = test.key === undefined ? "place" : "entry";
  const work = workOf(view, fill);
  const waited = waitedFor(view, fill.waitIn, fill.wait);
  const at = (i: Instruction) => locationIn(file, i);
  const is = fill.isMark && what === "place" ? "not set" : "empty";
  const empty = what === "place" ? `finds '${place}' ${is}` : `finds no entry in '${place}'`;
  const gives = lock
    ? `it waits for '${lock}' here, and other calls run meanwhile`
    : waited
      ? `it waits for '${waited}' here, and other calls run meanwhile`
      : "it waits here, and other calls run meanwhile";
  const still = lock ? "waits for the lock as well" : "goes the same way";
  const writes =
    what === "place"
      ? `the first call sets '${place}' here, and the second sets it again`
      : `the first call sets the entry here, and the second sets it again`;
  return {
    what,
    place,
    function: name ?? "this function",
    work,
    test: at(test.read),
    write: at(fill.write),
    // Who calls it a mistake to come a second time does not mean calls to meet.
    cost: isRefused(code, test) ? undefined : costOf(fill.code.evaluation, fill.value, test.place.id),
    lock,
    isMark: fill.isMark,
    fixes: lock === undefined ? keptPromise(view, code, test, fill) : testedAgain(view, test, fill),
    trace: [
      { at: at(test.read), what: `a call of ${called} ${empty} here` },
      { at: at(fill.wait), what: gives },
      { at: at(test.read), what: `a second call ${empty} too, and ${still}` },
      { at: at(fill.write), what: writes },
    ],
  };
}

/** `if (this.process) throw new Error("already started")` */
function isRefused({ evaluation }: FunctionCode, { filled }: Test): boolean {
  return evaluation.facts.blocks[filled]?.end.kind === "throw";
}

/**
 * The promise of the first call kept for the others, where its type can be named: what is called is an async function of
 * the program without type parameters, and what it is given cannot differ.
 */
function keptPromise(view: ProgramView, code: FunctionCode, test: Test, fill: Fill): readonly FixPlan[] {
  const { evaluation } = code;
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const uses = usesIn(evaluation.facts);
  const wait = test.key === undefined ? uses.definitions(fill.value)[0] : awaitedFor(code, fill.value);
  if (fill.code !== code || !facts || wait?.op !== "await") return [];
  const [call] = uses.definitions(wait.from);
  const [callee] = call?.op === "call" ? uses.definitions(call.callee) : [];
  if (call?.op !== "call" || callee?.op !== "load") return [];
  if (test.key === undefined && call.arguments.length > 0) return [];
  const [target, ...others] = evaluation.calls.get(call)?.targets ?? [];
  const maker = facts.variables[callee.variable];
  if (target?.kind !== "function" || others.length > 0 || maker?.function !== 0) return [];
  if (!isPlainAsyncFunction(view, target.function)) return [];
  if (test.key !== undefined) return keptLoads(view, code, test, { call, callee: maker.name });
  const declaration = declarationOf(view, evaluation, fill.write);
  const fix =
    declaration &&
    keepPromise(view, {
      await: locationIn(file, wait),
      call: locationIn(file, call),
      callee: maker.name,
      place: test.place.text,
      ...declaration,
      typed: facts.language === "typescript",
    });
  return fix ? [fix] : [];
}

/** The one `await` that a value comes from, at once or by a variable. */
function awaitedFor({ evaluation, reader }: FunctionCode, value: Temp): Instruction | undefined {
  const uses = usesIn(evaluation.facts);
  const origin = originOf(reader, value);
  if (origin?.op === "await") return origin;
  const [load] = uses.definitions(value);
  if (load?.op !== "load") return undefined;
  const awaits = evaluation.facts.blocks.flatMap(({ code }) =>
    code.flatMap((i) => {
      const [from] = i.op === "store" && i.variable === load.variable ? uses.definitions(i.from) : [];
      return from?.op === "await" ? [from] : [];
    }),
  );
  return awaits.length === 1 ? awaits[0] : undefined;
}

/** The same for an entry: loads under way are kept by their key, where that is a name. */
function keptLoads(
  view: ProgramView,
  { evaluation }: FunctionCode,
  { place, key, read }: Test,
  { call, callee }: { readonly call: Instruction; readonly callee: string },
): readonly FixPlan[] {
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const [named] = key === undefined ? [] : usesIn(evaluation.facts).definitions(key);
  const variable = named?.op === "load" ? facts?.variables[named.variable] : undefined;
  const object = read.op === "call" ? read.receiver : read.op === "get-element" ? read.object : undefined;
  const [held] = object === undefined ? [] : usesIn(evaluation.facts).definitions(object);
  if (!facts || !variable || variable.assignments > 0 || !held) return [];
  const declaration = declarationOf(view, evaluation, held);
  if (!declaration) return [];
  const fix = keepLoads(view, evaluation.facts, {
    call: locationIn(file, call),
    callee,
    place: place.text,
    key: variable.name,
    ...declaration,
    typed: facts.language === "typescript",
  });
  return fix ? [fix] : [];
}

function isPlainAsyncFunction(view: ProgramView, key: FunctionKey): boolean {
  const facts = view.world.function(key);
  const head = facts && view.text(parseKey(key).file)?.slice(facts.start, facts.body.start);
  return facts?.async === true && /^(?:export\s+)?async\s+function\s*[\w$]+\s*\(/.test(head ?? "");
}

/** Where a variable of the module or a private field of the class is declared. */
function declarationOf(
  view: ProgramView,
  evaluation: Evaluation,
  access: Instruction,
): { readonly declaration: Location; readonly keyword: string } | undefined {
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  if (access.op === "store" || access.op === "load") {
    const variable = facts?.variables[access.variable];
    const statement = facts?.functions[0]?.statements
      .flatMap(({ of }) => of)
      .find((one) => variable && one.start <= variable.start && variable.end <= one.end);
    const isOwn = variable?.function === 0 && statement !== undefined;
    return isOwn ? { declaration: locationIn(file, statement), keyword: "let " } : undefined;
  }
  if (access.op !== "set" && access.op !== "get") return undefined;
  const owner = evaluation.values[access.object];
  const real = owner && plain(owner);
  if (real?.kind !== "receiver" || !isClassKey(real.of)) return undefined;
  const found = view.world.member(real.of as ClassKey, access.name, false);
  if (!found || parseKey(found.owner).file !== file || found.member.access !== "private") return undefined;
  // What stands in front of a field speaks of it.
  const text = view.text(file) ?? "";
  const start = text.lastIndexOf("\n", found.member.start) + 1;
  const isAlone = /^\s*(?:(?:private|readonly)\s+)*$/.test(text.slice(start, found.member.start));
  const isFree = /(?:[;{}]|^)\s*$/.test(text.slice(0, start)) && found.member.decorators.length === 0;
  if (!isAlone || !isFree) return undefined;
  const keyword = access.name.startsWith("#") ? "" : "private ";
  return { declaration: { file, start, end: start }, keyword };
}

/** The test once more, in front of the write. */
function testedAgain(view: ProgramView, test: Test, { code, write }: Fill): readonly FixPlan[] {
  const { evaluation } = code;
  const { file } = parseKey(evaluation.key);
  const text = view.text(file);
  const facts = view.world.facts(file);
  if (text === undefined || !facts) return [];
  const place = placeWritten(code.reader, write)?.text;
  const entry = code.entryCall(write);
  const at = locationIn(file, write);
  if (place !== undefined) {
    const empty = test.whenNullish ? `${place} == null` : `!${place}`;
    return [testAgain(view, evaluation.facts, at, `${place} =`, empty) ?? []].flat();
  }
  if (entry?.key === undefined || write.op !== "call" || write.receiver === undefined) return [];
  const map = describeTemp(facts, evaluation.facts, write.receiver);
  // A key is repeated only when it is a name.
  const key = describeTemp(facts, evaluation.facts, entry.key);
  if (!/^[\w$.#]+$/.test(`${map}.${key}`) || test.read.op !== "call") return [];
  return [testAgain(view, evaluation.facts, at, `${map}.set(`, `!${map}.has(${key})`) ?? []].flat();
}

function takesLock({ calls }: Evaluation, call: Instruction): boolean {
  return (calls.get(call)?.targets ?? []).some(
    (target) => target.kind === "operation" && target.model !== undefined && isLock(target.model),
  );
}

function isTrue({ evaluation }: FunctionCode, temp: Temp): boolean {
  const value = evaluation.values[temp];
  return value?.kind === "constant" && value.constant.type === "boolean" && value.constant.value;
}

/** The awaited call that makes the value, as written, or of a mark the last one in front of it. */
function workOf(view: ProgramView, { code, value, write, wait, isMark }: Fill): string | undefined {
  if (isMark) {
    const done = [...code.evaluation.awaits.keys()].flatMap((i) => {
      const call = i.op === "await" && i !== wait ? originOf(code.reader, i.from) : undefined;
      const counts =
        call &&
        i.start < write.start &&
        !takesLock(code.evaluation, call) &&
        !isIdempotent(view.solution, code.evaluation, call);
      return counts ? [call] : [];
    });
    return calleeText(view, code.evaluation, done.sort((a, b) => a.start - b.start).at(-1));
  }
  const made = madeBy(code.evaluation, value);
  const awaited = code.evaluation.facts.blocks.flatMap((block) =>
    block.code.flatMap((i) => (i.op === "await" ? (originOf(code.reader, i.from) ?? []) : [])),
  );
  const work = made.find((i) => awaited.includes(i));
  return work
    ? calleeText(view, code.evaluation, work)
    : (waitedFor(view, code, wait) ?? calleeText(view, code.evaluation, made[0]));
}
