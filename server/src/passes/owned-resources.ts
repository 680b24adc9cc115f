import type { ModelKind } from "@unknot/models/model.ts";
import { definePass, type Pass, type ProgramView } from "../analysis/analyzer.ts";
import type { Contexts } from "../analysis/contexts.ts";
import type { ModelType } from "../analysis/model-index.ts";
import { type FunctionKey, type Location, parseKey, type VariableKey } from "../analysis/places.ts";
import { publicVariables } from "../analysis/public-variables.ts";
import type { Use } from "../analysis/summary.ts";
import type { Fresh, Value } from "../analysis/values.ts";
import type { FilePath } from "../program/ids.ts";
import { parallel } from "./parallel.ts";

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
    const isPublic = publicVariables(view);
    for (const key of view.solution.functions) {
      view.attempt(
        parseKey(key).file,
        "owned-resources",
        () => collect(view, key, uses, escaped, isPublic),
        undefined,
      );
    }
    const owned = [...uses].flatMap(([resource, list]): readonly OwnedResource[] => {
      if (!isResource(resource) || escaped.has(resource)) return [];
      return [{ resource, model: resource.made.model, uses: list }];
    });
    return () => owned;
  },
});

/** A pass that looks at the owned resources of one kind, one by one, and sorts what it finds by file and place. */
export function defineOwnedPass<Found extends { readonly at: Location }>(
  id: string,
  kind: ModelKind,
  find: (view: ProgramView, owned: OwnedResource, contexts: () => Contexts) => readonly Found[],
): Pass<readonly Found[]> {
  return definePass({
    id,
    run(view, resultOf) {
      const any = view.world.files[0] ?? "";
      const contexts = () => resultOf(parallel, any).contexts();
      const found = new Map<FilePath, Found[]>();
      for (const owned of resultOf(ownedResources, any)) {
        if (owned.model.kind !== kind) continue;
        const { file } = parseKey(owned.resource.site.function);
        for (const one of view.attempt(file, id, () => find(view, owned, contexts), [])) {
          found.set(one.at.file, [...(found.get(one.at.file) ?? []), one]);
        }
      }
      return (file) => (found.get(file) ?? []).sort((a, b) => a.at.start - b.at.start);
    },
  });
}

function collect(
  view: ProgramView,
  key: FunctionKey,
  uses: Map<Value, UseIn[]>,
  escaped: Set<Value>,
  isPublic: (variable: VariableKey) => boolean,
): void {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation) return;
  for (const [variable, values] of evaluation.exported) {
    if (values.some(isResource) && isPublic(variable)) for (const value of values) escaped.add(value);
  }
  for (const value of evaluation.escapes) if (value.kind === "fresh") escaped.add(value);
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
