import type { Span } from "@unknot/protocol/place.ts";
import { shown, slashes } from "../paths.ts";
import { type CheckReport, tally } from "./report.ts";

/** Findings for scripts; docs/protocol.md describes the shape. Files are relative to `root` when they are inside. */
export function jsonOutput(report: CheckReport): string {
  const { root } = report;
  const place = ({ file, line, column, endLine, endColumn }: Span) => ({
    file: shown(file, root),
    line,
    column,
    endLine,
    endColumn,
  });
  const value = {
    version: 1,
    root: slashes(root),
    findings: report.findings.map(({ rule, severity, at, message, trace, fixes }) => ({
      rule,
      severity,
      ...place(at),
      message,
      trace: trace.map((step) => ({ ...place(step.at), what: step.what })),
      fixes: fixes.map(({ title, preferred, edits }) => ({
        title,
        preferred,
        edits: edits.map((edit) => ({ ...place(edit.at), newText: edit.newText })),
      })),
    })),
    notices: report.notices.map(({ file, message, at }) => ({ file: shown(file, root), ...at, message })),
    summary: { files: report.files, baselined: report.baselined, ...tally(report.findings) },
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}
