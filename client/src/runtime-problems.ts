import type { Problem } from "@unknot/protocol/problem.ts";
import * as vscode from "vscode";
import { openPlace, positionOf, uriOf } from "./places.ts";
import { messageText } from "./program-text.ts";
import type { Launches } from "./sessions/launches.ts";
import { problemsOf, sameProblem } from "./sessions/session.ts";

/**
 * Puts what running programs prove into Problems, at the line where a task waits, and announces each deadlock once,
 * unless the user has the tasks before their eyes. The entries stay after the program has ended, until the next launch makes room for itself.
 */
export function registerRuntimeProblems(launches: Launches): vscode.Disposable {
  const entries = vscode.languages.createDiagnosticCollection("unknot-run");
  const announced = new Map<string, Problem[]>();
  let published = "";

  const publish = () => {
    const problems = launches
      .list()
      .flatMap(({ sessions }) => sessions.filter(({ state }) => state.kind !== "file").flatMap(problemsOf))
      .filter((problem) => problem.certainty === "proved");
    const next = JSON.stringify(problems);
    if (next === published) return;
    published = next;
    entries.clear();
    for (const [uri, some] of Map.groupBy(problems, (problem) => fileOf(problem))) {
      if (uri !== undefined) entries.set(vscode.Uri.parse(uri, true), some.map(diagnosticOf));
    }
  };

  return vscode.Disposable.from(
    entries,
    launches.onChange(publish),
    launches.onProblem(({ session, problem }) => {
      if (problem.verdict !== "deadlock" || problem.certainty !== "proved") return;
      const before = announced.get(session.id) ?? [];
      if (before.some((one) => sameProblem(one, problem))) return;
      announced.set(session.id, [...before, problem]);
      if (!launches.isWatchedBy("view")) void announce(problem);
    }),
  );
}

/** The file of the problem's first place, as a URI's text. */
function fileOf({ at: [place] }: Problem): string | undefined {
  return place && uriOf(place)?.toString();
}

function diagnosticOf(problem: Problem): vscode.Diagnostic {
  const [place, ...others] = problem.at;
  const at = place ? positionOf(place) : new vscode.Position(0, 0);
  const diagnostic = new vscode.Diagnostic(
    // VS Code marks the word at an empty range.
    new vscode.Range(at, at),
    problem.message,
    vscode.DiagnosticSeverity.Error,
  );
  diagnostic.source = "Unknot run";
  diagnostic.code = problem.id;
  diagnostic.relatedInformation = others.flatMap((other) => {
    const uri = uriOf(other);
    return uri
      ? new vscode.DiagnosticRelatedInformation(new vscode.Location(uri, positionOf(other)), "part of it")
      : [];
  });
  return diagnostic;
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
