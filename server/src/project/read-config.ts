import type { Severity } from "@unknot/protocol/finding.ts";
import { severities } from "@unknot/protocol/finding.ts";
import { type MutingRule, rulesOf } from "@unknot/protocol/muting.ts";
import { getNodeValue } from "jsonc-parser";
import { unusedSuppression } from "../analysis/suppress.ts";
import { complaintsAbout, type JsonProblem, parseJson, placed } from "../models/json-shape.ts";
import { allRules } from "../rules/index.ts";
import { configRecords, type DeferToLinter, deferences, type NamedRule } from "./config-format.ts";

export const configName = "unknot.config.json";
export const defaultBaselineName = "unknot-baseline.json";

export type Severities = Readonly<Record<string, Severity | "off">>;

/** What a project says about itself; what makes no sense has been left out. */
export interface ProjectConfig {
  readonly rules: Severities;
  readonly overrides: readonly { readonly files: readonly string[]; readonly rules: Severities }[];
  readonly exclude: readonly string[];
  readonly models: readonly string[];
  /** Absent: the default file, if it is there. */
  readonly baseline?: string | false;
  readonly deferToLinter?: DeferToLinter;
  readonly safeToDrop: readonly string[];
  /** Problems of running programs that nobody wants to see. */
  readonly mutedProblems: readonly MutingRule[];
}

export const emptyConfig: ProjectConfig = {
  rules: {},
  overrides: [],
  exclude: [],
  models: [],
  safeToDrop: [],
  mutedProblems: [],
};

/** Everything that a severity can be given to. */
export const namedRules: readonly NamedRule[] = [
  ...allRules,
  { id: unusedSuppression, title: "A suppression comment suppresses nothing" },
];

/** Reads `unknot.config.json`. A part that is wrong becomes a problem and is left out; the rest counts. */
export function readConfig(text: string): {
  readonly config: ProjectConfig;
  readonly problems: readonly JsonProblem[];
} {
  const parsed = parseJson(text, { comments: true });
  if (!parsed.ok) return { config: emptyConfig, problems: placed(text, parsed.complaints) };
  const complaints = complaintsAbout(parsed.root, configRecords(namedRules), "config", `'${configName}'`);
  const given = objectOf(getNodeValue(parsed.root));
  const floatingTask = objectOf(given["floatingTask"]);
  const { baseline } = given;
  const defer = deferences.find((one) => one === floatingTask["deferToLinter"]);
  return {
    config: {
      rules: readSeverities(given["rules"]),
      overrides: listOf(given["overrides"]).map((one) => ({
        files: textsOf(objectOf(one)["files"]),
        rules: readSeverities(objectOf(one)["rules"]),
      })),
      exclude: textsOf(given["exclude"]),
      models: textsOf(given["models"]),
      ...(typeof baseline === "string" || baseline === false ? { baseline } : {}),
      ...(defer === undefined ? {} : { deferToLinter: defer }),
      safeToDrop: textsOf(floatingTask["safeToDrop"]),
      mutedProblems: rulesOf(given["mutedProblems"]),
    },
    problems: placed(text, complaints),
  };
}

/** Severities by rule; what is none is left out. */
export function readSeverities(value: unknown): Severities {
  return Object.fromEntries(
    Object.entries(objectOf(value)).filter((entry): entry is [string, Severity | "off"] =>
      isSeverity(entry[1]),
    ),
  );
}

function isSeverity(value: unknown): boolean {
  return value === "off" || (severities as readonly unknown[]).includes(value);
}

/** A JSON object, or an empty one. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

export function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((one) => typeof one === "string");
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
