import type { Model } from "@unknot/models/model.ts";
import type { DescribedResource } from "@unknot/protocol/described-resource.ts";
import { type Finding, type Severity, severities } from "@unknot/protocol/finding.ts";
import type { InstalledVersions } from "../models/at-versions.ts";
import { modelsOfOwnLocks } from "../models/own-locks.ts";
import { modelsOfTags } from "../models/tag-models.ts";
import { describedResources } from "../passes/described-resources.ts";
import type { FileFacts, FunctionFacts } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";
import type { SymbolAnswer, TypeAnswer } from "../program/program.ts";
import { allRules } from "../rules/index.ts";
import type { AnalyzedProgram } from "./analyzed-program.ts";
import type { Pass, ProgramView, Report, Rule, RuleOptions, RulePass } from "./analyzer.ts";
import { filesAbout } from "./files-about.ts";
import { finishFix, type RealText } from "./fix-plan.ts";
import { type KeptAnalysis, modelsAt } from "./kept-analysis.ts";
import { createMemory } from "./memory.ts";
import { type FunctionKey, firstLineOf, functionKey, parseKey, spanOf } from "./places.ts";
import { type FileRole, roleOf, severityIn } from "./roles.ts";
import { type EvaluationIn, type SolveStatistics, solve } from "./solve.ts";
import { applySuppressions, type Reported, unusedSuppression } from "./suppress.ts";
import { createWorld } from "./world.ts";

export interface AnalysisOptions {
  /** Asked between files; the analysis ends early when it says yes. */
  readonly isCancelled?: () => boolean;
  /** Told how many files are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Only these rules run; all, when absent. */
  readonly rules?: readonly string[];
  /** Other severities than the rules' own, by rule id. */
  readonly severities?: Readonly<Record<string, Severity | "off">>;
  /** What is less severe is left out, and not looked for where that saves work. */
  readonly leastSeverity?: Severity;
  /** The severities of a file, in the place of `severities`. */
  readonly severitiesIn?: (file: FilePath) => Readonly<Record<string, Severity | "off">>;
  /** Models that come before the bundled ones, given the facts of the program. */
  readonly modelsFor?: (facts: readonly FileFacts[]) => readonly Model[];
  /** The versions of the packages that the program imports; what is not among them counts as the newest described. */
  readonly installedFor?: (facts: readonly FileFacts[]) => InstalledVersions;
  /** The folder that the paths of tests and scripts are read below; the common folder of the program if absent. */
  readonly root?: FilePath;
  readonly ruleOptions?: Partial<RuleOptions>;
  /** Also say what is known of the resources of the files, for hovers and lenses. */
  readonly describe?: boolean;
}

/** A rule or pass that failed on a file; the others went on. */
export interface AnalysisFailure {
  readonly file: FilePath;
  readonly rule: string;
  readonly message: string;
}

export interface AnalysisStatistics extends SolveStatistics {
  readonly files: number;
  readonly calls: number;
  readonly typeQuestions: number;
}

export interface AnalysisResult {
  /** Sorted by file and place. */
  readonly findings: readonly Finding[];
  readonly failures: readonly AnalysisFailure[];
  readonly statistics: AnalysisStatistics;
  /** The resources that each file makes or uses; empty unless they were asked for. */
  readonly resources: ReadonlyMap<FilePath, readonly DescribedResource[]>;
}

/** The findings of all rules in `files`, which are files of the program. */
export function analyzeProgram(
  program: AnalyzedProgram,
  files: readonly FilePath[],
  options: AnalysisOptions = {},
  kept?: KeptAnalysis,
): AnalysisResult {
  return analyzeWith(allRules, program, files, options, kept);
}

/**
 * The findings in `files`, which are files of the program. The whole program is looked at; what is found depends on
 * its files, TypeScript's answers and the models, and on nothing else: `kept` of an earlier analysis saves work only.
 */
export function analyzeWith(
  rules: readonly Rule[],
  given: AnalyzedProgram,
  files: readonly FilePath[],
  options: AnalysisOptions = {},
  kept?: KeptAnalysis,
): AnalysisResult {
  const steady = kept?.steadied(given, files);
  const program = steady ?? given;
  const failures: AnalysisFailure[] = [];
  const guard = <T>(file: FilePath, rule: string, run: () => T, otherwise: T): T => {
    try {
      return run();
    } catch (error) {
      failures.push({
        file,
        rule,
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      return otherwise;
    }
  };
  const all = [...program.files()].sort();
  const facts = new Map<FilePath, FileFacts>();
  for (const [done, file] of all.entries()) {
    if (options.isCancelled?.()) break;
    const found = guard(file, "facts", () => program.facts(file), undefined);
    if (found) facts.set(file, found);
    options.onProgress?.(done + 1, all.length);
  }
  const roles = new Map<FilePath, FileRole>();
  const root = options.root ?? commonFolder([...facts.keys()]);
  const roleIn = (file: FilePath): FileRole => {
    const known = roles.get(file);
    if (known) return known;
    const found = facts.get(file);
    const role = found ? roleOf(found, below(root, file)) : "source";
    roles.set(file, role);
    return role;
  };
  // What projects say in files corrects what stands beside declarations, and both what a class looks like.
  const own = [
    ...modelsOfOwnLocks([...facts.values()]),
    ...modelsOfTags([...facts.values()]).models,
    ...(options.modelsFor?.([...facts.values()]) ?? []),
  ];
  const installed: InstalledVersions = options.installedFor?.([...facts.values()]) ?? new Map();
  const { models, memory } = kept?.under(own, installed) ?? {
    models: modelsAt(own, installed),
    memory: createMemory(),
  };
  const world = createWorld(
    {
      files: [...facts.keys()],
      facts: (file) => facts.get(file),
      resolveModule: (from, specifier) =>
        guard(from, "facts", () => program.resolveModule(from, specifier), undefined),
      resolutions: program.resolutions,
      roleOf: roleIn,
    },
    models,
    memory.graph,
  );
  memory.graph = world.graph;
  const wantedIn = (file: FilePath): readonly Rule[] => {
    const choice = choiceFor(file, options);
    return rules.filter((rule) => isChosen(rule.id, choice) && mayReport(rule, roleIn(file), choice));
  };
  const unknown: SymbolAnswer = { kind: "unknown" };
  const symbols = (file: FilePath, nodes: readonly NodeId[]) =>
    guard(
      file,
      "symbols",
      () => program.symbols(file, nodes),
      nodes.map(() => unknown),
    );
  const solution = solve(
    world,
    {
      ask: symbols,
      attempt: guard,
      wantedAside(summaries) {
        const asked = files.filter((file) => facts.has(file) && world.isAside(file));
        const wanted = asked.map(wantedIn);
        if (wanted.every((some) => some.length === 0)) return [];
        const subjects = new Set(wanted.flatMap((some) => some.map(({ about }) => about)));
        return filesAbout(world, summaries, subjects);
      },
      ...(options.isCancelled ? { isCancelled: options.isCancelled } : {}),
    },
    memory,
  );
  let typeQuestions = 0;
  const noType: TypeAnswer = { unknown: true, thenable: "never", promise: false };
  const view: ProgramView = {
    world,
    solution,
    options: { safeToDrop: [], linterFor: () => undefined, ...options.ruleOptions },
    roleOf: roleIn,
    functionsOf: (file) => keysOf(file, facts.get(file)),
    // Nobody looks at the rest of a pass that is not wanted any more.
    attempt: (file, what, run, otherwise) =>
      options.isCancelled?.() ? otherwise : guard(file, what, run, otherwise),
    text: (file) => guard(file, "text", () => program.text(file), undefined),
    typeErrors: (file) => guard(file, "types", () => program.typeErrors(file), []),
    types(file, nodes: readonly NodeId[]) {
      typeQuestions += nodes.length;
      return guard(
        file,
        "types",
        () => program.types(file, nodes),
        nodes.map(() => noType),
      );
    },
    symbols(file, nodes) {
      typeQuestions += nodes.length;
      return symbols(file, nodes);
    },
    callbacks(file, calls) {
      typeQuestions += calls.length;
      return guard(
        file,
        "types",
        () => program.callbacks(file, calls),
        calls.map(() => []),
      );
    },
  };
  const resultsAside = passResults(view);
  const results = passResults(withoutAside(view));
  const resultOf = <R>(pass: Pass<R>, file: FilePath): R =>
    (world.isAside(file) ? resultsAside : results)(pass, file);
  const known = new Set([...rules.map((rule) => rule.id), unusedSuppression]);
  const real: RealText = steady ?? { settled: (_, place) => place, written: (_, text) => text };
  const findings: Finding[] = [];
  const solved = new Set(solution.functions.map((key) => parseKey(key).file));
  for (const file of files) {
    if (options.isCancelled?.()) break;
    const found = facts.get(file);
    if (!found) continue;
    const choice = choiceFor(file, options);
    const wanted = wantedIn(file);
    const ran = new Set(wanted.map((rule) => rule.id));
    const looked = solved.has(file) ? wanted : [];
    const reported = looked.flatMap((rule) =>
      guard(file, rule.id, () => runRule(rule, file, found, view, resultOf, choice, real), []),
    );
    const kept = applySuppressions(found, reported, ran, known);
    findings.push(...kept.flatMap((finding) => asWanted(finding, choice)));
  }
  const resources = new Map(
    (options.describe ? files : [])
      .filter((file) => solved.has(file) && !options.isCancelled?.())
      .map((file) => [
        file,
        guard(file, describedResources.id, () => resultOf(describedResources, file), []),
      ]),
  );
  return {
    findings: findings.sort(byPlace),
    resources,
    failures,
    statistics: { ...solution.statistics, files: facts.size, calls: countCalls(facts), typeQuestions },
  };
}

/** Which rules run in a file, and how severe they are. */
type RuleChoice = Pick<AnalysisOptions, "rules" | "severities" | "leastSeverity">;

function choiceFor(file: FilePath, options: AnalysisOptions): RuleChoice {
  const { rules, leastSeverity, severitiesIn } = options;
  const own = severitiesIn?.(file) ?? options.severities;
  return {
    ...(rules ? { rules } : {}),
    ...(leastSeverity ? { leastSeverity } : {}),
    ...(own ? { severities: own } : {}),
  };
}

/** Whether a rule runs, with the severities that hold in a file. */
export function isChosen(rule: string, { rules, severities: own }: RuleChoice): boolean {
  return own?.[rule] !== "off" && (rules === undefined || rules.includes(rule));
}

/** A rule's own severity is its highest: whether any of its findings in such a file would be shown. */
function mayReport(rule: Rule, role: FileRole, options: RuleChoice): boolean {
  const chosen = options.severities?.[rule.id];
  const highest = chosen !== undefined && chosen !== "off" ? chosen : severityIn(role, rule.severity);
  return highest !== undefined && isShown(highest, options);
}

function isShown(severity: Severity, { leastSeverity }: RuleChoice): boolean {
  return leastSeverity === undefined || severities.indexOf(severity) <= severities.indexOf(leastSeverity);
}

/**
 * After suppression, so that a comment about a finding that is not shown is no idle one. `unused-suppression` has no rule
 * of its own, but can be chosen, graded and switched off like one.
 */
function asWanted(finding: Finding, choice: RuleChoice): readonly Finding[] {
  if (finding.rule !== unusedSuppression) return isShown(finding.severity, choice) ? [finding] : [];
  const severity = choice.severities?.[unusedSuppression] ?? finding.severity;
  if (severity === "off" || !isChosen(unusedSuppression, choice) || !isShown(severity, choice)) return [];
  return [{ ...finding, severity }];
}

function runRule(
  rule: Rule,
  file: FilePath,
  facts: FileFacts,
  view: ProgramView,
  resultOf: <R>(pass: Pass<R>, file: FilePath) => R,
  options: RuleChoice,
  real: RealText,
): Reported[] {
  const reported: Reported[] = [];
  const role = view.roleOf(file);
  const chosen = options.severities?.[rule.id];
  const pass: RulePass<readonly Pass<unknown>[]> = {
    file,
    facts,
    role,
    options: view.options,
    resultOf: (wanted) => resultOf(wanted, file) as never,
    report(report) {
      // A severity that the user chose holds everywhere; the rule's own is softened in tests and scripts.
      const own = report.severity ?? rule.severity;
      const severity = chosen !== undefined && chosen !== "off" ? chosen : severityIn(role, own);
      if (!severity) return;
      const finding = finish(rule, report, severity, view, real);
      const also = [report.whole, report.elsewhere].flatMap((at) => (at ? [spanOf(facts, at).line] : []));
      const lines = [finding.at.line, ...also];
      reported.push({ finding, lines, alsoKnownAs: rule.alsoKnownAs ?? [] });
    },
  };
  rule.run(pass);
  return reported;
}

function finish(rule: Rule, report: Report, severity: Severity, view: ProgramView, real: RealText): Finding {
  const factsOf = ({ file }: Report["at"]) => {
    const facts = view.world.facts(file);
    if (!facts) throw new Error(`a report speaks about ${file}, which is no file of the program`);
    return facts;
  };
  return {
    rule: rule.id,
    severity,
    at: firstLineOf(factsOf(report.at), report.at, (place) => real.settled(report.at.file, place)),
    message: real.written(report.at.file, report.message),
    trace: report.trace.map(({ at, what }) => ({
      at: spanOf(factsOf(at), at),
      what: real.written(at.file, what),
    })),
    fixes: (report.fixes ?? []).map((fix) => finishFix(fix, (file) => view.world.facts(file), real)),
  };
}

/** The program as it is without its tests. */
function withoutAside(view: ProgramView): ProgramView {
  const { world, solution } = view;
  let evaluations: readonly EvaluationIn[] | undefined;
  return {
    ...view,
    world: { ...world, files: world.files.filter((file) => !world.isAside(file)) },
    solution: {
      ...solution,
      functions: solution.functions.filter((key) => !world.isAside(parseKey(key).file)),
      evaluations() {
        evaluations ??= solution.evaluations().filter(({ file }) => !world.isAside(file));
        return evaluations;
      },
    },
  };
}

/** Runs each pass once, and each of its files once; one that crashed is not tried again. */
function passResults(view: ProgramView): <R>(pass: Pass<R>, file: FilePath) => R {
  const prepared = new Map<string, () => (file: FilePath) => unknown>();
  const results = new Map<string, () => unknown>();
  const once = <T>(run: () => T): (() => T) => {
    try {
      const value = run();
      return () => value;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  };
  const resultOf = <R>(pass: Pass<R>, file: FilePath): R => {
    const key = `${pass.id}\n${file}`;
    let result = results.get(key);
    if (!result) {
      const perFile = prepared.get(pass.id) ?? once(() => pass.run(view, resultOf));
      prepared.set(pass.id, perFile);
      result = once(() => perFile()(file));
      results.set(key, result);
    }
    return result() as R;
  };
  return resultOf;
}

function keysOf(file: FilePath, facts: FileFacts | undefined): readonly FunctionKey[] {
  return facts ? facts.functions.map((_, id) => functionKey(file, id as never)) : [];
}

const callsOf = new WeakMap<FunctionFacts, number>();

function countCalls(facts: ReadonlyMap<FilePath, FileFacts>): number {
  let calls = 0;
  for (const { functions } of facts.values()) for (const one of functions) calls += callsIn(one);
  return calls;
}

function callsIn(facts: FunctionFacts): number {
  const known = callsOf.get(facts);
  if (known !== undefined) return known;
  let calls = 0;
  for (const { code } of facts.blocks)
    for (const i of code) if (i.op === "call" || i.op === "new") calls += 1;
  callsOf.set(facts, calls);
  return calls;
}

function byPlace(a: Finding, b: Finding): number {
  const order = (x: string, y: string) => (x < y ? -1 : x > y ? 1 : 0);
  return (
    order(a.at.file, b.at.file) ||
    a.at.line - b.at.line ||
    a.at.column - b.at.column ||
    order(a.rule, b.rule) ||
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    order(a.message, b.message)
  );
}

/** The folder above all files, with a slash at its end. */
function commonFolder(files: readonly FilePath[]): string {
  const [first = "", ...rest] = files;
  let folder = first.slice(0, first.lastIndexOf("/") + 1);
  for (const file of rest) {
    while (folder !== "" && !file.startsWith(folder))
      folder = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
  }
  return folder;
}

function below(root: string, file: FilePath): string {
  const folder = root.endsWith("/") ? root : `${root}/`;
  return file.startsWith(folder) ? file.slice(folder.length) : file;
}
