import { bundledModels } from "@unknot/models/index.ts";
import type { Model } from "@unknot/models/model.ts";
import { atVersions, type InstalledVersions } from "../models/at-versions.ts";
import { mergeModels } from "../models/merge-models.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { withKeptFunctions } from "./file-shapes.ts";
import { createMemory, type Memory } from "./memory.ts";
import { indexModels, type ModelIndex } from "./model-index.ts";

/** What one analysis leaves for the next, of the same program after an edit. Findings do not depend on it. */
export interface KeptAnalysis {
  /** The facts of a file, with functions of the time before where they are the same. */
  factsOf(file: FilePath, facts: FileFacts): FileFacts;
  /** What is known of models and of the solution; nothing of the time before when the models are others. */
  under(
    models: readonly Model[],
    installed: InstalledVersions,
  ): { readonly models: ModelIndex; readonly memory: Memory };
}

/** Values of earlier texts stay; when they outnumber those of the first solution so much, all are dropped. */
const maxGrowth = 3;

export function keepAnalysis(): KeptAnalysis {
  const shared = new WeakMap<FileFacts, FileFacts>();
  const latest = new Map<FilePath, FileFacts>();
  let known: { readonly text: string; readonly models: ModelIndex } | undefined;
  let memory: Memory | undefined;
  let firstSize: number | undefined;
  return {
    factsOf(file, facts) {
      const before = shared.get(facts);
      const found = before ?? withKeptFunctions(facts, latest.get(file));
      shared.set(facts, found);
      latest.set(file, found);
      return found;
    },
    under(own, installed) {
      const text = textOf(own, installed);
      if (known?.text !== text) {
        known = { text, models: modelsAt(own, installed) };
        memory = undefined;
      }
      if (memory && firstSize === undefined) firstSize = memory.values.size;
      if (memory && firstSize !== undefined && memory.values.size > maxGrowth * firstSize + 10_000)
        memory = undefined;
      if (!memory) {
        memory = createMemory(true);
        firstSize = undefined;
      }
      return { models: known.models, memory };
    },
  };
}

let latest: { readonly text: string; readonly models: ModelIndex } | undefined;

/** The index of the bundled models and others, as they describe what is installed; made once for the same ones. */
export function modelsAt(own: readonly Model[], installed: InstalledVersions): ModelIndex {
  const text = textOf(own, installed);
  if (latest?.text !== text) {
    const models = mergeModels(atVersions(bundledModels, installed), atVersions(own, installed));
    latest = { text, models: indexModels(models) };
  }
  return latest.models;
}

function textOf(own: readonly Model[], installed: InstalledVersions): string {
  return JSON.stringify([own, [...installed]]);
}
