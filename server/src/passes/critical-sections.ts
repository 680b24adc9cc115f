import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import { callsWithScopes } from "../analysis/calls-with-scopes.ts";
import { isExclusive } from "../analysis/capacities.ts";
import { isAwaited } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { isLock, type ModelType } from "../analysis/model-index.ts";
import { resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { alternatives, plain, type Value } from "../analysis/values.ts";
import type { Instruction } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { calleeOf } from "./leaks.ts";
import { obligations } from "./obligations.ts";

/**
 * Code of one function that runs while a lock is held that lets one task in: between acquire and release, a callback of the lock, or a
 * closure of either of them that it calls and waits for.
 */
export interface CriticalSection {
  readonly model: ModelType;
  readonly resource: Value;
  /** As written: `this.mutex`. */
  readonly text: string;
  /** Where the lock is acquired, or the callback handed to it. */
  readonly at: Location;
  readonly key: FunctionKey;
  readonly evaluation: Evaluation;
  /** The whole function is the section. */
  readonly isWhole: boolean;
  holds(instruction: Instruction): boolean;
}

const maxCallees = 20;

/** The sections whose code stands in a file, and those of one lock anywhere. */
export interface CriticalSections {
  readonly own: readonly CriticalSection[];
  of(resource: Value): readonly CriticalSection[];
}

export const criticalSections = definePass<CriticalSections>({
  id: "critical-sections",
  run(view, resultOf) {
    const byResource = new Map<Value, CriticalSection[]>();
    const byFile = new Map<FilePath, CriticalSection[]>();
    const add = (section: CriticalSection) => {
      const { file } = parseKey(section.key);
      append(byResource, section.resource, section);
      append(byFile, file, section);
    };
    const addWithCallees = (section: CriticalSection) => {
      add(section);
      for (const inner of calleesOf(view, section, new Set([section.key]))) add(inner);
    };
    for (const file of view.world.files) {
      for (const held of resultOf(obligations, file).held) {
        const { model, resource } = held.birth.handle.made;
        const { exploration, evaluation } = held;
        if (!isLock(model) || exploration.lost || !isExclusive(view, held.birth.handle.made)) continue;
        addWithCallees({
          model,
          resource: plain(resource),
          text: held.resource,
          at: calleeOf(held),
          key: evaluation.key,
          evaluation,
          isWhole: false,
          holds: (instruction) => exploration.held.has(instruction),
        });
      }
      for (const key of view.functionsOf(file)) {
        for (const section of view.attempt(file, "critical-sections", () => callbacksOf(view, key), [])) {
          addWithCallees(section);
        }
      }
    }
    return (file) => ({
      own: byFile.get(file) ?? [],
      of: (resource) => byResource.get(resource) ?? [],
    });
  },
});

function append<Key>(map: Map<Key, CriticalSection[]>, key: Key, section: CriticalSection): void {
  const known = map.get(key);
  if (known) known.push(section);
  else map.set(key, [section]);
}

/** Closures of a section's function that it calls and waits for run in it, too. */
function calleesOf(
  view: ProgramView,
  section: CriticalSection,
  seen: Set<FunctionKey>,
): readonly CriticalSection[] {
  const found: CriticalSection[] = [];
  for (const [i, { targets }] of section.evaluation.calls) {
    if (i.op !== "call" || !section.holds(i) || !isAwaited(section.evaluation.facts, i.to)) continue;
    for (const target of targets) {
      const evaluation = target.kind === "function" ? view.solution.evaluation(target.function) : undefined;
      if (target.kind !== "function" || !evaluation || seen.has(target.function) || seen.size > maxCallees)
        continue;
      if (!view.world.enclosing(target.function).includes(section.key)) continue;
      seen.add(target.function);
      const inner = { ...section, key: target.function, evaluation, isWhole: true, holds: () => true };
      found.push(inner, ...calleesOf(view, inner, seen));
    }
  }
  return found;
}

/** The callbacks that a function hands to locks, itself or through a wrapper. */
function callbacksOf(view: ProgramView, key: FunctionKey): readonly CriticalSection[] {
  const found: CriticalSection[] = [];
  const caller = view.solution.evaluation(key);
  for (const [instruction, effect] of caller ? callsWithScopes(caller) : []) {
    const { file } = parseKey(key);
    for (const scope of effect.scopes) {
      if (!isLock(scope.model) || !isExclusive(view, scope)) continue;
      for (const callee of alternatives(scope.callee)) {
        const evaluation = callee.kind === "function" ? view.solution.evaluation(callee.function) : undefined;
        if (callee.kind !== "function" || !evaluation) continue;
        // A callback that the wrapper itself made is seen where it is made.
        if (scope.via.length > 0 && callee.bound.length > 0) continue;
        const at = locationIn(file, instruction);
        const resource = plain(scope.resource);
        found.push({
          model: scope.model,
          resource,
          text: resourceName(view, resource, at),
          at,
          key: callee.function,
          evaluation,
          isWhole: true,
          holds: () => true,
        });
      }
    }
  }
  return found;
}
