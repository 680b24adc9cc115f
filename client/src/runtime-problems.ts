import type { Problem } from "@unknot/protocol/problem.ts";
import type { SeenProblem } from "@unknot/protocol/seen.ts";
import { isSure } from "@unknot/protocol/verdict.ts";
import * as vscode from "vscode";
import { openPlace, positionOf, uriOf } from "./places.ts";
import { messageText } from "./program-text.ts";
import type { RulePages } from "./rule-pages/register.ts";
import type { Launches } from "./sessions/launches.ts";
import { problemsOf, sameProblem } from "./sessions/session.ts";

/** Several changes of one moment are published once. */
const publishAfterMs = 50;

/**
 * Puts what running programs do wrong into Problems, at the line where a task waits, and announces each deadlock once,
 * unless the user has the tasks before their eyes. The entries stay after the program has ended, until the next launch
 * makes room for itself. An entry links to the page of the static rule that finds the same mistake, and to what that
 * rule says of it in the editor; `tellSeen` lets that say that a run has shown it.
 */
export function registerRuntimeProblems(
  launches: Launches,
  pages: RulePages,
  tellSeen: (problems: readonly SeenProblem[]) => void,
): vscode.Disposable {
  const entries = vscode.languages.createDiagnosticCollection("unknot-run");
  const announced = new Map<string, Problem[]>();
  let seen = "";
  let published = "";
  let timer: NodeJS.Timeout | undefined;

  const publish = () => {
    const problems = launches
      .list()
      .flatMap(({ sessions }) => sessions.filter(({ state }) => state.kind !== "file").flatMap(problemsOf))
      .filter(belongsIntoProblems);
    const told = problems.map(({ id, message, at }): SeenProblem => ({ id, message, at }));
    if (JSON.stringify(told) !== seen) {
      seen = JSON.stringify(told);
      tellSeen(told);
    }
    const warnings = problems.length === 0 ? [] : staticWarnings();
    const found = problems.map((problem) => ({ problem, warnings: warningsOf(problem, warnings) }));
    const next = JSON.stringify(found);
    if (next === published) return;
    published = next;
    entries.clear();
    for (const [uri, some] of Map.groupBy(found, ({ problem }) => fileOf(problem))) {
      if (uri === undefined) continue;
      const diagnostics = some.map((one) => diagnosticOf(one.problem, one.warnings, pages));
      entries.set(vscode.Uri.parse(uri, true), diagnostics);
    }
  };
  const publishSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      publish();
    }, publishAfterMs);
  };

  return vscode.Disposable.from(
    entries,
    { dispose: () => clearTimeout(timer) },
    launches.onChange(publishSoon),
    vscode.languages.onDidChangeDiagnostics(() => {
      // They are looked at only when there is something that they may be about.
      if (seen.length > "[]".length) publishSoon();
    }),
    launches.onProblem(({ session, problem }) => {
      if (problem.verdict !== "deadlock" || problem.certainty !== "proved") return;
      const before = announced.get(session.id) ?? [];
      if (before.some((one) => sameProblem(one, problem))) return;
      announced.set(session.id, [...before, problem]);
      if (!launches.isWatchedBy("view")) void announce(problem);
    }),
  );
}

/** A blocked loop comes and goes, and its message changes all the while: that is for the view. */
function belongsIntoProblems(problem: Problem): boolean {
  return isSure(problem) && problem.verdict !== "loop-blocked";
}

/** A warning of the language server. */
interface StaticWarning {
  readonly uri: vscode.Uri;
  readonly rule: string;
  readonly range: vscode.Range;
  readonly message: string;
}

function staticWarnings(): readonly StaticWarning[] {
  return vscode.languages.getDiagnostics().flatMap(([uri, diagnostics]) =>
    diagnostics.flatMap(({ source, code, range, message }) => {
      const rule = typeof code === "object" ? String(code.value) : String(code);
      return source === "unknot" ? [{ uri, rule, range, message }] : [];
    }),
  );
}

/** Those of the same mistake: of the problem's rule, at a line of it. */
function warningsOf({ id, at }: Problem, warnings: readonly StaticWarning[]): readonly StaticWarning[] {
  const lines = new Set(at.map((place) => `${uriOf(place)?.toString()} ${positionOf(place).line}`));
  return warnings.filter(
    ({ rule, uri, range }) => rule === id && lines.has(`${uri.toString()} ${range.start.line}`),
  );
}

/** The file of the problem's first place, as a URI's text. */
function fileOf({ at: [place] }: Problem): string | undefined {
  return place && uriOf(place)?.toString();
}

function diagnosticOf(
  problem: Problem,
  warnings: readonly StaticWarning[],
  pages: RulePages,
): vscode.Diagnostic {
  const [place, ...others] = problem.at;
  const at = place ? positionOf(place) : new vscode.Position(0, 0);
  const { Error: failure, Warning: warning } = vscode.DiagnosticSeverity;
  const diagnostic = new vscode.Diagnostic(
    // VS Code marks the word at an empty range.
    new vscode.Range(at, at),
    problem.message,
    problem.certainty === "proved" ? failure : warning,
  );
  diagnostic.source = "Unknot run";
  const page = pages.linkTo(problem.id);
  diagnostic.code = page === undefined ? problem.id : { value: problem.id, target: page };
  diagnostic.relatedInformation = [
    ...others.flatMap((other) => {
      const uri = uriOf(other);
      return uri ? [related(uri, positionOf(other), "part of it")] : [];
    }),
    ...warnings.map(({ uri, range, message }) =>
      related(uri, range.start, `the same mistake as in the source: ${message}`),
    ),
  ];
  return diagnostic;
}

function related(uri: vscode.Uri, at: vscode.Position, what: string): vscode.DiagnosticRelatedInformation {
  return new vscode.DiagnosticRelatedInformation(new vscode.Location(uri, at), what);
}

async function announce(problem: Problem): Promise<void> {
  const show = "Show Tasks";
  const go = "Go to Line";
  const [place] = problem.at;
  const choice = await vscode.window.showWarningMessage(
    messageText(problem.message),
    show,
    ...(place ? [go] : []),
  );
  if (choice === show) await vscode.commands.executeCommand("unknot.diagnosis.focus");
  if (choice === go && place) await openPlace(place);
}
