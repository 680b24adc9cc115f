import type { ModelKind } from "@unknot/models/model.ts";
import { definePass, type Pass, type ProgramView } from "../analysis/analyzer.ts";
import type { Contexts } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { ModelType } from "../analysis/model-index.ts";
import { type Location, parseKey, type VariableKey } from "../analysis/places.ts";
import { publicVariables } from "../analysis/public-variables.ts";
import type { Fresh, Value } from "../analysis/values.ts";
import type { FilePath } from "../program/ids.ts";
import { parallel } from "./parallel.ts";
import { resourceUses, type UseIn } from "./resource-uses.ts";

// Channels, queues and wait groups that do not leave our sight, with all that is done to them anywhere in the program.

export interface OwnedResource {
  readonly resource: Fresh & { readonly made: { readonly type: "resource" } };
  readonly model: ModelType;
  readonly uses: readonly UseIn[];
}

export const ownedResources = definePass<readonly OwnedResource[]>({
  id: "owned-resources",
  run(view, resultOf) {
    const { byResource, escaped } = resultOf(resourceUses, view.world.files[0] ?? "");
    const isPublic = publicVariables(view);
    const exported = new Set(
      view.solution
        .evaluations()
        .flatMap(({ file, evaluation }) =>
          evaluation.exported.size === 0
            ? []
            : view.attempt(file, "owned-resources", () => exportedBy(evaluation, isPublic), []),
        ),
    );
    const owned = [...byResource].flatMap(([resource, uses]): readonly OwnedResource[] => {
      if (!isResource(resource) || escaped.has(resource) || exported.has(resource)) return [];
      return [{ resource, model: resource.made.model, uses }];
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

/** What is in variables that other modules see. */
function exportedBy(
  { exported }: Evaluation,
  isPublic: (variable: VariableKey) => boolean,
): readonly Value[] {
  return [...exported].flatMap(([variable, values]) =>
    values.some(isResource) && isPublic(variable) ? values : [],
  );
}

function isResource(value: Value): value is OwnedResource["resource"] {
  return value.kind === "fresh" && value.made.type === "resource";
}
