import type { Finding, Fix } from "@unknot/protocol/finding.ts";
import {
  type CodeAction,
  CodeActionKind,
  type Diagnostic,
  type Range,
  type TextDocumentEdit,
  type TextEdit,
  type WorkspaceEdit,
} from "vscode-languageserver";
import type { FilePath } from "../program/program.ts";
import { rangeOf } from "./locations.ts";

/** A finding of a document's current text, as the client knows it. */
export interface ShownFinding {
  readonly finding: Finding;
  readonly diagnostic: Diagnostic;
  /** A comment can stand on a line above it. */
  readonly commentable: boolean;
}

export interface ActionContext {
  /** The text of the document the actions are for. */
  readonly text: string;
  readonly uriOf: (file: FilePath) => string;
  /** The version of an open document. */
  readonly versionOf: (uri: string) => number | undefined;
  /** The client takes edits that name a document's version. */
  readonly versioned: boolean;
}

/** What can be done about the findings in a range: each one's fixes, the best first, then to ignore it. */
export function actionsFor(
  shown: readonly ShownFinding[],
  range: Range,
  context: ActionContext,
): readonly CodeAction[] {
  return shown
    .filter(({ diagnostic }) => overlaps(diagnostic.range, range))
    .flatMap((one) => [
      ...one.finding.fixes
        .toSorted((a, b) => Number(b.preferred) - Number(a.preferred))
        .map((fix) => fixAction(fix, one, context)),
      ...ignoreAction(one, context),
    ]);
}

function fixAction(fix: Fix, { diagnostic }: ShownFinding, context: ActionContext): CodeAction {
  const edits = new Map<string, TextEdit[]>();
  for (const { at, newText } of fix.edits) {
    const uri = context.uriOf(at.file);
    edits.set(uri, [...(edits.get(uri) ?? []), { range: rangeOf(at), newText }]);
  }
  return {
    title: fix.title,
    kind: CodeActionKind.QuickFix,
    diagnostics: [diagnostic],
    isPreferred: fix.preferred,
    edit: workspaceEdit(edits, context),
  };
}

const comment = /^(\s*(?:\/\/|\/\*)\s*unknot-ignore-next-line\b(?:(?!\s*--|\s*\*\/).)*)/;

/** A comment above the line, or one more rule in the one that is there. Asks for nothing: a reason can be written later. */
function ignoreAction(
  { finding, diagnostic, commentable }: ShownFinding,
  context: ActionContext,
): readonly CodeAction[] {
  if (!commentable || finding.rule === "unused-suppression") return [];
  const lines = context.text.split(/\r\n|\r|\n/);
  const line = finding.at.line - 1;
  const [, existing] = comment.exec(lines[line - 1] ?? "") ?? [];
  const [indent = ""] = /^\s*/.exec(lines[line] ?? "") ?? [];
  const lineBreak = context.text.includes("\r\n") ? "\r\n" : "\n";
  const at =
    existing === undefined
      ? { line, character: 0 }
      : { line: line - 1, character: existing.trimEnd().length };
  const newText =
    existing === undefined
      ? `${indent}// unknot-ignore-next-line ${finding.rule}${lineBreak}`
      : `, ${finding.rule}`;
  const uri = context.uriOf(finding.at.file);
  return [
    {
      title: `Ignore '${finding.rule}' here`,
      kind: CodeActionKind.QuickFix,
      diagnostics: [diagnostic],
      edit: workspaceEdit(new Map([[uri, [{ range: { start: at, end: at }, newText }]]]), context),
    },
  ];
}

function workspaceEdit(edits: ReadonlyMap<string, TextEdit[]>, context: ActionContext): WorkspaceEdit {
  if (!context.versioned) return { changes: Object.fromEntries(edits) };
  return {
    documentChanges: [...edits].map(
      ([uri, list]): TextDocumentEdit => ({
        textDocument: { uri, version: context.versionOf(uri) ?? null },
        edits: list,
      }),
    ),
  };
}

function overlaps(a: Range, b: Range): boolean {
  const before = (x: Range["start"], y: Range["start"]) =>
    x.line < y.line || (x.line === y.line && x.character < y.character);
  return !before(a.end, b.start) && !before(b.end, a.start);
}
