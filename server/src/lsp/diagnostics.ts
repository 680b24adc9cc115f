import type { Finding, Severity } from "@unknot/protocol/finding.ts";
import type { SeenProblem } from "@unknot/protocol/seen.ts";
import { type Diagnostic, DiagnosticSeverity, DiagnosticTag } from "vscode-languageserver";
import type { FilePath } from "../program/program.ts";
import { rangeOf } from "./locations.ts";

/** What the client can show and where things are. */
export interface DiagnosticContext {
  /** The client's URI of a file. */
  readonly uriOf: (file: FilePath) => string;
  /** `https://…/`, to which a rule's id is appended, or with `{rule}` in its place; no links when absent. */
  readonly rulePages?: string;
  readonly supports: { readonly related: boolean; readonly link: boolean; readonly tags: boolean };
}

/** A finding as the editor shows it; `seen` is the problem by which a running program has shown it to be true. */
export function toDiagnostic(finding: Finding, context: DiagnosticContext, seen?: SeenProblem): Diagnostic {
  const { supports, uriOf, rulePages } = context;
  const related = finding.trace.map(({ at, what }) => ({
    location: { uri: uriOf(at.file), range: rangeOf(at) },
    message: what,
  }));
  const [happened = finding.at] = seen?.at ?? [];
  if (seen !== undefined) {
    const { file, line, column } = happened;
    const range = rangeOf({ file, line, column, endLine: line, endColumn: column });
    related.push({ location: { uri: uriOf(file), range }, message: `seen at run time: ${seen.message}` });
  }
  const message = seen === undefined ? finding.message : `${finding.message} A run has shown it.`;
  return {
    range: rangeOf(finding.at),
    severity: severityOf[finding.severity],
    source: "unknot",
    code: finding.rule,
    message: supports.related ? message : [message, ...stepsInText(finding)].join("\n"),
    data: { rule: finding.rule },
    ...(supports.link && rulePages !== undefined
      ? { codeDescription: { href: pageOf(finding.rule, rulePages) } }
      : {}),
    ...(supports.related && related.length > 0 ? { relatedInformation: related } : {}),
    ...(supports.tags && finding.rule === "unused-suppression" ? { tags: [DiagnosticTag.Unnecessary] } : {}),
  };
}

const severityOf: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
  hint: DiagnosticSeverity.Hint,
};

function pageOf(rule: string, pages: string): string {
  return pages.includes("{rule}") ? pages.replace("{rule}", rule) : `${pages}${rule}`;
}

/** The path, for clients that show no related places. */
function stepsInText({ trace }: Finding): readonly string[] {
  return trace.map(({ at, what }) => `${what} (${at.file.slice(at.file.lastIndexOf("/") + 1)}:${at.line})`);
}
