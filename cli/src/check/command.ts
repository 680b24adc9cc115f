import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Finding, Severity } from "@unknot/protocol/finding.ts";
import { foldedText, foldNotices } from "@unknot/server/program/fold-notices.ts";
import {
  type AnalysisHost,
  type AnalysisReport,
  type AnalysisRequest,
  AnalysisUnavailable,
  startAnalysis,
} from "@unknot/server/worker/host.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { fileProblem } from "../dumps/read-dump-file.ts";
import { shown, slashes } from "../paths.ts";
import { colorsFor, print, printable } from "../terminal.ts";
import { applyFixes } from "./apply-fixes.ts";
import { cacheFolder } from "./cache-folder.ts";
import { changedFiles } from "./changed-files.ts";
import { githubOutput } from "./github-output.ts";
import { jsonOutput } from "./json-output.ts";
import { optimiseLate } from "./late-optimisation.ts";
import { createProgress } from "./progress.ts";
import { byPlace, type CheckReport, isAtLeast, type RuleInfo } from "./report.ts";
import { sarifOutput } from "./sarif-output.ts";
import { textOutput } from "./text-output.ts";

export const checkFormats = ["text", "json", "sarif", "github"] as const;

export interface CheckOptions {
  readonly project?: string;
  readonly format: (typeof checkFormats)[number];
  readonly rule?: readonly string[];
  readonly severity: Severity;
  readonly failOn: Severity;
  readonly stats?: boolean;
  readonly fix?: boolean;
  /** A file to use instead of the projects' own baselines; false for none. */
  readonly baseline?: string | false;
  /** Write what is found into the baseline: of each project, or into a file. */
  readonly writeBaseline?: string | true;
  /** Only files that differ from the last commit, or from a ref. */
  readonly changed?: string | true;
}

export interface CheckContext {
  readonly rules: readonly RuleInfo[];
  /** Version of this command. */
  readonly version: string;
}

/**
 * `unknot check [paths…]`: the findings on standard output, progress and statistics on standard error. Resolves to the
 * exit code. Throws a CliError when nothing can be checked.
 */
export async function check(
  paths: readonly string[],
  options: CheckOptions,
  context: CheckContext,
): Promise<number> {
  const unknown = (options.rule ?? []).filter((id) => !context.rules.some((rule) => rule.id === id));
  if (unknown.length > 0) {
    const known = context.rules.map((rule) => rule.id).join(", ");
    throw new CliError(`There is no rule '${unknown[0]}': the rules are ${known}.`);
  }
  if (options.writeBaseline !== undefined && options.fix) {
    throw new CliError("--write-baseline would write down what --fix is about to mend: run --fix first.");
  }
  rejectPaths(options);
  const root = process.cwd();
  const roots = rootsOf(paths, options.project);
  const request = requestOf(root, options);
  const optimisation = optimiseLate();
  const progress = createProgress(process.stderr, optimisation.hurry);
  const folder = cacheFolder();
  const host = startAnalysis({
    onTrouble: (message) => progress.say(message),
    isBrief: true,
    ...(folder === undefined ? {} : { cacheFolder: folder }),
  });
  host.open(roots);
  const started = performance.now();
  try {
    const report = options.fix
      ? await fixed(host, request, options, progress)
      : await analyzed(host, request, progress);
    progress.done();
    tellTroubles(report, root);
    if (options.writeBaseline !== undefined) return writeBaselines(report, root);
    tellStale(report, root);
    const result = toReport(report, root, options, context.rules);
    await print(rendered(result, options, context.version));
    if (options.stats) process.stderr.write(statistics(report, performance.now() - started));
    const failing = result.findings.some((finding) => isAtLeast(finding.severity, options.failOn));
    return failing ? exitCodes.findings : exitCodes.fine;
  } catch (error) {
    progress.done();
    if (error instanceof AnalysisUnavailable) throw new CliError(error.message);
    throw error;
  } finally {
    await host.dispose();
  }
}

/** The paths as the analyzer takes them; the current folder when there are none. */
function rootsOf(paths: readonly string[], project: string | undefined): readonly string[] {
  const named = project === undefined ? paths : [...paths, project];
  return (named.length === 0 ? ["."] : named).map((each) => {
    const file = path.resolve(each);
    if (!existsSync(file)) throw new CliError(`There is no file or folder '${each}': check the path.`);
    return slashes(file);
  });
}

/** A path behind an option that may have a value becomes that value: it must not be taken for a ref or written to. */
function rejectPaths({ changed, writeBaseline }: CheckOptions): void {
  if (typeof changed === "string" && existsSync(changed)) {
    throw new CliError(`'${changed}' is taken for a commit: name paths before --changed.`);
  }
  if (typeof writeBaseline === "string" && !writeBaseline.endsWith(".json")) {
    throw new CliError(
      `'${writeBaseline}' is taken for the baseline, which is a .json file: name paths before --write-baseline.`,
    );
  }
}

/** What to ask for, whatever else is done with the outcome. */
function requestOf(root: string, options: CheckOptions): AnalysisRequest {
  const { changed, rule, severity, writeBaseline, baseline } = options;
  const named = writeBaseline === undefined ? baseline : writeBaseline;
  const mode = writeBaseline !== undefined ? "write" : baseline === false ? "ignore" : "apply";
  return {
    syntaxErrors: true,
    ...(changed === undefined ? {} : { among: changedFiles(root, changed === true ? undefined : changed) }),
    options: {
      home: slashes(root),
      // A baseline has everything in it, so that other severities find nothing new.
      ...(mode === "write" ? {} : { leastSeverity: severity }),
      ...(rule === undefined ? {} : { rules: rule }),
      baseline: {
        mode,
        thorough: true,
        ...(typeof named === "string" ? { file: slashes(path.resolve(named)) } : {}),
      },
    },
  };
}

function analyzed(
  host: AnalysisHost,
  request: AnalysisRequest,
  progress: ReturnType<typeof createProgress>,
): Promise<AnalysisReport> {
  return host.analyze({ ...request, onProgress: (done, total) => progress.show(done, total) });
}

/** Writes what the analysis wants to stand in baselines; says so on standard output. */
function writeBaselines({ baselines }: AnalysisReport, root: string): number {
  for (const { file, known, text } of baselines) {
    if (text === undefined) continue;
    try {
      writeFileSync(file, text);
    } catch (error) {
      throw new CliError(fileProblem(file, error));
    }
    const findings = `${known} finding${known === 1 ? "" : "s"}`;
    process.stdout.write(`${printable(shown(file, root))}: ${findings} from now on left out.\n`);
  }
  return exitCodes.fine;
}

/** Names what baselines have too much: somebody has mended it. */
function tellStale({ baselines }: AnalysisReport, root: string): void {
  for (const { file, stale } of baselines) {
    if (stale.length === 0) continue;
    const total = stale.reduce((sum, { entry }) => sum + entry.count, 0);
    const examples = stale
      .slice(0, 3)
      .map((one) => `'${one.entry.rule}' in ${shown(one.file, root)}`)
      .join(", ");
    const more = stale.length > 3 ? " and others" : "";
    process.stderr.write(
      `${printable(shown(file, root))}: ${total} finding${total === 1 ? " in it is" : "s in it are"} gone (${printable(examples)}${more}); unknot check --write-baseline takes ${total === 1 ? "it" : "them"} out.\n`,
    );
  }
}

/** Rounds of fixing: one fix may make room for the next, but two fixes may also undo each other. */
const mostRounds = 10;

async function fixed(
  host: AnalysisHost,
  request: AnalysisRequest,
  options: CheckOptions,
  progress: ReturnType<typeof createProgress>,
): Promise<AnalysisReport> {
  let report = await analyzed(host, request, progress);
  for (let round = 0; round < mostRounds; round++) {
    const wanted = chosen(report.findings, options);
    const { files, fixed: mended } = applyFixes(wanted, textOf);
    if (mended.length === 0) break;
    for (const [file, text] of files) {
      try {
        writeFileSync(file, text);
      } catch (error) {
        throw new CliError(fileProblem(file, error));
      }
    }
    progress.say(
      `Fixed ${mended.length} finding${mended.length === 1 ? "" : "s"} in ${files.size} file${files.size === 1 ? "" : "s"}.`,
    );
    host.invalidate([...files.keys()]);
    report = await analyzed(host, request, progress);
  }
  return report;
}

function chosen(findings: readonly Finding[], { rule, severity }: CheckOptions): readonly Finding[] {
  return findings.filter(
    (finding) => isAtLeast(finding.severity, severity) && (rule === undefined || rule.includes(finding.rule)),
  );
}

function toReport(
  report: AnalysisReport,
  root: string,
  options: CheckOptions,
  rules: readonly RuleInfo[],
): CheckReport {
  return {
    root,
    findings: [...chosen(report.findings, options)].sort(byPlace),
    notices: report.notices,
    rules,
    files: report.files.length,
    baselined: report.baselines.reduce((sum, { known }) => sum + known, 0),
    ignoresBaseline: options.baseline === false,
  };
}

/** What went wrong on the way, on standard error: everything else has been checked all the same. */
function tellTroubles({ notices, failures }: AnalysisReport, root: string): void {
  for (const folded of foldNotices(notices)) {
    const { file, at } = folded.notice;
    const place = at === undefined ? "" : `:${at.line}:${at.column}`;
    process.stderr.write(`${printable(shown(file, root))}${place}: ${printable(foldedText(folded))}\n`);
  }
  for (const { file, rule, message } of failures) {
    process.stderr.write(
      `${printable(shown(file, root))}: '${rule}' could not look at it: ${printable(message)}\n`,
    );
  }
}

function rendered(report: CheckReport, { format }: CheckOptions, version: string): string {
  switch (format) {
    case "text":
      return [...textOutput(report, { colors: colorsFor(process.stdout), textOf })].join("");
    case "json":
      return jsonOutput(report);
    case "sarif":
      return sarifOutput(report, version);
    case "github":
      return githubOutput(report);
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // Gone since it was analysed: the finding is shown without its code.
  }
}

function statistics({ files, stats }: AnalysisReport, tookMs: number): string {
  const { symbols, types, trees } = stats.questions;
  const calls = stats.analysis?.calls ?? 0;
  const perCalls =
    stats.kept || calls === 0
      ? ""
      : `; ${((1_000 * (symbols + types)) / calls).toFixed(1)} questions per 1,000 calls`;
  const megabytes = (process.memoryUsage.rss() / 1024 / 1024).toFixed(0);
  return [
    `files       ${files.length}`,
    `time        ${(tookMs / 1000).toFixed(2)} s (opening ${(stats.openMs / 1000).toFixed(2)} s, analysis ${(stats.analyzeMs / 1000).toFixed(2)} s)`,
    ...(stats.kept ? ["kept        nothing has changed since an earlier run"] : []),
    `questions   ${symbols} symbols, ${types} types, ${trees} trees${perCalls}`,
    `memory      ${megabytes} MB without TypeScript's process`,
    "",
  ].join("\n");
}
