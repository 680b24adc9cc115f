import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Finding, Severity } from "@unknot/protocol/finding.ts";
import type { Span } from "@unknot/protocol/place.ts";
import type { Fix, Location, Log, PhysicalLocation, Region, Result } from "sarif";
import { slashes } from "../paths.ts";
import type { CheckReport } from "./report.ts";

const levels: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  error: "error",
  warning: "warning",
  information: "note",
  hint: "note",
};

/** Findings as SARIF 2.1.0: the path is a code flow and, for viewers without those, related locations. */
export function sarifOutput(report: CheckReport, version: string): string {
  const rules = rulesOf(report);
  const indexOfRule = new Map(rules.map((rule, index) => [rule.id, index]));
  const log: Log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "Unknot",
            version,
            rules: rules.map(({ id, title }) => ({ id, shortDescription: { text: title } })),
          },
        },
        columnKind: "utf16CodeUnits",
        originalUriBaseIds: { ROOT: { uri: folderUrl(report.root) } },
        invocations: [
          {
            executionSuccessful: true,
            toolConfigurationNotifications: report.notices.map(({ file, severity, message }) => ({
              level: severity === "warning" ? "warning" : "note",
              message: { text: message },
              locations: [{ physicalLocation: { artifactLocation: artifact(file, report.root) } }],
            })),
          },
        ],
        results: report.findings.map((finding) =>
          resultOf(finding, report.root, indexOfRule.get(finding.rule) ?? -1),
        ),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function rulesOf({ rules, findings }: CheckReport) {
  const used = new Set(findings.map((finding) => finding.rule));
  const known = rules.filter((rule) => used.has(rule.id));
  const ids = new Set(known.map((rule) => rule.id));
  return [...known, ...[...used].filter((id) => !ids.has(id)).map((id) => ({ id, title: id }))];
}

function resultOf(finding: Finding, root: string, ruleIndex: number): Result {
  const steps = finding.trace.map(({ at, what }) => ({
    physicalLocation: physical(at, root),
    message: { text: what },
  }));
  return {
    ruleId: finding.rule,
    ruleIndex,
    level: levels[finding.severity],
    message: { text: finding.message },
    locations: [{ physicalLocation: physical(finding.at, root) }],
    ...(steps.length === 0
      ? {}
      : {
          relatedLocations: steps.map((step, index): Location => ({ id: index + 1, ...step })),
          codeFlows: [{ threadFlows: [{ locations: steps.map((location) => ({ location })) }] }],
        }),
    ...(finding.fixes.length === 0 ? {} : { fixes: finding.fixes.map((fix) => fixOf(fix, root)) }),
  };
}

function fixOf(fix: Finding["fixes"][number], root: string): Fix {
  const files = [...new Set(fix.edits.map((edit) => edit.at.file))];
  return {
    description: { text: fix.title },
    artifactChanges: files.map((file) => ({
      artifactLocation: artifact(file, root),
      replacements: fix.edits
        .filter((edit) => edit.at.file === file)
        .map((edit) => ({ deletedRegion: region(edit.at), insertedContent: { text: edit.newText } })),
    })),
  };
}

function physical(at: Span, root: string): PhysicalLocation {
  return { artifactLocation: artifact(at.file, root), region: region(at) };
}

function region({ line, column, endLine, endColumn }: Span): Region {
  return { startLine: line, startColumn: column, endLine, endColumn };
}

function artifact(file: string, root: string): { uri: string; uriBaseId?: string } {
  const relative = path.relative(root, file);
  if (relative === "" || relative.startsWith("..") || path.isAbsolute(relative)) {
    return { uri: pathToFileURL(file).href };
  }
  return { uri: slashes(relative).split("/").map(encodeURIComponent).join("/"), uriBaseId: "ROOT" };
}

function folderUrl(folder: string): string {
  const { href } = pathToFileURL(folder);
  return href.endsWith("/") ? href : `${href}/`;
}
