import { type Severity, severities } from "@unknot/protocol/finding.ts";

/** `unknot.*`, as far as the server looks at it. */
export interface Settings {
  readonly enable: boolean;
  /** Severities other than the rules' own. */
  readonly rules: Readonly<Record<string, Severity | "off">>;
  /** Memory that all processes of the analysis may take together, in MB; no limit when absent. */
  readonly maxMemoryMb?: number;
}

export const defaultSettings: Settings = { enable: true, rules: {} };

/** Reads what a client sends for the section `unknot`; what makes no sense is left out. */
export function readSettings(value: unknown): Settings {
  const given = isObject(value) ? value : {};
  const rules = isObject(given["rules"]) ? given["rules"] : {};
  const maxMemory = given["maxMemory"];
  return {
    enable: given["enable"] !== false,
    rules: Object.fromEntries(
      Object.entries(rules).flatMap(([rule, severity]) => (isChoice(severity) ? [[rule, severity]] : [])),
    ),
    ...(typeof maxMemory === "number" && maxMemory > 0 ? { maxMemoryMb: maxMemory } : {}),
  };
}

function isChoice(value: unknown): value is Severity | "off" {
  return value === "off" || (severities as readonly unknown[]).includes(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
