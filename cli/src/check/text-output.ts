import { codeFrameColumns } from "@babel/code-frame";
import type { Finding, Severity } from "@unknot/protocol/finding.ts";
import type { Span } from "@unknot/protocol/place.ts";
import { shown } from "../paths.ts";
import { type Colors, harmless, printable } from "../terminal.ts";
import { type CheckReport, tally } from "./report.ts";

interface TextOptions {
  readonly colors: Colors;
  /** The text of a file as it was analysed; undefined when it can't be read. */
  readonly textOf: (file: string) => string | undefined;
}

/** Findings for people: place, rule, message, the code, and the path that leads there as numbered steps. */
export function* textOutput(report: CheckReport, options: TextOptions): Generator<string> {
  // Findings come by file, and a file may have thousands.
  let last: { readonly file: string; readonly lines: Lines | undefined } | undefined;
  const linesOf = (file: string) => {
    if (last?.file !== file) {
      const text = options.textOf(file);
      last = { file, lines: text === undefined ? undefined : harmless(text).split(lineEnd) };
    }
    return last.lines;
  };
  for (const finding of report.findings) {
    yield `${findingText(finding, report.root, options.colors, linesOf(finding.at.file))}\n`;
  }
  yield `${summary(report, options.colors)}\n`;
  const { findings, baselined, ignoresBaseline } = report;
  if (findings.length > manyFindings && baselined === 0 && !ignoresBaseline) {
    yield "To begin with new code only: unknot check --write-baseline leaves these out from now on.\n";
  }
}

type Lines = readonly string[];

const lineEnd = /\r\n|[\n\r\u2028\u2029]/;

/** More than somebody reads on a first run. */
const manyFindings = 20;

function findingText(finding: Finding, root: string, colors: Colors, source: Lines | undefined): string {
  const place = `${shown(finding.at.file, root)}:${finding.at.line}:${finding.at.column}`;
  const head = `${colors.cyan(printable(place))} ${paint(finding.severity, colors)(finding.severity)} ${colors.dim(finding.rule)}`;
  const lines = [head, `  ${colors.bold(printable(finding.message))}`];
  if (source !== undefined) lines.push("", indent(frame(source, finding.at, colors), "  "));
  const steps = finding.trace;
  // A path of one step that says where the finding is has been shown already.
  if (steps.length > 1 || (steps[0] !== undefined && !samePlace(steps[0].at, finding.at))) {
    lines.push("");
    const width = String(steps.length).length;
    for (const [index, step] of steps.entries()) {
      const at = `${shown(step.at.file, root)}:${step.at.line}:${step.at.column}`;
      lines.push(
        `  ${String(index + 1).padStart(width)}. ${printable(step.what)} ${colors.dim(printable(at))}`,
      );
    }
  }
  const fix = finding.fixes.find((each) => each.preferred) ?? finding.fixes[0];
  if (fix !== undefined) lines.push("", `  ${colors.green("fix:")} ${printable(fix.title)}`);
  return `${lines.join("\n")}\n`;
}

function samePlace(a: Span, b: Span): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column;
}

/** Lines above and below a place that are shown, and those above that tell its colours: a comment may begin there. */
const linesAround = 2;
const linesForColors = 200;

function frame(source: Lines, at: Span, colors: Colors): string {
  const colored = colors.isColorSupported;
  const first = Math.max(1, at.line - linesForColors);
  // Of a callback over many lines the first one says enough.
  const lastColumn = at.endLine > at.line ? (source[at.line - 1]?.length ?? 0) + 1 : at.endColumn;
  const options = {
    // Not in its types yet.
    startLine: first,
    linesAbove: linesAround,
    linesBelow: linesAround,
    highlightCode: colored,
    forceColor: colored,
  };
  return codeFrameColumns(
    source.slice(first - 1, at.line + linesAround).join("\n"),
    {
      start: { line: at.line, column: at.column },
      end: { line: at.line, column: Math.max(lastColumn, at.column + 1) },
    },
    options,
  );
}

function indent(text: string, by: string): string {
  return text
    .split("\n")
    .map((line) => `${by}${line}`.trimEnd())
    .join("\n");
}

function paint(severity: Severity, colors: Colors): (text: string) => string {
  switch (severity) {
    case "error":
      return colors.red;
    case "warning":
      return colors.yellow;
    case "information":
      return colors.blue;
    case "hint":
      return colors.gray;
  }
}

/** `2 findings (1 error, 1 warning) in 12 files.` */
export function summary({ findings, files, baselined }: CheckReport, colors: Colors): string {
  const known = baselined === 0 ? "" : `, ${baselined} more in the baseline`;
  const inFiles = `in ${amount(files, "file")}${known}`;
  if (findings.length === 0) return colors.green(`No findings ${inFiles}.`);
  const counts = tally(findings);
  const parts = [
    ...(counts.error > 0 ? [colors.red(amount(counts.error, "error"))] : []),
    ...(counts.warning > 0 ? [colors.yellow(amount(counts.warning, "warning"))] : []),
    ...(counts.information > 0 ? [`${counts.information} information`] : []),
    ...(counts.hint > 0 ? [amount(counts.hint, "hint")] : []),
  ];
  return `${amount(findings.length, "finding")} (${parts.join(", ")}) ${inFiles}.`;
}

function amount(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
