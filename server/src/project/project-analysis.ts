import type { Model } from "@unknot/models/model.ts";
import type { DescribedResource } from "@unknot/protocol/described-resource.ts";
import { type AnalysisOptions, type AnalysisResult, analyzeProgram, isChosen } from "../analysis/analyze.ts";
import type { AnalyzedProgram } from "../analysis/analyzed-program.ts";
import { type KeptAnalysis, keepAnalysis } from "../analysis/kept-analysis.ts";
import { modelsOfTags, type TagProblem } from "../models/tag-models.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { resolvePath } from "../program/paths.ts";
import type { ProjectNotice } from "../program/program.ts";
import { type BaselineEntry, identityOf } from "./baseline.ts";
import type { DeferToLinter } from "./config-format.ts";
import {
  type BaselineChoice,
  type BaselineReport,
  holdBack,
  type Identified,
  type ReadBaselines,
} from "./hold-back.ts";
import { createInstalled } from "./installed.ts";
import { createLinters } from "./linters/linters.ts";
import { createProjects, type Project, toNotice } from "./projects.ts";
import { configName, type Severities } from "./read-config.ts";
import { createTaggedDeclarations } from "./tagged-declarations.ts";
import {
  createManifests,
  modelsOfPackages,
  modelsOfProject,
  together,
  type UserModels,
} from "./user-models.ts";

/** What editors and flags say; it comes before what projects say about themselves. */
export interface ProjectChoices {
  /** Model files besides those that projects list, relative to a project's folder. */
  readonly models?: readonly string[];
  readonly deferToLinter?: DeferToLinter;
  /** `apply` when absent. */
  readonly baseline?: BaselineChoice;
  /** The folder of files without a configuration above them; `root` when absent. */
  readonly home?: FilePath;
}

export interface ProjectAnalysisResult extends AnalysisResult {
  /** The files among those asked for that no project excludes. */
  readonly files: readonly FilePath[];
  readonly notices: readonly ProjectNotice[];
  readonly baselines: readonly BaselineReport[];
  /** Files that were read besides the program: configurations, models, baselines. */
  readonly read: readonly FilePath[];
}

/** What was found before baselines come into it: plain data. */
export interface ProjectOutcome
  extends Pick<ProjectAnalysisResult, "files" | "failures" | "statistics" | "notices" | "read"> {
  /** By file; as a list, which can be stored. */
  readonly resources: readonly (readonly [FilePath, readonly DescribedResource[]])[];
  readonly found: readonly Identified[];
  /** The package.json files of imported packages, which may name models. */
  readonly manifests: readonly FilePath[];
}

type AllChoices = Omit<AnalysisOptions, "severitiesIn" | "modelsFor" | "installedFor"> & ProjectChoices;

/** Analyses with what projects on disk say about themselves; keeps what it has read. */
export interface ProjectAnalysis {
  run(program: AnalyzedProgram, files: readonly FilePath[], choices: AllChoices): ProjectAnalysisResult;
  /** The two halves of `run`: what is found, and what baselines leave of it. */
  find(program: AnalyzedProgram, files: readonly FilePath[], choices: AllChoices): ProjectOutcome;
  finish(outcome: ProjectOutcome, choices: AllChoices): ProjectAnalysisResult;
  /** Something on disk has changed besides sources. */
  forget(): void;
  /** Lets go of what is kept for the next run. */
  rest(): void;
}

/** `keepsSolution`: the same program will be analysed again after an edit, which then costs little. */
export function createProjectAnalysis({ keepsSolution = false } = {}): ProjectAnalysis {
  let solution: KeptAnalysis | undefined;
  const kept = new Map<FilePath | undefined, Kept>();
  const keptFor = ({ home, root }: AllChoices): Kept => {
    const known = kept.get(home ?? root) ?? keep(home ?? root);
    kept.set(home ?? root, known);
    return known;
  };
  const analysis: ProjectAnalysis = {
    forget: () => kept.clear(),
    rest() {
      solution = undefined;
    },
    run: (program, files, choices) => analysis.finish(analysis.find(program, files, choices), choices),
    find(program, files, choices) {
      if (keepsSolution) solution ??= keepAnalysis();
      return analyzeProjects(keptFor(choices), program, files, choices, solution);
    },
    finish: (outcome, choices) => finished(keptFor(choices), outcome, choices),
  };
  return analysis;
}

/** What was read from disk and counts until something there changes. */
interface Kept {
  readonly projectOf: (file: FilePath) => Project;
  readonly linterFor: ReturnType<typeof createLinters>;
  readonly models: Map<string, UserModels>;
  readonly manifestsOf: ReturnType<typeof createManifests>;
  readonly installedAt: ReturnType<typeof createInstalled>;
  readonly declarationsOf: ReturnType<typeof createTaggedDeclarations>;
  readonly baselines: ReadBaselines;
}

function keep(home: FilePath | undefined): Kept {
  return {
    projectOf: createProjects(home),
    linterFor: createLinters(),
    models: new Map(),
    manifestsOf: createManifests(),
    installedAt: createInstalled(),
    declarationsOf: createTaggedDeclarations(),
    baselines: new Map(),
  };
}

function analyzeProjects(
  kept: Kept,
  program: AnalyzedProgram,
  files: readonly FilePath[],
  choices: AllChoices,
  solution: KeptAnalysis | undefined,
): ProjectOutcome {
  const { projectOf } = kept;
  const wanted = files.filter((file) => !projectOf(file).isExcluded(file));
  const projects = new Set([...program.files(), ...files].map(projectOf));
  const severitiesIn = (file: FilePath) => severitiesOf(projectOf(file), file, choices);
  let manifests: readonly FilePath[] = [];
  let models: UserModels = together([]);
  let tagProblems: readonly TagProblem[] = [];
  const modelsFor = (facts: readonly FileFacts[]): readonly Model[] => {
    manifests = kept.manifestsOf(facts);
    models = userModels(kept, projects, choices.models ?? [], manifests);
    const declared = kept.declarationsOf(program, facts);
    const ofDeclarations = modelsOfTags(declared.facts, declared.modulesOf);
    tagProblems = [...modelsOfTags(facts).problems, ...ofDeclarations.problems];
    return [...ofDeclarations.models, ...models.models];
  };
  const defers = (file: FilePath): DeferToLinter =>
    choices.deferToLinter ?? projectOf(file).config.deferToLinter ?? "auto";
  const [only] = projects.size === 1 ? projects : [];
  const root = only?.declared ? only.root : choices.root;
  const result = analyzeProgram(
    program,
    wanted,
    {
      ...choices,
      ...(root === undefined ? {} : { root }),
      severitiesIn,
      modelsFor,
      installedFor: (facts) => kept.installedAt(kept.manifestsOf(facts)),
      ruleOptions: {
        safeToDrop: [...projects].flatMap(({ config }) => config.safeToDrop),
        linterFor(file, about) {
          const choice = defers(file);
          if (choice === "never") return undefined;
          return choice === "always"
            ? { name: "another linter", sees: "types" }
            : kept.linterFor(file, about);
        },
        ...choices.ruleOptions,
      },
    },
    solution,
  );
  return {
    files: wanted,
    found: result.findings.map((finding) => ({
      finding,
      identity: identityOf(finding, program.facts(finding.at.file), program.text(finding.at.file)),
    })),
    resources: [...result.resources],
    failures: result.failures,
    statistics: result.statistics,
    notices: uniqueNotices([
      ...[...projects].flatMap((project) => project.notices),
      ...models.notices,
      ...tagProblems.map(({ file, ...problem }) => toNotice(file, problem)),
    ]),
    read: [...[...projects].map(({ root: folder }) => resolvePath(folder, configName)), ...models.read],
    manifests,
  };
}

/** What baselines leave of an outcome. */
function finished(
  { projectOf, baselines }: Kept,
  outcome: ProjectOutcome,
  choices: AllChoices,
): ProjectAnalysisResult {
  const { files, found, failures, statistics, resources } = outcome;
  const { rules, leastSeverity } = choices;
  // How severe an entry was is not written down, but for hints.
  const looksForAll = leastSeverity === undefined || leastSeverity === "hint";
  const looksFor = (file: FilePath, { rule, hint }: BaselineEntry) =>
    (looksForAll || (leastSeverity === "information" && !hint)) &&
    isChosen(rule, { ...(rules ? { rules } : {}), severities: severitiesOf(projectOf(file), file, choices) });
  const held = holdBack(files, found, projectOf, choices.baseline ?? { mode: "apply" }, looksFor, baselines);
  return {
    files,
    failures,
    statistics,
    resources: new Map(resources),
    findings: held.findings,
    notices: [...outcome.notices, ...held.notices],
    baselines: held.reports,
    read: [...outcome.read, ...held.reports.map(({ file }) => file)],
  };
}

/** Settings come before the configuration. A rule that is asked for by name is not off. */
function severitiesOf(
  project: Project,
  file: FilePath,
  { severities = {}, rules }: Pick<AnalysisOptions, "severities" | "rules">,
): Severities {
  const all = { ...project.severitiesIn(file), ...severities };
  if (rules === undefined) return all;
  const isOff = (rule: string) => rules.includes(rule) && project.config.rules[rule] === "off";
  return Object.fromEntries(
    Object.entries(all).filter(([rule, severity]) => severity !== "off" || !isOff(rule)),
  );
}

function userModels(
  kept: Kept,
  projects: ReadonlySet<Project>,
  listed: readonly string[],
  manifests: readonly FilePath[],
): UserModels {
  const parts = [...projects].map(({ root, config }) => {
    const names = [...config.models, ...listed];
    return cached(kept.models, JSON.stringify([root, names]), () => modelsOfProject(root, names));
  });
  const packages = cached(kept.models, manifests.join("\n"), () => modelsOfPackages(manifests));
  // The nearer to the user, the later: a project's model corrects that of a package.
  return together([packages, ...parts]);
}

function cached<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const known = values.get(key);
  if (known !== undefined) return known;
  const made = make();
  values.set(key, made);
  return made;
}

function uniqueNotices(notices: readonly ProjectNotice[]): readonly ProjectNotice[] {
  const byKey = new Map(notices.map((notice) => [JSON.stringify(notice), notice]));
  return [...byKey.values()];
}
