import type { FilePath } from "../program/ids.ts";
import type { SymbolAnswer } from "../program/program.ts";
import { createSemantics, type Evaluation, evaluate, type Question } from "./evaluate.ts";
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
}

/** The fixed point: what every function does, seen from its callers. */
export interface Solution {
  readonly semantics: Semantics;
  readonly functions: readonly FunctionKey[];
  readonly statistics: SolveStatistics;
  summary(key: FunctionKey): Summary | undefined;
  /** A function with everything known of the others. Kept, because several passes look at the same one. */
  evaluation(key: FunctionKey): Evaluation | undefined;
  /** What a field of a class holds, from every assignment to it. */
  field(of: ClassKey, name: string, isStatic?: boolean): Value;
  /** The variable that something made at a site was first stored in. */
  nameOf(value: Value): string | undefined;
}

/** A function that takes part in a cycle is looked at again until nothing changes; this many times at most. */
const maxEvaluations = 40;
/** Answers make more functions known, whose members raise new questions. */
const maxRounds = 3;

/**
 * Evaluates all functions until nothing changes: a work list over functions, with variables and fields between them.
 * The result is the least fixed point of functions that only add, so the order of the work does not show in it.
 */
export function solve(world: World, { ask, attempt }: SolveContext): Solution {
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
    if (open.size === 0) break;
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
  const kept = new Map<FunctionKey, Evaluation>();
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
    evaluation(key) {
      const facts = world.function(key);
      let known = kept.get(key);
      if (!known && facts) {
        known = attempt(parseKey(key).file, "evaluation", () => evaluate(semantics, key, facts), undefined);
        if (known) kept.set(key, known);
      }
      return known;
    },
  };
}

/** Modules first, because the rest reads their constants; then inner functions before the ones around them. */
function initialOrder(world: World): FunctionKey[] {
  const modules: FunctionKey[] = [];
  const others: FunctionKey[] = [];
  for (const file of world.files) {
    const count = world.facts(file)?.functions.length ?? 0;
    for (let id = count - 1; id > 0; id -= 1) others.push(functionKey(file, id as never));
    modules.push(functionKey(file, 0 as never));
  }
  return [...modules, ...others];
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

class WorkList {
  #queue: FunctionKey[];
  readonly #waiting: Set<FunctionKey>;
  #at = 0;

  constructor(initial: readonly FunctionKey[]) {
    this.#queue = [...initial];
    this.#waiting = new Set(initial);
  }

  take(): FunctionKey | undefined {
    const key = this.#queue[this.#at];
    if (key === undefined) {
      this.#queue = [];
      this.#at = 0;
      return undefined;
    }
    this.#at += 1;
    this.#waiting.delete(key);
    return key;
  }

  add(key: FunctionKey): void {
    if (this.#waiting.has(key)) return;
    this.#waiting.add(key);
    this.#queue.push(key);
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
