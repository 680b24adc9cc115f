import { existsSync } from "node:fs";
import type { Model } from "@unknot/models/model.ts";
import type { Finding } from "@unknot/protocol/finding.ts";
import {
  type AnalysisOptions,
  type AnalysisResult,
  type AnalyzedProgram,
  analyzeProgram,
  isChosen,
} from "../analysis/analyze.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { folderOf, resolvePath } from "../program/paths.ts";
import type { ProjectNotice } from "../program/program.ts";
import {
  applyBaseline,
  type BaselineEntry,
  baselineText,
  entriesOf,
  type Identity,
  identityOf,
  nameInBaseline,
  readBaseline,
} from "./baseline.ts";
import type { DeferToLinter } from "./config-format.ts";
import { createLinters } from "./linters/linters.ts";
import { createProjects, type Project, readText, toNotice } from "./projects.ts";
import { configName, defaultBaselineName, type Severities } from "./read-config.ts";
import { importedManifests, modelsOfPackages, modelsOfProject, type UserModels } from "./user-models.ts";

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

/** What to do with baselines; `file` stands in for every project's own. */
export interface BaselineChoice {
  readonly mode: "apply" | "ignore" | "write";
  readonly file?: FilePath;
  /** Look for entries about files that are gone, too. */
  readonly thorough?: boolean;
}

/** A baseline file and what it did. */
export interface BaselineReport {
  readonly file: FilePath;
  /** How many findings it holds back; after writing, how many it has. */
  readonly known: number;
  /** Entries about the files that were looked at, which are found no more. */
  readonly stale: readonly { readonly file: FilePath; readonly entry: BaselineEntry }[];
  /** What has to stand in it from now on, when it is to be written. */
  readonly text?: string;
}

export interface ProjectAnalysisResult extends AnalysisResult {
  /** The files among those asked for that no project excludes. */
  readonly files: readonly FilePath[];
  readonly notices: readonly ProjectNotice[];
  readonly baselines: readonly BaselineReport[];
  /** Files that were read besides the program: configurations, models, baselines. */
  readonly read: readonly FilePath[];
}

/** Analyses with what projects on disk say about themselves; keeps what it has read. */
export interface ProjectAnalysis {
  run(
    program: AnalyzedProgram,
    files: readonly FilePath[],
    choices: Omit<AnalysisOptions, "severitiesIn" | "modelsFor"> & ProjectChoices,
  ): ProjectAnalysisResult;
  /** Something on disk has changed besides sources. */
  forget(): void;
}

export function createProjectAnalysis(): ProjectAnalysis {
  const kept = new Map<FilePath | undefined, Kept>();
  return {
    forget: () => kept.clear(),
    run(program, files, choices) {
      const home = choices.home ?? choices.root;
      const known = kept.get(home) ?? keep(home);
      kept.set(home, known);
      return analyzeProjects(known, program, files, choices);
    },
  };
}

/** What was read from disk and counts until something there changes. */
interface Kept {
  readonly projectOf: (file: FilePath) => Project;
  readonly linterFor: ReturnType<typeof createLinters>;
  readonly models: Map<string, UserModels>;
}

function keep(home: FilePath | undefined): Kept {
  return {
    projectOf: createProjects(home),
    linterFor: createLinters(),
    models: new Map(),
  };
}

function analyzeProjects(
  kept: Kept,
  program: AnalyzedProgram,
  files: readonly FilePath[],
  choices: Parameters<ProjectAnalysis["run"]>[2],
): ProjectAnalysisResult {
  const { projectOf } = kept;
  const wanted = files.filter((file) => !projectOf(file).isExcluded(file));
  const projects = new Set([...program.files(), ...files].map(projectOf));
  const severitiesIn = (file: FilePath) => severitiesOf(projectOf(file), file, choices);
  let models: UserModels = { models: [], notices: [] };
  const modelsFor = (facts: readonly FileFacts[]): readonly Model[] => {
    models = userModels(kept, projects, choices.models ?? [], facts);
    return models.models;
  };
  const defers = (file: FilePath): DeferToLinter =>
    choices.deferToLinter ?? projectOf(file).config.deferToLinter ?? "auto";
  const [only] = projects.size === 1 ? projects : [];
  const root = only?.declared ? only.root : choices.root;
  const result = analyzeProgram(program, wanted, {
    ...choices,
    ...(root === undefined ? {} : { root }),
    severitiesIn,
    modelsFor,
    ruleOptions: {
      safeToDrop: [...projects].flatMap(({ config }) => config.safeToDrop),
      linterFor(file) {
        const choice = defers(file);
        if (choice === "never") return undefined;
        return choice === "always" ? { name: "another linter", sees: "types" } : kept.linterFor(file);
      },
      ...choices.ruleOptions,
    },
  });
  const looksAt = (file: FilePath, rule: string) =>
    isChosen(rule, { ...(choices.rules ? { rules: choices.rules } : {}), severities: severitiesIn(file) });
  const baselines = baselinesOf(program, wanted, result.findings, projectOf, choices, looksAt);
  const notices = [
    ...[...projects].flatMap((project) => project.notices),
    ...models.notices,
    ...baselines.notices,
  ];
  return {
    ...result,
    findings: baselines.findings,
    files: wanted,
    notices: uniqueNotices(notices),
    baselines: baselines.reports,
    read: [
      ...[...projects].flatMap(({ root: folder, config }) => [
        resolvePath(folder, configName),
        ...[...config.models, ...(choices.models ?? [])].map((name) => resolvePath(folder, name)),
      ]),
      ...baselines.reports.map(({ file }) => file),
    ],
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
  facts: readonly FileFacts[],
): UserModels {
  const parts = [...projects].map(({ root, config }) => {
    const names = [...config.models, ...listed];
    return cached(kept.models, JSON.stringify([root, names]), () => modelsOfProject(root, names));
  });
  const manifests = importedManifests(facts);
  const packages = cached(kept.models, manifests.join("\n"), () => modelsOfPackages(manifests));
  // The nearer to the user, the later: a project's model corrects that of a package.
  const all = [packages, ...parts];
  return { models: all.flatMap(({ models }) => models), notices: all.flatMap(({ notices }) => notices) };
}

function cached<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const known = values.get(key);
  if (known !== undefined) return known;
  const made = make();
  values.set(key, made);
  return made;
}

interface Identified {
  readonly finding: Finding;
  readonly identity: Identity;
}

/** Holds back what baselines know, or makes them anew. */
function baselinesOf(
  program: AnalyzedProgram,
  files: readonly FilePath[],
  findings: readonly Finding[],
  projectOf: (file: FilePath) => Project,
  { baseline = { mode: "apply" } }: ProjectChoices,
  looksAt: (file: FilePath, rule: string) => boolean,
): {
  readonly findings: readonly Finding[];
  readonly reports: readonly BaselineReport[];
  readonly notices: readonly ProjectNotice[];
} {
  if (baseline.mode === "ignore") return { findings, reports: [], notices: [] };
  const byBaseline = new Map<FilePath, FilePath[]>();
  for (const file of files) {
    const target = baseline.file ?? ownBaseline(projectOf(file), baseline.mode);
    if (target !== undefined) byBaseline.set(target, [...(byBaseline.get(target) ?? []), file]);
  }
  const byFile = new Map<FilePath, Finding[]>();
  for (const finding of findings) {
    const known = byFile.get(finding.at.file);
    if (known) known.push(finding);
    else byFile.set(finding.at.file, [finding]);
  }
  const heldBack = new Set<Finding>();
  const reports: BaselineReport[] = [];
  const notices: ProjectNotice[] = [];
  for (const [target, covered] of byBaseline) {
    const text = readText(target);
    if (typeof text !== "string" && baseline.mode === "apply") {
      // The default file need not be there; one that was named should.
      if (baseline.file !== undefined || typeof projectOf(covered[0] ?? "").config.baseline === "string") {
        const message = `There is no baseline '${target}': make it with 'unknot check --write-baseline'.`;
        notices.push({ file: target, severity: "warning", message });
      }
      continue;
    }
    const { baseline: known, problems } = readBaseline(typeof text === "string" ? text : emptyBaseline);
    if (baseline.mode === "apply") notices.push(...problems.map((problem) => toNotice(target, problem)));
    const folder = folderOf(target);
    const entries = new Map(known);
    const stale: { file: FilePath; entry: BaselineEntry }[] = [];
    let count = 0;
    for (const file of covered) {
      const name = nameInBaseline(folder, file);
      const found = identified(program, byFile.get(file) ?? []);
      if (baseline.mode === "write") {
        // What was not looked at stays as it is.
        const others = (entries.get(name) ?? []).filter(({ rule }) => !looksAt(file, rule));
        entries.set(name, [...others, ...entriesOf(found.map(({ identity }) => identity))]);
        continue;
      }
      const own = entries.get(name) ?? [];
      const applied = applyBaseline(found, own);
      const fresh = new Set(applied.fresh);
      for (const { finding } of found) if (!fresh.has(finding)) heldBack.add(finding);
      count += found.length - fresh.size;
      stale.push(
        ...applied.stale.filter(({ rule }) => looksAt(file, rule)).map((entry) => ({ file, entry })),
      );
    }
    if (baseline.mode === "write" || baseline.thorough) {
      const looked = new Set(covered);
      for (const [name, gone] of [...entries]) {
        const file = resolvePath(folder, name);
        if (existsSync(file)) continue;
        entries.delete(name);
        if (!looked.has(file)) stale.push(...gone.map((entry) => ({ file, entry })));
      }
    }
    if (baseline.mode === "write") {
      count = [...entries.values()].flat().reduce((sum, entry) => sum + entry.count, 0);
    }
    reports.push({
      file: target,
      known: count,
      stale,
      ...(baseline.mode === "write" ? { text: baselineText(entries) } : {}),
    });
  }
  return { findings: findings.filter((finding) => !heldBack.has(finding)), reports, notices };
}

const emptyBaseline = baselineText(new Map());

function ownBaseline({ root, config }: Project, mode: BaselineChoice["mode"]): FilePath | undefined {
  if (config.baseline === false) return mode === "write" ? resolvePath(root, defaultBaselineName) : undefined;
  return resolvePath(root, config.baseline ?? defaultBaselineName);
}

function identified(program: AnalyzedProgram, findings: readonly Finding[]): readonly Identified[] {
  return findings.map((finding) => ({
    finding,
    identity: identityOf(finding, program.facts(finding.at.file), program.text(finding.at.file)),
  }));
}

function uniqueNotices(notices: readonly ProjectNotice[]): readonly ProjectNotice[] {
  const byKey = new Map(notices.map((notice) => [JSON.stringify(notice), notice]));
  return [...byKey.values()];
}
