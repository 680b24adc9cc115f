import { type DeferToLinter, deferences } from "../project/config-format.ts";
import { objectOf, readSeverities, type Severities, textsOf } from "../project/read-config.ts";

/** `unknot.*`, as far as the server looks at it. */
export interface Settings {
  readonly enable: boolean;
  /** Severities other than the rules' own. */
  readonly rules: Severities;
  /** Model files besides those of projects. */
  readonly models: readonly string[];
  /** Absent: what the project's configuration says. */
  readonly deferToLinter?: DeferToLinter;
  /** Memory that all processes of the analysis may take together, in MB; no limit when absent. */
  readonly maxMemoryMb?: number;
  /** When the analysis keeps quiet; `auto` is when the system saves energy. */
  readonly saveEnergy: SaveEnergy;
}

const saveEnergies = ["auto", "always", "never"] as const;
type SaveEnergy = (typeof saveEnergies)[number];

export const defaultSettings: Settings = { enable: true, rules: {}, models: [], saveEnergy: "auto" };

/** Reads what a client sends for the section `unknot`; what makes no sense is left out. */
export function readSettings(value: unknown): Settings {
  const given = objectOf(value);
  const maxMemory = given["maxMemory"];
  const defer = deferences.find((one) => one === objectOf(given["floatingTask"])["deferToLinter"]);
  return {
    enable: given["enable"] !== false,
    rules: readSeverities(given["rules"]),
    models: textsOf(given["models"]),
    saveEnergy: saveEnergies.find((one) => one === given["saveEnergy"]) ?? "auto",
    ...(defer === undefined ? {} : { deferToLinter: defer }),
    ...(typeof maxMemory === "number" && maxMemory > 0 ? { maxMemoryMb: maxMemory } : {}),
  };
}
