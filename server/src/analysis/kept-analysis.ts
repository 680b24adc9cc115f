import { bundledModels } from "@unknot/models/index.ts";
import type { Model } from "@unknot/models/model.ts";
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
  under(models: readonly Model[]): { readonly models: ModelIndex; readonly memory: Memory };
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
    under(own) {
      const text = JSON.stringify(own);
      if (known?.text !== text) {
        known = { text, models: ownIndex(own) };
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

let bundled: ModelIndex | undefined;

/** The index of the bundled models alone is made once. */
export function ownIndex(own: readonly Model[]): ModelIndex {
  if (own.length > 0) return indexModels(mergeModels(bundledModels, own));
  bundled ??= indexModels(mergeModels(bundledModels, []));
  return bundled;
}
