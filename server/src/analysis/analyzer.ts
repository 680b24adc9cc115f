import type { Severity } from "@unknot/protocol/finding.ts";
import type { FileFacts, Range } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";
import type { CallbackAnswer, SymbolAnswer, TypeAnswer } from "../program/program.ts";
import type { FixPlan } from "./fix-plan.ts";
import type { FunctionKey, Location } from "./places.ts";
import type { FileRole } from "./roles.ts";
import type { RuleSubject } from "./rule-subject.ts";
import type { Solution } from "./solve.ts";
import type { World } from "./world.ts";

/** What passes stand on: the solved program and the way to ask TypeScript for types. */
export interface ProgramView {
  readonly world: World;
  readonly solution: Solution;
  readonly options: RuleOptions;
  roleOf(file: FilePath): FileRole;
  /** The text of a file, for edits. */
  text(file: FilePath): string | undefined;
  /** The functions of a file, in the order of their ids. */
  functionsOf(file: FilePath): readonly FunctionKey[];
  /** Runs something about a file; when it crashes, that is noted and `otherwise` counts. */
  attempt<T>(file: FilePath, what: string, run: () => T, otherwise: T): T;
  /** Where TypeScript itself reports an error of types; it checks the whole file for that. */
  typeErrors(file: FilePath): readonly Range[];
  /** Types of expressions; one answer per node, in one batch. */
  types(file: FilePath, nodes: readonly NodeId[]): readonly TypeAnswer[];
  /** Where names lead; one answer per node, in one batch. */
  symbols(file: FilePath, nodes: readonly NodeId[]): readonly SymbolAnswer[];
  /** What calls do with the results of the functions that they are given: per call, one answer per argument. */
  callbacks(file: FilePath, calls: readonly NodeId[]): readonly (readonly CallbackAnswer[])[];
}

export interface RuleOptions {
  /** Callees, as written, whose promise may be dropped: `test`, `logger.flush`. */
  readonly safeToDrop: readonly string[];
  /** The linter of the project that reports such mistakes in a file. */
  readonly linterFor: (file: FilePath, about: LinterTopic) => OtherLinter | undefined;
}

/**
 * What linters report about promises: one that is dropped, an asynchronous function where its result is dropped, a
 * promise as a condition.
 */
export type LinterTopic = "floating" | "void-callback" | "condition";

/** A linter whose reports need not be repeated. */
export interface OtherLinter {
  readonly name: string;
  /** `types`: it knows a promise by TypeScript's types. `program`: it follows the functions of the program. */
  readonly sees: "types" | "program";
}

/** A question answered once for the whole program; rules of a file read their part of it. */
export interface Pass<Result> {
  readonly kind: "pass";
  readonly id: string;
  /** Prepares the whole program and says what is known of one file. */
  readonly run: (
    view: ProgramView,
    resultOf: <R>(pass: Pass<R>, file: FilePath) => R,
  ) => (file: FilePath) => Result;
}

export function definePass<Result>(pass: Omit<Pass<Result>, "kind">): Pass<Result> {
  return { kind: "pass", ...pass };
}

/** One step of the path of a report. */
export interface ReportedStep {
  readonly at: Location;
  readonly what: string;
}

export interface Report {
  /** What to point at. */
  readonly at: Location;
  /** The statement or call it stands in, when that may begin on an earlier line: where a comment would stand. */
  readonly whole?: Location;
  /** Where other linters point at the same, for comments to them. */
  readonly elsewhere?: Location;
  readonly message: string;
  /** In the order things happen. */
  readonly trace: readonly ReportedStep[];
  /** Other than the rule's own severity. */
  readonly severity?: Severity;
  readonly fixes?: readonly FixPlan[];
}

/** What a rule sees: one file, and the results of the passes it requires. */
export interface RulePass<Required extends readonly Pass<unknown>[]> {
  readonly file: FilePath;
  readonly facts: FileFacts;
  readonly role: FileRole;
  readonly options: RuleOptions;
  resultOf<P extends Required[number]>(pass: P): P extends Pass<infer Result> ? Result : never;
  report(report: Report): void;
}

export interface Rule {
  readonly kind: "rule";
  readonly id: string;
  /** One sentence: what is wrong when it reports. */
  readonly title: string;
  readonly severity: Severity;
  /** Rules of other linters that report the same: where a comment switches one off, this one is quiet. */
  readonly alsoKnownAs?: readonly string[];
  /** What it speaks of, which saves work in tests that have none of it; of anything when absent. */
  readonly about?: RuleSubject;
  readonly requires: readonly Pass<unknown>[];
  readonly run: (pass: RulePass<readonly Pass<unknown>[]>) => void;
}

interface RuleDefinition<Required extends readonly Pass<unknown>[]> {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly alsoKnownAs?: readonly string[];
  readonly about?: RuleSubject;
  readonly requires: Required;
  readonly run: (pass: RulePass<Required>) => void;
}

/** A rule picks from the results of passes, words what it found and offers fixes; it sees no syntax. */
export function defineRule<const Required extends readonly Pass<unknown>[]>(
  rule: RuleDefinition<Required>,
): Rule {
  // `resultOf` is typed by what the rule requires; the engine runs it with all passes.
  return { kind: "rule", ...rule, run: rule.run as unknown as Rule["run"] };
}

export function locationIn(file: FilePath, at: Range): Location {
  return { file, start: at.start, end: at.end };
}
