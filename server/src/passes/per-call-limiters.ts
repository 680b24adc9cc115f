import { definePass, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { type Contexts, loopBlocks, startup } from "../analysis/contexts.ts";
import { operationOf } from "../analysis/model-index.ts";
import { resourceName } from "../analysis/names.ts";
import { type Location, parseKey } from "../analysis/places.ts";
import { placeIn } from "../analysis/walk.ts";
import type { FilePath } from "../program/ids.ts";
import { hasOnlyCapacity } from "./creations.ts";
import { type OwnedResource, ownedResources } from "./owned-resources.ts";
import { parallel } from "./parallel.ts";

/** A queue or limiter that every call makes for itself, and gives one task. */
export interface PerCallLimiter {
  /** As written: `limit`. */
  readonly limiter: string;
  /** Where it is made. */
  readonly at: Location;
  /** The function whose every call makes one. */
  readonly function: string;
  readonly trace: readonly ReportedStep[];
}

export const perCallLimiters = definePass<readonly PerCallLimiter[]>({
  id: "per-call-limiters",
  run(view, resultOf) {
    const any = view.world.files[0] ?? "";
    const contexts = () => resultOf(parallel, any).contexts();
    const found = new Map<FilePath, PerCallLimiter[]>();
    for (const owned of resultOf(ownedResources, any)) {
      if (owned.model.kind !== "queue") continue;
      const { file } = parseKey(owned.resource.site.function);
      const one = view.attempt(file, "per-call-limiters", () => limiterIn(view, owned, contexts), undefined);
      if (one) found.set(file, [...(found.get(file) ?? []), one]);
    }
    return (file) => found.get(file) ?? [];
  },
});

const kinds: ReadonlySet<string> = new Set(["function", "arrow", "method"]);

function limiterIn(
  view: ProgramView,
  { resource, model, uses }: OwnedResource,
  contexts: () => Contexts,
): PerCallLimiter | undefined {
  const { function: owner, path } = resource.site;
  const facts = view.world.function(owner);
  const [made] = path;
  if (!facts || !made || path.length > 1 || !kinds.has(facts.kind)) return undefined;
  // What starts threads of its own is of use for one task, too.
  if ([...model.members.values()].some(({ op }) => op === "shutdown")) return undefined;
  const tasks = uses.filter((use) => ["submit", "map", "wrap"].includes(opOf(use)));
  const [task, ...others] = tasks;
  if (!task || others.length > 0 || opOf(task) !== "submit" || uses.some((use) => use.by !== owner))
    return undefined;
  if (task.via.length > 0 || operationOf(model, task.operation)?.fnArray !== undefined) return undefined;
  const call = facts.blocks
    .flatMap(({ code }) => code)
    .find((i) => i.op === "call" && i.start === task.at.start && i.end === task.at.end);
  const place = call && placeIn(facts, call);
  if (!place || loopBlocks(facts).has(place.block) || !hasOnlyCapacity(view, resource)) return undefined;
  const threads = contexts().threads(owner);
  if (threads !== "many" && (threads.size < 2 || threads.has(startup))) return undefined;
  const limiter = resourceName(view, resource, task.at);
  return {
    limiter,
    at: made,
    function: facts.name === "" ? "this function" : `'${facts.name}'`,
    trace: [
      { at: made, what: `'${limiter}' is made here, by every call anew` },
      { at: task.at, what: "it gets this one task" },
    ],
  };
}

function opOf(use: OwnedResource["uses"][number]): string {
  return operationOf(use.model, use.operation)?.op ?? "";
}
