import { definePass, type ProgramView } from "../analysis/analyzer.ts";
import type { ModelType } from "../analysis/model-index.ts";
import { type FunctionKey, parseKey } from "../analysis/places.ts";
import type { Use } from "../analysis/summary.ts";
import type { Fresh, Value } from "../analysis/values.ts";

// Channels, queues and wait groups that do not leave our sight, with all that is done to them anywhere in the program.

export interface UseIn extends Use {
  readonly by: FunctionKey;
}

export interface OwnedResource {
  readonly resource: Fresh & { readonly made: { readonly type: "resource" } };
  readonly model: ModelType;
  readonly uses: readonly UseIn[];
}

export const ownedResources = definePass<readonly OwnedResource[]>({
  id: "owned-resources",
  run(view) {
    const uses = new Map<Value, UseIn[]>();
    const escaped = new Set<Value>();
    for (const key of view.solution.functions) {
      view.attempt(parseKey(key).file, "owned-resources", () => collect(view, key, uses, escaped), undefined);
    }
    const owned = [...uses].flatMap(([resource, list]): readonly OwnedResource[] => {
      if (!isResource(resource) || escaped.has(resource)) return [];
      return [{ resource, model: resource.made.model, uses: list }];
    });
    return () => owned;
  },
});

function collect(view: ProgramView, key: FunctionKey, uses: Map<Value, UseIn[]>, escaped: Set<Value>): void {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation) return;
  for (const value of evaluation.escapes) escaped.add(value);
  for (const use of evaluation.uses) {
    if (!isResource(use.resource)) continue;
    const known = uses.get(use.resource);
    if (known) known.push({ ...use, by: key });
    else uses.set(use.resource, [{ ...use, by: key }]);
  }
}

function isResource(value: Value): value is OwnedResource["resource"] {
  return value.kind === "fresh" && value.made.type === "resource";
}
