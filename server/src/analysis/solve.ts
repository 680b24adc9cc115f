import type { FilePath } from "../program/ids.ts";
import type { SymbolAnswer } from "../program/program.ts";
import { createSemantics } from "./create-semantics.ts";
import { type Evaluation, evaluate, type Question } from "./evaluate.ts";
import { fieldOf } from "./members.ts";
import { type ClassKey, type FunctionKey, functionKey, parseKey, type VariableKey } from "./places.ts";
import type { Semantics } from "./semantics.ts";
import { type FieldKey, joinSummaries, type Reader, type Summary, summaryText } from "./summary.ts";
import { alternatives, type Value, Values } from "./values.ts";
import type { World } from "./world.ts";

export type Answers = ReadonlyMap<FilePath, ReadonlyMap<number, SymbolAnswer>>;

/** Asks TypeScript where names lead: one answer per node, in order. */
export type Ask = (file: FilePath, nodes: readonly Question["node"][]) => readonly SymbolAnswer[];

export interface SolveStatistics {
  readonly functions: number;
  readonly evaluations: number;
  /** Functions that did not settle within the bound; what is known of them is not complete. */
  readonly unsettled: number;
  readonly questions: number;
}

export interface SolveContext {
  readonly ask: Ask;
  /** Runs something about a file; when it crashes, that is noted and `otherwise` counts. */
  readonly attempt: <T>(file: FilePath, what: string, run: () => T, otherwise: T) => T;
  /** Asked while solving, which then stops with what is known by then. */
  readonly isCancelled?: () => boolean;
}

/** The fixed point: what every function does, seen from its callers. */
export interface Solution {
  readonly semantics: Semantics;
  readonly functions: readonly FunctionKey[];
  readonly statistics: SolveStatistics;
  summary(key: FunctionKey): Summary | undefined;
  /** A function with everything known of the others; undefined when it could not be evaluated. */
  evaluation(key: FunctionKey): Evaluation | undefined;
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

/**
 * Evaluates all functions until nothing changes: a work list over functions, with variables and fields between them.
 * The result is the least fixed point of functions that only add, so the order of the work does not show in it.
 */
export function solve(world: World, { ask, attempt, isCancelled }: SolveContext): Solution {
  const values = new Values();
  const summaries = new Map<FunctionKey, Summary>();
  const texts = new Map<FunctionKey, string>();
  const variables = new Contributions<VariableKey>(values);
  const fields = new Contributions<FieldKey>(values);
  // Fields that the program only reads: filled from outside, or by code that we do not understand.
  const unassigned = new Set<FieldKey>();
  const answers = new Map<FilePath, Map<number, SymbolAnswer>>();
  const callers = new Map<FunctionKey, Set<FunctionKey>>();
  const questions = new Map<FunctionKey, readonly Question[]>();
  const counts = new Map<FunctionKey, number>();
  // The last evaluation of a function is the one with everything known: whatever it reads and changes later queues it.
  const evaluated = new Map<FunctionKey, Evaluation>();
  let evaluations = 0;
  let asked = 0;
  let current: FunctionKey | undefined;

  const reader: Reader = {
    summary(key) {
      if (current !== undefined) {
        const known = callers.get(key);
        if (known) known.add(current);
        else callers.set(key, new Set([current]));
      }
      return summaries.get(key);
    },
    variable: (key) => variables.read(key, current),
    field: (key) => fields.read(key, current),
    isUnassigned: (key) => unassigned.has(key),
    answer: (file, node) => answers.get(file)?.get(node),
  };
  const semantics = createSemantics(world, values, reader);
  const functions = initialOrder(world);
  const work = new WorkList(functions);

  const settle = () => {
    do evaluateAll();
    while (openFields());
  };
  /** When nothing changes any more, fields that got no value never will; who reads them has to look again. */
  const openFields = (): boolean => {
    const empty = fields.readButEmpty().filter((key) => !unassigned.has(key));
    for (const key of empty) {
      unassigned.add(key);
      work.addAll(fields.readers(key));
    }
    return empty.length > 0;
  };
  const evaluateAll = () => {
    for (let key = work.take(); key !== undefined; key = work.take()) {
      const facts = world.function(key);
      const count = (counts.get(key) ?? 0) + 1;
      if (!facts || count > maxEvaluations) continue;
      counts.set(key, count);
      evaluations += 1;
      if (evaluations % cancelEvery === 0 && isCancelled?.()) return;
      current = key;
      const done = attempt(
        parseKey(key).file,
        "evaluation",
        () => evaluate(semantics, key, facts),
        undefined,
      );
      current = undefined;
      if (!done) {
        counts.set(key, maxEvaluations);
        continue;
      }
      evaluated.set(key, done);
      questions.set(key, done.questions);
      const before = summaries.get(key);
      const after = before ? joinSummaries(values, before, done.summary) : done.summary;
      const text = summaryText(after);
      summaries.set(key, after);
      if (texts.get(key) !== text) {
        texts.set(key, text);
        work.addAll(callers.get(key));
      }
      for (const [variable, value] of done.stores) work.addAll(variables.write(variable, key, value));
      for (const [field, value] of done.fields) work.addAll(fields.write(field, key, value));
    }
  };

  settle();
  for (let round = 0; round < maxRounds; round += 1) {
    const open = openQuestions(world, values, questions, summaries, answers);
    if (open.size === 0 || isCancelled?.()) break;
    for (const [file, list] of open) {
      const given = ask(
        file,
        list.map((one) => one.question.node),
      );
      asked += list.length;
      const known = answers.get(file) ?? new Map<number, SymbolAnswer>();
      answers.set(file, known);
      for (const [index, { question, key }] of list.entries()) {
        const answer = given[index] ?? { kind: "unknown" };
        known.set(question.node, answer);
        if (answer.kind === "declared") work.add(key);
      }
    }
    settle();
  }

  let names: ReadonlyMap<Value, string> | undefined;
  return {
    semantics,
    functions,
    statistics: {
      functions: functions.length,
      evaluations,
      unsettled: [...counts.values()].filter((count) => count >= maxEvaluations).length,
      questions: asked,
    },
    summary: (key) => summaries.get(key),
    field: (of, name, isStatic = false) => reader.field(fieldOf(semantics, of, name, isStatic)),
    nameOf(value) {
      names ??= variables.namesOf((key) => world.variable(key)?.name);
      return names.get(value);
    },
    evaluation: (key) => evaluated.get(key),
  };
}

/**
 * Files behind those that they import, functions behind those around them: most callees, constants and captured
 * variables are known by the time somebody reads them.
 */
function initialOrder(world: World): FunctionKey[] {
  return filesByImport(world).flatMap((file) => {
    const count = world.facts(file)?.functions.length ?? 0;
    const order = [functionKey(file, 0 as never)];
    for (let id = 1; id < count; id += 1) order.push(functionKey(file, id as never));
    return order;
  });
}

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

/** What several functions store into one variable or field, and who reads it. */
class Contributions<K> {
  readonly #values: Values;
  readonly #given = new Map<K, Map<FunctionKey, Value>>();
  readonly #total = new Map<K, Value>();
  readonly #readers = new Map<K, Set<FunctionKey>>();

  constructor(values: Values) {
    this.#values = values;
  }

  read(key: K, by: FunctionKey | undefined): Value {
    if (by !== undefined) {
      const known = this.#readers.get(key);
      if (known) known.add(by);
      else this.#readers.set(key, new Set([by]));
    }
    return this.#total.get(key) ?? this.#values.nothing;
  }

  readers(key: K): ReadonlySet<FunctionKey> | undefined {
    return this.#readers.get(key);
  }

  readButEmpty(): readonly K[] {
    return [...this.#readers.keys()].filter((key) => (this.#total.get(key)?.kind ?? "nothing") === "nothing");
  }

  /** The names of the keys by what they hold; of several the first in the order of keys. */
  namesOf(nameOf: (key: K) => string | undefined): ReadonlyMap<Value, string> {
    const names = new Map<Value, string>();
    for (const [key, value] of [...this.#total].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const name = nameOf(key);
      for (const part of alternatives(value))
        if (name !== undefined && !names.has(part)) names.set(part, name);
    }
    return names;
  }

  /** The functions that have to look again. */
  write(key: K, by: FunctionKey, value: Value): ReadonlySet<FunctionKey> | undefined {
    const given = this.#given.get(key) ?? new Map<FunctionKey, Value>();
    this.#given.set(key, given);
    const before = given.get(by) ?? this.#values.nothing;
    const after = this.#values.join(before, value);
    if (after === before && given.has(by)) return undefined;
    given.set(by, after);
    const total = [...given.values()].reduce((a, b) => this.#values.join(a, b), this.#values.nothing);
    if (this.#total.get(key) === total) return undefined;
    this.#total.set(key, total);
    return this.#readers.get(key);
  }
}

/** What is waiting, in rounds: what a round adds before its own place comes with the next round. */
class WorkList {
  readonly #keys: readonly FunctionKey[];
  readonly #places = new Map<FunctionKey, number>();
  readonly #waiting: Uint8Array;
  #left: number;
  #at = 0;

  constructor(initial: readonly FunctionKey[]) {
    this.#keys = initial;
    this.#waiting = new Uint8Array(initial.length).fill(1);
    this.#left = initial.length;
    for (const [place, key] of initial.entries()) this.#places.set(key, place);
  }

  take(): FunctionKey | undefined {
    if (this.#left === 0) return undefined;
    const ahead = this.#waiting.indexOf(1, this.#at);
    this.#at = ahead < 0 ? this.#waiting.indexOf(1) : ahead;
    this.#waiting[this.#at] = 0;
    this.#left -= 1;
    return this.#keys[this.#at];
  }

  add(key: FunctionKey): void {
    const place = this.#places.get(key);
    if (place === undefined || this.#waiting[place] === 1) return;
    this.#waiting[place] = 1;
    this.#left += 1;
  }

  addAll(keys: ReadonlySet<FunctionKey> | undefined): void {
    for (const key of keys ?? []) this.add(key);
  }
}

/**
 * The names worth a question: members that a model of an imported library has, or that share their name with a
 * function of the program that waits, locks or hands out a handle.
 */
function openQuestions(
  world: World,
  values: Values,
  questions: ReadonlyMap<FunctionKey, readonly Question[]>,
  summaries: ReadonlyMap<FunctionKey, Summary>,
  answers: Answers,
): Map<FilePath, { readonly key: FunctionKey; readonly question: Question }[]> {
  const interesting = new Set<string>();
  for (const [key, summary] of summaries) {
    const name = world.function(key)?.name.split(".").at(-1);
    if (name && hasEffect(values, summary)) interesting.add(name);
  }
  const open = new Map<FilePath, { readonly key: FunctionKey; readonly question: Question }[]>();
  for (const [key, list] of questions) {
    const { file } = parseKey(key);
    for (const question of list) {
      if (answers.get(file)?.has(question.node)) continue;
      if (!interesting.has(question.name) && !world.models.mayBeMember(question.name, world.imported))
        continue;
      const known = open.get(file);
      if (known) known.push({ key, question });
      else open.set(file, [{ key, question }]);
    }
  }
  return open;
}

function hasEffect(values: Values, summary: Summary): boolean {
  return (
    summary.waits.list.some((wait) => wait.kind === "operation" && holdsOrWaits(wait.model.kind)) ||
    summary.scopes.length > 0 ||
    summary.uses.length > 0 ||
    givesHandle(values, summary.returns)
  );
}

function holdsOrWaits(kind: string): boolean {
  return kind !== "promise" && kind !== "collection";
}

function givesHandle(values: Values, value: Value): boolean {
  return alternatives(value).some((part) => {
    switch (part.kind) {
      case "promise":
        return part.waits.list.length > 0 || givesHandle(values, part.of);
      case "fresh":
        return part.made.type === "handle" || part.made.type === "resource";
      default:
        return false;
    }
  });
}
