import type { FunctionFacts, FunctionId } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { createSemantics } from "./create-semantics.ts";
import { evaluate } from "./evaluate.ts";
import { withLoaded } from "./files-about.ts";
import type { Cell, FinishedRun, Memory, Outcome, SolvedFile, Unit, WorldChanges } from "./memory.ts";
import { functionKey } from "./places.ts";
import { answered } from "./questions.ts";
import { isSameList } from "./same-list.ts";
import type { Semantics } from "./semantics.ts";
import type { SolveContext } from "./solve-context.ts";
import type { World } from "./world.ts";

// Most edits change one function and nothing that others know of it. A run is a row of evaluations, each of which hangs on
// its function and on what it reads: when the new code gives for all that was read in the last run what the old code
// gave for it, every step would be the same again, and so is the result.

/** So many functions change in an ordinary edit; with more, a run is worth its price. */
const maxChanged = 50;

type MadeOutcome = Omit<Outcome, "run">;

/**
 * Puts the evaluations of changed functions into the last run; gives how many there were. Undefined, with nothing changed,
 * when a run could take other steps than the last one.
 */
export function repeatRun(
  world: World,
  context: SolveContext,
  memory: Memory,
  changes: WorldChanges,
): number | undefined {
  const finished = memory.finished();
  if (!finished || finished.epoch !== changes.epoch) return undefined;
  const edited = editedFiles(world, finished, changes);
  const changed = edited && changedFunctions(edited, finished);
  if (!edited || !changed || changed.length > maxChanged) return undefined;
  const worth = memory.worthAsking(finished.askedNames, world);
  const replay = new Replay(world, memory, changes);
  const replaced: { readonly unit: Unit; readonly old: Outcome; readonly made: MadeOutcome }[] = [];
  for (const { unit, facts } of changed) {
    for (const old of memory.outcomesNow(unit)) {
      const made = replay.evaluate(unit, facts, old);
      if (!made || !isSameOutcome(old, made) || !isSameList(worth(old), worth(made), isSameQuestion))
        return undefined;
      replaced.push({ unit, old, made });
    }
  }
  if (!isAnsweredAlike(world, context, memory, finished)) return undefined;
  const aside = withLoaded(world, context.wantedAside(finished.inProgram));
  if (aside.size !== finished.aside.size || [...aside].some((file) => !finished.aside.has(file)))
    return undefined;
  for (const { unit, old, made } of replaced) memory.replace(unit, old, made);
  memory.finish({ ...finished, files: new Map([...finished.files, ...edited]) });
  return replaced.length;
}

/** The files whose functions have changed and nothing else; undefined when something else has. */
function editedFiles(
  world: World,
  { files, imported }: FinishedRun,
  changes: WorldChanges,
): ReadonlyMap<FilePath, SolvedFile> | undefined {
  if (files.size !== world.files.length || imported.size !== world.imported.size) return undefined;
  for (const name of world.imported) if (!imported.has(name)) return undefined;
  const edited = new Map<FilePath, SolvedFile>();
  let index = 0;
  for (const [file, before] of files) {
    if (world.files[index] !== file) return undefined;
    index += 1;
    const facts = world.facts(file);
    const inside = changes.insideOf(file);
    if (!facts || inside !== before.inside) return undefined;
    if (facts === before.facts) continue;
    // The order in which files load one another.
    if (!isSameList(facts.bareImports, before.facts.bareImports)) return undefined;
    edited.set(file, { facts, inside });
  }
  return edited;
}

/** Undefined when a function comes or goes. */
function changedFunctions(
  edited: ReadonlyMap<FilePath, SolvedFile>,
  { files, units }: FinishedRun,
): readonly { readonly unit: Unit; readonly facts: FunctionFacts }[] | undefined {
  const changed: { readonly unit: Unit; readonly facts: FunctionFacts }[] = [];
  for (const [file, { facts }] of edited) {
    const before = files.get(file)?.facts.functions ?? [];
    if (before.length !== facts.functions.length) return undefined;
    for (const [id, one] of facts.functions.entries()) {
      const unit = units.get(functionKey(file, id as FunctionId));
      // Nobody looked at it, and whether anybody wants to now is asked later.
      if (unit && one !== before[id]) changed.push({ unit, facts: one });
    }
  }
  return changed;
}

/** TypeScript says of all names what it said in the last run. */
function isAnsweredAlike(
  world: World,
  context: SolveContext,
  memory: Memory,
  { asked }: FinishedRun,
): boolean {
  for (const [file, questions] of asked) {
    const nodes = questions.map(({ node }) => node);
    const given = context.ask(file, nodes);
    for (const [index, node] of nodes.entries()) {
      const answer = answered(world, memory, file, given[index]);
      if (memory.now(memory.answer(file, node)) !== answer) return false;
    }
  }
  return true;
}

/** What others can tell of it. */
function isSameOutcome(a: MadeOutcome, b: MadeOutcome): boolean {
  return a.summary === b.summary && isSameMap(a.stores, b.stores) && isSameMap(a.fields, b.fields);
}

function isSameMap<Key>(a: ReadonlyMap<Key, unknown>, b: ReadonlyMap<Key, unknown>): boolean {
  return isSameList([...a], [...b], ([key, value], [other, its]) => key === other && value === its);
}

function isSameQuestion(a: Outcome["questions"][number], b: Outcome["questions"][number]): boolean {
  return a.node === b.node && a.name === b.name;
}

/** Evaluates functions with what an earlier evaluation has read. */
class Replay {
  readonly #memory: Memory;
  readonly #changes: WorldChanges;
  readonly #semantics: Semantics;
  /** What the evaluation under way may read. */
  #given: ReadonlyMap<Cell, unknown> = new Map();
  #read = new Map<Cell, unknown>();
  #readsMore = false;

  constructor(world: World, memory: Memory, changes: WorldChanges) {
    this.#memory = memory;
    this.#changes = changes;
    this.#semantics = createSemantics(world, memory.values, {
      summary: (key) => this.#take(memory.unit(key).summary),
      variable: (key) => this.#take(memory.variable(key)),
      field: (key) => this.#take(memory.field(key)),
      isUnassigned: (key) => this.#take(memory.field(key).unassigned),
      answer: (file, node) => this.#take(memory.answer(file, node)),
    });
  }

  /** Undefined when it reads something else than the old one did, in which case others could have come first. */
  evaluate(unit: Unit, facts: FunctionFacts, old: Outcome): MadeOutcome | undefined {
    this.#given = new Map(old.reads.map((cell, index) => [cell, old.seen[index]]));
    this.#read = new Map();
    this.#readsMore = false;
    const { world } = this.#semantics;
    const looks = this.#changes.newLooks(unit.file);
    const watched = world.watch(looks);
    try {
      const evaluation = evaluate(this.#semantics, unit.key, facts);
      const reads = [...this.#read.keys()];
      if (this.#readsMore || !isSameList(this.#telling(reads), this.#telling(old.reads))) return undefined;
      const summary = this.#memory.interned(evaluation.summary);
      return {
        facts,
        inside: unit.inside,
        looks: looks?.done(),
        reads,
        seen: [...this.#read.values()],
        summary,
        stores: evaluation.stores,
        fields: evaluation.fields,
        questions: evaluation.questions,
        evaluation: { ...evaluation, summary },
      };
    } catch {
      // The run that comes instead says so.
      return undefined;
    } finally {
      world.watch(watched);
    }
  }

  #take<T>(cell: Cell<T>): T {
    if (this.#read.has(cell)) return this.#read.get(cell) as T;
    const isGiven = this.#given.has(cell);
    this.#readsMore ||= !isGiven && !this.#isOpen(cell);
    const value = isGiven ? (this.#given.get(cell) as T) : this.#memory.now(cell);
    this.#read.set(cell, value);
    return value;
  }

  /** What nobody asked about tells nothing, whoever reads it. */
  #isOpen(cell: Cell): boolean {
    return cell.isAnswer === true && this.#memory.now(cell) === undefined;
  }

  #telling(cells: readonly Cell[]): readonly Cell[] {
    return cells.filter((cell) => !this.#isOpen(cell));
  }
}
