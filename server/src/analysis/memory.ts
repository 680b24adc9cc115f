import type { FileFacts, FunctionFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import type { SymbolAnswer } from "../program/program.ts";
import type { Evaluation, Question } from "./evaluate.ts";
import { insideOf, surfaceOf } from "./file-shapes.ts";
import { hashOf } from "./hash.ts";
import { type ClassKey, type FunctionKey, parseKey, type VariableKey } from "./places.ts";
import { isSameList } from "./same-list.ts";
import { type Answered, type FieldKey, joinSummaries, type Summary, summaryText } from "./summary.ts";
import { compareValues } from "./value-order.ts";
import { type Value, Values } from "./values.ts";
import type { ModuleGraph, World, WorldReader } from "./world.ts";

// What a solution leaves for the next one: evaluations, each with everything that it has read. One counts again when all
// of that is as it was.

/** Something that functions read of one another while a solution grows. A run begins with nothing in any of them. */
export interface Cell<T = unknown> {
  value: T;
  readonly bottom: T;
  run: number;
  /** Who has ever read it; some may not do so any more. */
  readonly readers: Set<Unit>;
  /** The function to look at before it is read. */
  unit?: Unit | undefined;
  /** Itself, when it is a variable or a field. */
  readonly shared?: Shared<unknown>;
  /** It is what TypeScript says of a name. */
  readonly isAnswer?: true;
}

/** A variable or field: what all functions that assign it contribute. */
export interface Shared<Key> extends Cell<Value> {
  readonly key: Key;
  readonly given: Map<Unit, Value>;
  /** Nothing is assigned to it, and by now nothing will be. */
  readonly unassigned: Cell<boolean>;
}

/** One function: its earlier evaluations, and its state in this run. */
export interface Unit extends RunState {
  readonly key: FunctionKey;
  readonly file: FilePath;
  readonly summary: Cell<Summary | undefined>;
  /** The newest first. */
  readonly outcomes: Outcome[];
}

interface RunState {
  /** In the list of work. */
  place: number;
  facts: FunctionFacts | undefined;
  /** What it knows of its file, as a number. */
  inside: number;
  isAside: boolean;
  count: number;
  looked: boolean;
  running: boolean;
  /** The last one of this run. */
  outcome: Outcome | undefined;
}

const beforeRuns: RunState = {
  place: -1,
  facts: undefined,
  inside: 0,
  isAside: false,
  count: 0,
  looked: false,
  running: false,
  outcome: undefined,
};

/** Forgets how far a function had come in an earlier run. */
export function beginRun(
  unit: Unit,
  { facts, inside, isAside }: Pick<RunState, "facts" | "inside" | "isAside">,
): void {
  unit.place = -1;
  unit.facts = facts;
  unit.inside = inside;
  unit.isAside = isAside;
  unit.count = 0;
  unit.looked = false;
  unit.running = false;
  unit.outcome = undefined;
}

/** What an evaluation gave, and what it has read. */
export interface Outcome {
  readonly facts: FunctionFacts;
  readonly inside: number;
  readonly looks: Looks | undefined;
  /** In the order of their first reading, with what was in them. */
  readonly reads: readonly Cell[];
  readonly seen: readonly unknown[];
  readonly summary: Summary;
  readonly stores: ReadonlyMap<VariableKey, Value>;
  readonly fields: ReadonlyMap<FieldKey, Value>;
  readonly questions: readonly Question[];
  /** The last run that it was made or taken over in. */
  run: number;
  /** Dropped when a newer one has come, and made again when it is wanted. */
  evaluation: Evaluation | undefined;
}

/** The other files that an evaluation has looked at, by what can be seen of them, and classes by their subclasses. */
interface Looks {
  readonly files: ReadonlyMap<FilePath, number | undefined>;
  readonly classes: ReadonlyMap<ClassKey, string>;
  /** The last state of the program in which this was so. */
  epoch: number;
}

/** Compares the program with earlier ones. */
export interface WorldChanges {
  /** The same number for programs in which files see the same of each other. */
  readonly epoch: number;
  insideOf(file: FilePath): number;
  /** Records what is looked at from a file; nothing when there will be no further run. */
  newLooks(from: FilePath): (WorldReader & { done(): Looks }) | undefined;
  /** Everything that was seen then is the same now. */
  holds(looks: Looks | undefined): boolean;
}

/** A file as a run saw it. */
export interface SolvedFile {
  readonly facts: FileFacts;
  /** What its functions know of it, as a number. */
  readonly inside: number;
}

/** A run that came to its end. What is in the cells is its result until the next one starts. */
export interface FinishedRun {
  readonly epoch: number;
  /** Stays when the run is repeated. */
  readonly token: object;
  /** The files of the program in their order. */
  readonly files: ReadonlyMap<FilePath, SolvedFile>;
  /** The packages that the program imports. */
  readonly imported: ReadonlySet<string>;
  /** The files aside that it solved. */
  readonly aside: ReadonlySet<FilePath>;
  readonly units: ReadonlyMap<FunctionKey, Unit>;
  readonly summaries: ReadonlyMap<FunctionKey, Summary>;
  /** Those that were known before files aside were looked at. */
  readonly inProgram: ReadonlyMap<FunctionKey, Summary>;
  /** What TypeScript was asked, and the names of functions that are worth it. */
  readonly asked: ReadonlyMap<FilePath, readonly Question[]>;
  readonly askedNames: ReadonlySet<string>;
}

export interface Memory {
  readonly values: Values;
  /** Of the last program. */
  graph: ModuleGraph | undefined;
  compare(world: World): WorldChanges;
  /** A new run; every cell is empty. */
  startRun(): void;
  /** The last run, when it finished and there will be further ones. */
  finished(): FinishedRun | undefined;
  finish(run: FinishedRun): void;
  unit(key: FunctionKey): Unit;
  variable(key: VariableKey): Shared<VariableKey>;
  field(key: FieldKey): Shared<FieldKey>;
  /** What TypeScript says of a name. */
  answer(file: FilePath, node: number): Cell<Answered | undefined>;
  now<T>(cell: Cell<T>): T;
  variablesNow(): Iterable<readonly [VariableKey, Value]>;
  keep(unit: Unit, outcome: Omit<Outcome, "run">): Outcome;
  /** The outcomes that counted in this run. */
  outcomesNow(unit: Unit): readonly Outcome[];
  /** What is concluded of the new code of a function counts where that of the old did. */
  replace(unit: Unit, old: Outcome, made: Omit<Outcome, "run">): void;
  /** It counts in this run, too. */
  takeOver(outcome: Outcome): void;
  /** The questions of an outcome about members that a model has, or that have one of these names. */
  worthAsking(
    names: ReadonlySet<string>,
    world: World,
  ): (of: Pick<Outcome, "questions">) => readonly Question[];
  /** The one object for all that are equal. */
  interned(summary: Summary): Summary;
  /** What both say, as one. */
  joined(before: Summary, after: Summary): Summary;
  internedAnswer(answer: Answered): Answered;
}

/** A function in a cycle has several outcomes in one run, which the next one wants, too; the others are of earlier runs. */
const maxOutcomes = 12;

/** `keeps`: there will be further runs. */
export function createMemory(keeps = false): Memory {
  const values = new Values(compareValues);
  const units = new Map<FunctionKey, Unit>();
  const variables = new Map<VariableKey, Shared<VariableKey>>();
  const fields = new Map<FieldKey, Shared<FieldKey>>();
  const answers = new Map<FilePath, Map<number, Cell<Answered | undefined>>>();
  const summaries = new Map<string, Summary>();
  const joins = new WeakMap<Summary, WeakMap<Summary, Summary>>();
  const answered = new Map<string, Answered>();
  const latest = new WeakMap<SymbolAnswer, Answered>();
  const compare = keeps ? createComparison() : undefined;
  const worth = new Map<string, WorthAsking>();
  let run = 0;
  let finished: FinishedRun | undefined;

  const cell = <T>(bottom: T): Cell<T> => ({ value: bottom, bottom, run, readers: new Set() });
  const shared = <Key>(key: Key): Shared<Key> => {
    const made = { ...cell<Value>(values.nothing), key, given: new Map(), unassigned: cell(false) };
    return Object.assign(made, { shared: made });
  };
  const known = <Key, T>(all: Map<Key, T>, key: Key, make: () => T): T => {
    const before = all.get(key);
    if (before !== undefined) return before;
    const made = make();
    all.set(key, made);
    return made;
  };
  const memory: Memory = {
    values,
    graph: undefined,
    compare: (world) => compare?.(world) ?? withoutChanges,
    startRun() {
      run += 1;
      finished = undefined;
    },
    finished: () => finished,
    finish(of) {
      if (keeps) finished = of;
    },
    unit: (key) =>
      known(units, key, () => {
        const summary = cell<Summary | undefined>(undefined);
        const unit: Unit = { ...beforeRuns, key, file: parseKey(key).file, summary, outcomes: [] };
        summary.unit = unit;
        return unit;
      }),
    variable: (key) => known(variables, key, () => shared(key)),
    field: (key) => known(fields, key, () => shared(key)),
    answer: (file, node) =>
      known(
        known(answers, file, () => new Map()),
        node,
        () => ({ ...cell<Answered | undefined>(undefined), isAnswer: true as const }),
      ),
    now(of) {
      if (of.run !== run) {
        of.run = run;
        of.value = of.bottom;
        of.shared?.given.clear();
      }
      return of.value;
    },
    *variablesNow() {
      for (const variable of variables.values()) yield [variable.key, memory.now(variable)] as const;
    },
    keep(unit, made) {
      const outcome: Outcome = { ...made, run };
      for (const older of unit.outcomes) older.evaluation = undefined;
      unit.outcomes.unshift(outcome);
      if (unit.outcomes.length > (keeps ? maxOutcomes : 1)) {
        const past = keeps ? unit.outcomes.findLastIndex((one) => one.run !== run) : unit.outcomes.length - 1;
        if (past >= 0) unit.outcomes.splice(past, 1);
      }
      return outcome;
    },
    outcomesNow: ({ outcomes }) => outcomes.filter((one) => one.run === run),
    replace(unit, old, made) {
      const isLast = unit.outcome === old;
      const outcome: Outcome = { ...made, run, evaluation: isLast ? made.evaluation : undefined };
      unit.outcomes.splice(unit.outcomes.indexOf(old), 1, outcome);
      unit.facts = outcome.facts;
      if (isLast) unit.outcome = outcome;
      for (const cell of outcome.reads) cell.readers.add(unit);
    },
    takeOver(outcome) {
      outcome.run = run;
    },
    worthAsking(names, world) {
      const text = [names, world.imported].map((all) => [...all].sort().join("\n")).join("\n\n");
      if (worth.size >= maxWorth && !worth.has(text)) worth.clear();
      const asked = known(worth, text, () => ({ isWorth: new Map(), of: new WeakMap() }));
      const isWorth = ({ name }: Question): boolean =>
        known(asked.isWorth, name, () => names.has(name) || world.models.mayBeMember(name, world.imported));
      return (outcome) => {
        const before = asked.of.get(outcome);
        if (before) return before;
        const found = outcome.questions.filter(isWorth);
        asked.of.set(outcome, found.length === 0 ? noQuestions : found);
        return found;
      };
    },
    interned: (summary) => known(summaries, summaryText(summary), () => summary),
    joined(before, after) {
      const others = joins.get(before) ?? new WeakMap<Summary, Summary>();
      joins.set(before, others);
      const found = others.get(after) ?? memory.interned(joinSummaries(values, before, after));
      others.set(after, found);
      return found;
    },
    internedAnswer(answer) {
      const before = latest.get(answer.symbol);
      if (before?.function === answer.function && before) return before;
      const found = known(answered, answerText(answer), () => answer);
      latest.set(answer.symbol, found);
      return found;
    },
  };
  return memory;
}

/** Which questions are worth it for one set of names. */
interface WorthAsking {
  readonly isWorth: Map<string, boolean>;
  readonly of: WeakMap<Pick<Outcome, "questions">, readonly Question[]>;
}

/** Rounds of questions in a run, times two. */
const maxWorth = 16;
const noQuestions: readonly Question[] = [];

const withoutChanges: WorldChanges = {
  epoch: 0,
  insideOf: () => 0,
  newLooks: () => undefined,
  holds: () => true,
};

/** Where a declaration stands in its file is not looked at. */
function answerText({ symbol, function: found }: Answered): string {
  return JSON.stringify([symbol.kind === "declared" ? { ...symbol, node: 0 } : symbol, found]);
}

/** What other files, and its own functions, can see of a file. */
interface Seen {
  readonly surface: number;
  readonly inside: number;
}

/** What can be seen of a file, and what that rests on besides its facts. */
interface SeenOfFacts {
  /** By its facts alone. */
  readonly own: Seen;
  readonly graph: ModuleGraph;
  readonly isAside: boolean;
  readonly loads: readonly string[];
  readonly seen: Seen;
}

/** Compares each program with the one before. */
function createComparison(): (world: World) => WorldChanges {
  const ofFacts = new WeakMap<FileFacts, SeenOfFacts>();
  let before: ReadonlyMap<FilePath, Seen> = new Map();
  let epoch = 0;
  const seenOf = (world: World, file: FilePath, facts: FileFacts): Seen => {
    const known = ofFacts.get(facts);
    const { graph } = world;
    if (known?.graph === graph) return known.seen;
    const isAside = world.isAside(file);
    const loads: string[] = [];
    for (const specifier of world.specifiersIn(facts)) {
      const target = world.moduleOf(file, specifier);
      loads.push(target?.kind === "module" ? target.file : (target?.kind ?? ""));
    }
    if (known?.isAside === isAside && isSameList(known.loads, loads)) {
      ofFacts.set(facts, { ...known, graph });
      return known.seen;
    }
    const own = known?.own ?? { surface: hashOf(surfaceOf(facts)), inside: hashOf(insideOf(facts)) };
    const surface = hashOf(`${own.surface}\n${isAside}\n${loads.join("\n")}`);
    const seen = { surface, inside: hashOf(`${own.inside}\n${surface}`) };
    ofFacts.set(facts, { own, graph, isAside, loads, seen });
    return seen;
  };
  return (world) => {
    const now = new Map<FilePath, Seen>();
    for (const file of world.files) {
      const facts = world.facts(file);
      if (facts) now.set(file, seenOf(world, file, facts));
    }
    const isSame =
      now.size === before.size &&
      [...now].every(([file, seen]) => before.get(file)?.surface === seen.surface);
    if (!isSame) epoch += 1;
    before = now;
    const surface = (file: FilePath) => now.get(file)?.surface;
    const children = (of: ClassKey) => world.childrenOf(of).join("\n");
    return {
      epoch,
      insideOf: (file) => now.get(file)?.inside ?? 0,
      newLooks(from) {
        const files = new Map<FilePath, number | undefined>();
        const classes = new Map<ClassKey, string>();
        let last: FilePath = from;
        return {
          file(file) {
            if (file === last || file === from) return;
            last = file;
            files.set(file, surface(file));
          },
          children: (of) => void classes.set(of, children(of)),
          done: () => ({ files, classes, epoch }),
        };
      },
      holds(looks) {
        if (!looks || looks.epoch === epoch) return true;
        for (const [file, seen] of looks.files) if (surface(file) !== seen) return false;
        for (const [of, seen] of looks.classes) if (children(of) !== seen) return false;
        looks.epoch = epoch;
        return true;
      },
    };
  };
}
