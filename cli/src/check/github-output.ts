import type { Severity } from "@unknot/protocol/finding.ts";
import { foldedText, foldNotices } from "@unknot/server/program/fold-notices.ts";
import { shown } from "../paths.ts";
import type { CheckReport } from "./report.ts";

const commands: Readonly<Record<Severity, "error" | "warning" | "notice">> = {
  error: "error",
  warning: "warning",
  information: "notice",
  hint: "notice",
};

/** Findings as workflow commands, which GitHub shows beside the lines of a pull request. */
export function githubOutput({ findings, notices, root }: CheckReport): string {
  const lines = findings.map(({ rule, severity, at, message, trace }) => {
    const steps = trace.map(
      (step, index) => `\n${index + 1}. ${step.what} (${shown(step.at.file, root)}:${step.at.line})`,
    );
    const properties = {
      file: shown(at.file, root),
      line: at.line,
      // A column is only allowed within one line.
      ...(at.line === at.endLine ? { col: at.column, endColumn: at.endColumn } : { endLine: at.endLine }),
      title: `unknot ${rule}`,
    };
    return command(commands[severity], properties, message + (steps.length > 1 ? steps.join("") : ""));
  });
  const notes = foldNotices(notices).map((folded) => {
    const { file, severity, at } = folded.notice;
    const place = at === undefined ? {} : { line: at.line, col: at.column };
    return command(commands[severity], { file: shown(file, root), ...place }, foldedText(folded));
  });
  return [...lines, ...notes].map((line) => `${line}\n`).join("");
}

function command(
  name: string,
  properties: Readonly<Record<string, string | number>>,
  message: string,
): string {
  const list = Object.entries(properties).map(
    ([key, value]) => `${key}=${escapeData(String(value)).replaceAll(":", "%3A").replaceAll(",", "%2C")}`,
  );
  return `::${name} ${list.join(",")}::${escapeData(message)}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
