import type { OperationName } from "@unknot/models/model.ts";
import type { ProgramView, ReportedStep } from "../analysis/analyzer.ts";
import { type Contexts, loopBlocks, startup } from "../analysis/contexts.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { hoistToModule } from "../analysis/fixes.ts";
import { operationOf, opOf } from "../analysis/model-index.ts";
import { resourceName } from "../analysis/names.ts";
import type { Location } from "../analysis/places.ts";
import { placeIn } from "../analysis/walk.ts";
import { isSame } from "../program/ranges.ts";
import { hasOnlyCapacity } from "./creations.ts";
import { defineOwnedPass, type OwnedResource } from "./owned-resources.ts";

/** A queue or limiter that every call makes for itself, and gives one task. */
export interface PerCallLimiter {
  /** As written: `limit`. */
  readonly limiter: string;
  /** Where it is made. */
  readonly at: Location;
  /** The function whose every call makes one. */
  readonly function: string;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

/** It gets a task, or makes a function that gives it one. */
const gives: ReadonlySet<OperationName | undefined> = new Set(["submit", "map", "wrap"]);

export const perCallLimiters = defineOwnedPass<PerCallLimiter>("per-call-limiters", "queue", limiterIn);

const kinds: ReadonlySet<string> = new Set(["function", "arrow", "method"]);

function limiterIn(
  view: ProgramView,
  { resource, model, uses }: OwnedResource,
  contexts: () => Contexts,
): readonly PerCallLimiter[] {
  const { function: owner, path } = resource.site;
  const facts = view.world.function(owner);
  const [made] = path;
  if (!facts || !made || path.length > 1 || !kinds.has(facts.kind)) return [];
  // What starts threads of its own is of use for one task, too.
  if ([...model.members.values()].some(({ op }) => op === "shutdown")) return [];
  const tasks = uses.filter((use) => gives.has(opOf(use)));
  const [task, ...others] = tasks;
  if (!task || others.length > 0 || opOf(task) !== "submit" || uses.some((use) => use.by !== owner))
    return [];
  if (task.via.length > 0 || operationOf(model, task.operation)?.fnArray !== undefined) return [];
  const call = facts.blocks.flatMap(({ code }) => code).find((i) => i.op === "call" && isSame(i, task.at));
  const place = call && placeIn(facts, call);
  if (!place || loopBlocks(facts).has(place.block) || !hasOnlyCapacity(view, resource)) return [];
  const threads = contexts().threads(owner);
  if (threads !== "many" && (threads.size < 2 || threads.has(startup))) return [];
  const limiter = resourceName(view, resource, task.at);
  const file = view.world.facts(made.file);
  const fix = file && hoistToModule(view, file, facts, made, limiter);
  const found = {
    limiter,
    at: made,
    function: facts.name === "" ? "this function" : `'${facts.name}'`,
    trace: [
      { at: made, what: `'${limiter}' is made here, by every call anew` },
      { at: task.at, what: "it gets this one task" },
    ],
    fixes: fix ? [fix] : [],
  };
  return [found];
}
