import { createHash } from "node:crypto";
import path from "node:path";
import type { Finding } from "@unknot/protocol/finding.ts";
import { getNodeValue } from "jsonc-parser";
import { type JsonProblem, parseJson, placed } from "../models/json-shape.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { slashes } from "../program/paths.ts";
import { objectOf } from "./read-config.ts";

// A baseline names the findings that a project starts with, in words that survive when lines move: rule, file, the
// function around it, the code of its line, the message without numbers, and how often all of that occurs.

/** What makes two findings of one file the same. */
export interface Identity {
  readonly rule: string;
  /** The functions and classes around it, `Orders.save`; empty at the top of a module. */
  readonly in: string;
  readonly code: string;
  readonly message: string;
}

export interface BaselineEntry extends Identity {
  readonly count: number;
  /** It was a hint, which most runs do not look for. */
  readonly hint: boolean;
}

/** Entries by file, relative to the folder of the baseline. */
export type Baseline = ReadonlyMap<string, readonly BaselineEntry[]>;

export const baselineFormat = 1;

/** The identity of a finding in the text that it was found in. */
export function identityOf(
  finding: Finding,
  facts: FileFacts | undefined,
  text: string | undefined,
): Identity {
  const { rule, at, message } = finding;
  return {
    rule,
    in: facts === undefined ? "" : namesAround(facts, (facts.lines[at.line - 1] ?? 0) + at.column - 1),
    code: shortened(lineOf(facts, text, at.line)),
    message: message.replace(/\d+/g, "#"),
  };
}

/** Splits findings of one file into those that the baseline does not know, and says what of it is left over. */
export function applyBaseline(
  findings: readonly { readonly finding: Finding; readonly identity: Identity }[],
  entries: readonly BaselineEntry[],
): { readonly fresh: readonly Finding[]; readonly stale: readonly BaselineEntry[] } {
  const left = new Map<string, number>();
  for (const entry of entries) left.set(keyOf(entry), (left.get(keyOf(entry)) ?? 0) + entry.count);
  const fresh = findings.flatMap(({ finding, identity }) => {
    const key = keyOf(identity);
    const count = left.get(key) ?? 0;
    if (count === 0) return [finding];
    left.set(key, count - 1);
    return [];
  });
  const stale = entries.flatMap((entry) => {
    const count = left.get(keyOf(entry)) ?? 0;
    left.delete(keyOf(entry));
    return count === 0 ? [] : [{ ...entry, count }];
  });
  return { fresh, stale };
}

/** The entries of one file's findings. */
export function entriesOf(
  found: readonly { readonly finding: Finding; readonly identity: Identity }[],
): readonly BaselineEntry[] {
  const entries = new Map<string, BaselineEntry>();
  for (const { finding, identity } of found) {
    const { count, hint } = entries.get(keyOf(identity)) ?? { count: 0, hint: true };
    const isHint = hint && finding.severity === "hint";
    entries.set(keyOf(identity), { ...identity, count: count + 1, hint: isHint });
  }
  return [...entries.values()].sort(byKey);
}

/** The text of a baseline file: sorted, one entry a line, so that two branches can be merged. */
export function baselineText(baseline: Baseline): string {
  const files = [...baseline]
    .filter(([, entries]) => entries.length > 0)
    .sort(([a], [b]) => compare(a, b))
    .map(([file, entries]) => {
      const lines = [...entries].sort(byKey).map(({ rule, in: around, code, message, count, hint }) =>
        JSON.stringify({
          rule,
          ...(around === "" ? {} : { in: around }),
          code,
          message,
          ...(count === 1 ? {} : { count }),
          ...(hint ? { hint } : {}),
        }),
      );
      return `    ${JSON.stringify(file)}: [\n${lines.map((line) => `      ${line}`).join(",\n")}\n    ]`;
    });
  const body = files.length === 0 ? "{}" : `{\n${files.join(",\n")}\n  }`;
  return `{\n  "unknot": ${baselineFormat},\n  "findings": ${body}\n}\n`;
}

/** Reads a baseline; an entry that makes no sense is left out, and a file that is none is empty. */
export function readBaseline(text: string): {
  readonly baseline: Baseline;
  readonly problems: readonly JsonProblem[];
} {
  const parsed = parseJson(text, { comments: true });
  if (!parsed.ok) return { baseline: new Map(), problems: placed(text, parsed.complaints) };
  const given = objectOf(getNodeValue(parsed.root));
  if (given["unknot"] !== baselineFormat) {
    const message = `This version of Unknot reads baselines of format ${baselineFormat}; write it anew with 'unknot check --write-baseline'.`;
    return { baseline: new Map(), problems: placed(text, [{ offset: parsed.root.offset, message }]) };
  }
  const files = Object.entries(objectOf(given["findings"])).map(
    ([file, list]) => [file, (Array.isArray(list) ? list : []).flatMap(readEntry)] as const,
  );
  return { baseline: new Map(files), problems: [] };
}

function readEntry(value: unknown): readonly BaselineEntry[] {
  const { rule, in: around = "", code, message, count = 1, hint } = objectOf(value);
  if (typeof rule !== "string" || typeof around !== "string") return [];
  if (typeof code !== "string" || typeof message !== "string") return [];
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 1) return [];
  return [{ rule, in: around, code, message, count, hint: hint === true }];
}

/** Named functions around an offset, the outermost first; methods have the names of their classes in theirs. */
function namesAround(facts: FileFacts, offset: number): string {
  const around = facts.functions.filter(({ start, end }) => start <= offset && offset < end);
  return around
    .toSorted((a, b) => a.start - b.start || b.end - a.end)
    .map(({ name }) => name)
    .filter((name) => name !== "")
    .join(".");
}

function lineOf(facts: FileFacts | undefined, text: string | undefined, line: number): string {
  if (facts === undefined || text === undefined) return "";
  return text.slice(facts.lines[line - 1] ?? text.length, facts.lines[line]);
}

const longestCode = 160;

/** Blanks make no difference; the rest of a very long line is told apart by a digest. */
function shortened(line: string): string {
  const code = line.replace(/\s+/g, " ").trim();
  if (code.length <= longestCode) return code;
  const digest = createHash("sha256").update(code).digest("hex").slice(0, 12);
  return `${code.slice(0, longestCode)}… ${digest}`;
}

function keyOf({ rule, in: around, code, message }: Identity): string {
  return JSON.stringify([rule, around, code, message]);
}

function byKey(a: Identity, b: Identity): number {
  return compare(keyOf(a), keyOf(b));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A file as a baseline in `folder` names it. */
export function nameInBaseline(folder: FilePath, file: FilePath): string {
  return slashes(path.relative(folder, file));
}
