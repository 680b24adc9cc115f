import type { FunctionFacts, FunctionId } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { createSemantics } from "./create-semantics.ts";
import { type Evaluation, evaluate, type Question } from "./evaluate.ts";
import { withLoaded } from "./files-about.ts";
import { capturesIn } from "./flow.ts";
import { fieldOf } from "./members.ts";
import {
  beginRun,
  type Cell,
  type FinishedRun,
  type Memory,
  type Outcome,
  type Shared,
  type SolvedFile,
  type Unit,
  type WorldChanges,
} from "./memory.ts";
import { type ClassKey, type FunctionKey, functionKey, parseKey, type VariableKey } from "./places.ts";
import { answered, namesWithEffect } from "./questions.ts";
import { repeatRun } from "./repeat.ts";
import type { Semantics } from "./semantics.ts";
import type { SolveContext } from "./solve-context.ts";
import { type FieldKey, fileOfClassField, type Reader, type Summary, siteOfField } from "./summary.ts";
import { alternatives, type Value, type Values } from "./values.ts";
import type { World } from "./world.ts";

export interface SolveStatistics {
  readonly functions: number;
  readonly evaluations: number;
  /** How often a function was looked at; never, when the run would have been that of the time before. */
  readonly steps: number;
  /** Functions that did not settle within the bound; what is known of them is not complete. */
  readonly unsettled: number;
  readonly questions: number;
}

/** An evaluation and the file of its function. */
export interface EvaluationIn {
  readonly file: FilePath;
  readonly evaluation: Evaluation;
}

/** The fixed point: what every function does, seen from its callers. */
export interface Solution {
  readonly semantics: Semantics;
  /** The same object for solutions that differ only in what functions do by themselves, and nobody else can tell. */
  readonly run: object;
  /** What was solved: the functions of the program, then of files aside. */
  readonly functions: readonly FunctionKey[];
  readonly statistics: SolveStatistics;
  summary(key: FunctionKey): Summary | undefined;
  /** A function with everything known of the others; undefined when it could not be evaluated. */
  evaluation(key: FunctionKey): Evaluation | undefined;
  /** Those of all functions that could be evaluated, in the order of `functions`: for whoever goes through the program. */
  evaluations(): readonly EvaluationIn[];
  /** What a field of a class holds, from every assignment to it. */
  field(of: ClassKey, name: string, isStatic?: boolean): Value;
  /** The variable that something made at a site was first stored in. */
  nameOf(value: Value): string | undefined;
}

/** A function that takes part in a cycle is looked at again until nothing changes; this many times at most. */
const maxEvaluations = 40;
/** Evaluations between two looks at whether anybody still wants the result. */
const cancelEvery = 64;
/** Answers make more functions known, whose members raise new questions. */
const maxRounds = 3;
/** Functions that are evaluated because another asks for them, each within the one before. */
const maxNested = 40;

/**
 * Evaluates functions until nothing changes: a work list over functions, with variables and fields between them.
 * The result is the least fixed point of functions that only add, so the order of the work does not show in it.
 * Wanted files aside come after the program, which they read and do not change.
 *
 * With `memory` the same steps are taken as without, in the same order, but a function that finds everything that it
 * reads as it was at an earlier evaluation is not evaluated again. So the solution cannot differ.
 */
export function solve(world: World, context: SolveContext, memory: Memory): Solution {
  return new Solver(world, context, memory).solve();
}

class Solver {
  readonly #world: World;
  readonly #context: SolveContext;
  readonly #memory: Memory;
  readonly #values: Values;
  readonly #semantics: Semantics;
  readonly #changes: WorldChanges;
  /** The functions of this run, and what is known of them. */
  readonly #units = new Map<FunctionKey, Unit>();
  readonly #summaries = new Map<FunctionKey, Summary>();
  /** The names that TypeScript was asked about. */
  readonly #asked = new Map<FilePath, Question[]>();
  /** Fields that somebody has read while they had no value. */
  readonly #emptyFields = new Set<Shared<unknown>>();
  #work = new WorkList([]);
  /** The evaluation that is under way; those that wait for it are further out. */
  #current: Recording | undefined;
  #nested = 0;
  #steps = 0;
  #evaluations = 0;
  #isCancelled = false;

  constructor(world: World, context: SolveContext, memory: Memory) {
    this.#world = world;
    this.#context = context;
    this.#memory = memory;
    this.#values = memory.values;
    this.#changes = memory.compare(world);
    const reader: Reader = {
      summary: (key) => this.#readSummary(key),
      variable: (key) => this.#readVariable(key),
      field: (key) => this.#readField(key),
      isUnassigned: (key) => this.#read(memory.field(key).unassigned),
      answer: (file, node) => this.#read(memory.answer(file, node)),
    };
    this.#semantics = createSemantics(world, memory.values, reader);
  }

  solve(): Solution {
    return this.#repeated() ?? this.#fromStart();
  }

  /** The solution of the last run, when this one would take the same steps. */
  #repeated(): Solution | undefined {
    const evaluations = repeatRun(this.#world, this.#context, this.#memory, this.#changes);
    const finished = evaluations === undefined ? undefined : this.#memory.finished();
    if (evaluations === undefined || !finished) return undefined;
    this.#evaluations = evaluations;
    return this.#solution(finished);
  }

  #fromStart(): Solution {
    const { wantedAside } = this.#context;
    const world = this.#world;
    const memory = this.#memory;
    memory.startRun();
    const ordered = filesByImport(world);
    const inProgram = ordered.filter((file) => !world.isAside(file));
    this.#solveFiles(inProgram);
    const solved = this.#isCancelled ? undefined : new Map(this.#summaries);
    const aside = withLoaded(world, solved ? wantedAside(solved) : []);
    if (aside.size > 0) this.#solveFiles(ordered.filter((file) => aside.has(file)));
    const result = { units: this.#units, summaries: this.#summaries, asked: this.#asked, token: {} };
    if (solved && !this.#isCancelled && [...this.#units.values()].every(({ outcome }) => outcome)) {
      memory.finish({
        ...result,
        epoch: this.#changes.epoch,
        files: filesOf(world, this.#changes),
        imported: world.imported,
        aside,
        inProgram: solved,
        askedNames: namesWithEffect(world, this.#summaries),
      });
    }
    return this.#solution(result);
  }

  #solveFiles(files: readonly FilePath[]): void {
    // Functions behind those around them: most constants and captured variables are known by the time somebody reads them.
    const units = files.flatMap((file) => this.#unitsIn(file));
    this.#work = new WorkList(units);
    this.#settle();
    for (let round = 0; round < maxRounds && !this.#isCancelled; round += 1) {
      if (!this.#answer(units)) break;
      this.#settle();
    }
  }

  /** The functions of a file, ready for this run. */
  #unitsIn(file: FilePath): Unit[] {
    const inside = this.#changes.insideOf(file);
    const isAside = this.#world.isAside(file);
    const functions = this.#world.facts(file)?.functions ?? [];
    return functions.map((facts, id) => {
      const key = functionKey(file, id as FunctionId);
      const unit = this.#memory.unit(key);
      beginRun(unit, { facts, inside, isAside });
      this.#units.set(key, unit);
      return unit;
    });
  }

  #settle(): void {
    do this.#evaluateAll();
    while (this.#openFields());
  }

  /** When nothing changes any more, fields that got no value never will; who reads them has to look again. */
  #openFields(): boolean {
    const empty: Shared<unknown>[] = [];
    for (const field of this.#emptyFields) {
      if (this.#now(field).kind === "nothing" && !this.#now(field.unassigned)) empty.push(field);
      else this.#emptyFields.delete(field);
    }
    for (const field of empty) this.#change(field.unassigned, true);
    return empty.length > 0;
  }

  #evaluateAll(): void {
    for (let unit = this.#work.take(); unit; unit = this.#work.take()) {
      this.#look(unit);
      if (this.#isCancelled) return;
    }
  }

  /** Brings a function up to what is known of the others by now. */
  #look(unit: Unit): void {
    this.#steps += 1;
    if (this.#steps % cancelEvery === 0 && this.#context.isCancelled?.()) this.#isCancelled = true;
    if (this.#isCancelled || unit.count >= maxEvaluations || this.#isUpToDate(unit)) return;
    unit.running = true;
    this.#nested += 1;
    const outcome = this.#outcomeOf(unit);
    this.#nested -= 1;
    unit.running = false;
    unit.looked = true;
    unit.count = outcome ? unit.count + 1 : maxEvaluations;
    if (!outcome) return;
    unit.outcome = outcome;
    const before = this.#now(unit.summary);
    const after = before ? this.#memory.joined(before, outcome.summary) : outcome.summary;
    this.#summaries.set(unit.key, after);
    this.#change(unit.summary, after);
    // What files aside do to the program counts for nobody.
    for (const [key, value] of outcome.stores) {
      if (unit.isAside && !this.#isAside(parseKey(key).file)) continue;
      this.#contribute(this.#memory.variable(key), unit, value);
    }
    for (const [key, value] of outcome.fields) {
      if (unit.isAside && !this.#isAside(ownerOf(this.#values, key))) continue;
      this.#contribute(this.#memory.field(key), unit, value);
    }
  }

  /** Nothing has changed of what its last evaluation has read: somebody else changed what an earlier one did. */
  #isUpToDate({ outcome }: Unit): boolean {
    if (!outcome) return false;
    const { reads, seen } = outcome;
    for (let index = 0; index < reads.length; index += 1) {
      if (this.#now(reads[index] as Cell) !== seen[index]) return false;
    }
    return true;
  }

  #isAside(owner: FilePath | undefined): boolean {
    return owner !== undefined && this.#world.isAside(owner);
  }

  /** What was concluded when everything was as it is now, else what is concluded now; undefined when that fails. */
  #outcomeOf(unit: Unit): Outcome | undefined {
    for (const outcome of unit.outcomes) {
      if (!this.#holds(outcome, unit)) continue;
      this.#memory.takeOver(outcome);
      return outcome;
    }
    if (!unit.facts) return undefined;
    this.#evaluations += 1;
    return this.#evaluate(unit, unit.facts);
  }

  #holds(outcome: Outcome, unit: Unit): boolean {
    if (outcome.facts !== unit.facts || outcome.inside !== unit.inside) return false;
    if (!this.#changes.holds(outcome.looks)) return false;
    const { reads, seen } = outcome;
    for (let index = 0; index < reads.length; index += 1) {
      const cell = reads[index] as Cell;
      // Whatever an evaluation would have evaluated first comes first here, too.
      if (cell.unit) this.#demand(cell.unit);
      if (cell.shared) this.#noteRead(cell.shared);
      if (this.#now(cell) !== seen[index]) return false;
    }
    return true;
  }

  #evaluate(unit: Unit, facts: FunctionFacts): Outcome | undefined {
    const { world } = this.#semantics;
    const outer = this.#current;
    const recording: Recording = { unit, reads: [], seen: [], known: new Set() };
    this.#current = recording;
    const looks = this.#changes.newLooks(unit.file);
    const watched = world.watch(looks);
    const done = this.#context.attempt(
      unit.file,
      "evaluation",
      () => evaluate(this.#semantics, unit.key, facts),
      undefined,
    );
    world.watch(watched);
    this.#current = outer;
    if (!done) return undefined;
    const { reads, seen } = recording;
    const { inside } = unit;
    const { stores, fields, questions } = done;
    const summary = this.#memory.interned(done.summary);
    const evaluation = summary === done.summary ? done : { ...done, summary };
    return this.#memory.keep(unit, {
      facts,
      inside,
      looks: looks?.done(),
      reads,
      seen,
      summary,
      stores,
      fields,
      questions,
      evaluation,
    });
  }

  // --- what functions read of one another

  #now<T>(cell: Cell<T>): T {
    return this.#memory.now(cell);
  }

  #read<T>(cell: Cell<T>): T {
    const value = this.#now(cell);
    const recording = this.#current;
    if (recording && !recording.known.has(cell)) {
      recording.known.add(cell);
      cell.readers.add(recording.unit);
      recording.reads.push(cell);
      recording.seen.push(value);
    }
    return value;
  }

  #readSummary(key: FunctionKey): Summary | undefined {
    const unit = this.#memory.unit(key);
    if (this.#current) this.#demand(unit);
    return this.#read(unit.summary);
  }

  #readVariable(key: VariableKey): Value {
    const cell = this.#memory.variable(key);
    if (this.#current) {
      const { file } = parseKey(key);
      const declared = this.#world.variable(key)?.function;
      cell.unit = declared === undefined ? undefined : this.#memory.unit(functionKey(file, declared));
      if (cell.unit) this.#demand(cell.unit);
    }
    return this.#read(cell);
  }

  #readField(key: FieldKey): Value {
    const cell = this.#memory.field(key);
    if (this.#current) this.#noteRead(cell);
    return this.#read(cell);
  }

  /** What has a value by now never needs to be asked for one. */
  #noteRead(cell: Shared<unknown>): void {
    if (this.#now(cell).kind === "nothing") this.#emptyFields.add(cell);
  }

  /** A function that nobody has looked at comes before whoever asks for it. */
  #demand(unit: Unit): void {
    if (unit.looked || unit.running || this.#nested >= maxNested || this.#seesRunning(unit)) return;
    if (this.#work.remove(unit)) this.#look(unit);
  }

  /** It reads variables of functions that are being evaluated, which are not known before those are. */
  #seesRunning({ key, file }: Unit): boolean {
    const facts = this.#world.facts(file);
    const id = parseKey(key).id as FunctionId;
    const captured = facts && capturesIn(facts).get(id);
    if (!facts || !captured) return false;
    for (const variable of captured) {
      const owner = facts.variables[variable]?.function;
      if (owner !== undefined && owner !== 0 && this.#units.get(functionKey(file, owner))?.running)
        return true;
    }
    return false;
  }

  #contribute(cell: Shared<unknown>, unit: Unit, value: Value): void {
    this.#now(cell);
    const before = cell.given.get(unit) ?? this.#values.nothing;
    const after = this.#values.join(before, value);
    if (after === before && cell.given.has(unit)) return;
    cell.given.set(unit, after);
    let all = this.#values.nothing;
    for (const given of cell.given.values()) all = this.#values.join(all, given);
    this.#change(cell, all);
  }

  #change<T>(cell: Cell<T>, value: T): void {
    if (this.#now(cell) === value) return;
    cell.value = value;
    for (const reader of cell.readers) this.#work.add(reader);
  }

  // --- what only TypeScript knows

  /** Asks what is worth it; whether there was anything to ask. */
  #answer(units: readonly Unit[]): boolean {
    const open = this.#openQuestions(units);
    for (const [file, questions] of open) {
      const given = this.#context.ask(
        file,
        questions.map(({ node }) => node),
      );
      const asked = this.#asked.get(file) ?? [];
      this.#asked.set(file, asked);
      for (const [index, question] of questions.entries()) {
        asked.push(question);
        const answer = answered(this.#world, this.#memory, file, given[index]);
        this.#change(this.#memory.answer(file, question.node), answer);
      }
    }
    return open.size > 0;
  }

  /**
   * The names worth a question: members that a model of an imported library has, or that share their name with a
   * function of the program that waits, locks or hands out a handle.
   */
  #openQuestions(units: readonly Unit[]): ReadonlyMap<FilePath, readonly Question[]> {
    const worthIn = this.#memory.worthAsking(namesWithEffect(this.#world, this.#summaries), this.#world);
    const open = new Map<FilePath, Question[]>();
    for (const { file, outcome } of units) {
      for (const question of outcome ? worthIn(outcome) : []) {
        if (this.#now(this.#memory.answer(file, question.node)) !== undefined) continue;
        const known = open.get(file);
        if (known) known.push(question);
        else open.set(file, [question]);
      }
    }
    return open;
  }

  // --- the result

  #solution({
    units,
    summaries,
    asked,
    token,
  }: Pick<FinishedRun, "units" | "summaries" | "asked" | "token">): Solution {
    const world = this.#world;
    const memory = this.#memory;
    const functions = [...units.keys()];
    const evaluatedUnits = () =>
      [...units.values()].flatMap((unit): EvaluationIn[] => {
        const evaluation = this.#evaluationOf(unit);
        return evaluation ? [{ file: unit.file, evaluation }] : [];
      });
    let names: ReadonlyMap<Value, string> | undefined;
    let evaluations: readonly EvaluationIn[] | undefined;
    return {
      semantics: this.#semantics,
      run: token,
      functions,
      statistics: {
        functions: functions.length,
        evaluations: this.#evaluations,
        steps: this.#steps,
        unsettled: [...units.values()].filter(({ count }) => count >= maxEvaluations).length,
        questions: [...asked.values()].reduce((sum, { length }) => sum + length, 0),
      },
      summary: (key) => summaries.get(key),
      field: (of, name, isStatic = false) =>
        this.#semantics.reader.field(fieldOf(this.#semantics, of, name, isStatic)),
      nameOf(value) {
        names ??= namesOf(memory.variablesNow(), (key) => world.variable(key)?.name);
        return names.get(value);
      },
      evaluation: (key) => this.#evaluationOf(units.get(key)),
      evaluations() {
        evaluations ??= evaluatedUnits();
        return evaluations;
      },
    };
  }

  /** The last evaluation of a function is the one with everything known. */
  #evaluationOf(unit: Unit | undefined): Evaluation | undefined {
    if (!unit?.outcome || !unit.facts) return undefined;
    const { key, outcome, file, facts } = unit;
    const again = () => evaluate(this.#semantics, key, facts);
    outcome.evaluation ??= this.#context.attempt(file, "evaluation", again, undefined);
    return outcome.evaluation;
  }
}

function filesOf(world: World, changes: WorldChanges): ReadonlyMap<FilePath, SolvedFile> {
  const files = new Map<FilePath, SolvedFile>();
  for (const file of world.files) {
    const facts = world.facts(file);
    if (facts) files.set(file, { facts, inside: changes.insideOf(file) });
  }
  return files;
}

/** What an evaluation has read so far. */
interface Recording {
  readonly unit: Unit;
  readonly reads: Cell[];
  readonly seen: unknown[];
  readonly known: Set<Cell>;
}

/** The names of variables by what they hold; of several the first in the order of keys. */
function namesOf(
  variables: Iterable<readonly [VariableKey, Value]>,
  nameOf: (key: VariableKey) => string | undefined,
): ReadonlyMap<Value, string> {
  const first = new Map<Value, VariableKey>();
  for (const [key, value] of variables) {
    if (nameOf(key) === undefined) continue;
    for (const part of alternatives(value)) {
      const known = first.get(part);
      if (known === undefined || key < known) first.set(part, key);
    }
  }
  const names = new Map<Value, string>();
  for (const [value, key] of first) names.set(value, nameOf(key) ?? "");
  return names;
}

/** The file whose code makes or declares what a field belongs to. */
function ownerOf(values: Values, field: FieldKey): FilePath | undefined {
  const site = siteOfField(field);
  return site === undefined ? fileOfClassField(field) : values.siteAt(site)?.path[0]?.file;
}

/** Files behind those that they import: most callees are known by the time somebody calls them. */
function filesByImport(world: World): FilePath[] {
  const ordered: FilePath[] = [];
  const seen = new Set<FilePath>();
  for (const start of world.files) {
    // Depth first, without recursion: chains of imports get long.
    const open: { readonly file: FilePath; readonly imports: readonly FilePath[]; next: number }[] = [];
    const enter = (file: FilePath) => {
      if (seen.has(file)) return;
      seen.add(file);
      open.push({ file, imports: world.filesImportedBy(file), next: 0 });
    };
    enter(start);
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const target = top.imports[top.next];
      top.next += 1;
      if (target !== undefined) enter(target);
      else {
        ordered.push(top.file);
        open.pop();
      }
    }
  }
  return ordered;
}

/** What is waiting, in rounds: what a round adds before its own place comes with the next round. */
class WorkList {
  readonly #units: readonly Unit[];
  readonly #waiting: Uint8Array;
  #left: number;
  #at = 0;

  constructor(initial: readonly Unit[]) {
    this.#units = initial;
    this.#waiting = new Uint8Array(initial.length).fill(1);
    this.#left = initial.length;
    for (const [place, unit] of initial.entries()) unit.place = place;
  }

  take(): Unit | undefined {
    if (this.#left === 0) return undefined;
    const ahead = this.#waiting.indexOf(1, this.#at);
    this.#at = ahead < 0 ? this.#waiting.indexOf(1) : ahead;
    this.#waiting[this.#at] = 0;
    this.#left -= 1;
    return this.#units[this.#at];
  }

  add(unit: Unit): void {
    if (!this.#has(unit) || this.#waiting[unit.place] === 1) return;
    this.#waiting[unit.place] = 1;
    this.#left += 1;
  }

  /** Whether it was waiting. */
  remove(unit: Unit): boolean {
    if (!this.#has(unit) || this.#waiting[unit.place] !== 1) return false;
    this.#waiting[unit.place] = 0;
    this.#left -= 1;
    return true;
  }

  /** A place in an earlier list, or of an earlier run, is none in this one. */
  #has(unit: Unit): boolean {
    return this.#units[unit.place] === unit;
  }
}
