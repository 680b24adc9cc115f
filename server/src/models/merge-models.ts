import type { Model, TypeModel } from "@unknot/models/model.ts";

/**
 * The bundled models and those of users, in the order in which a later one counts. A user's model says only what differs:
 * of a type that is bundled too it replaces the members it names and keeps the others.
 */
export function mergeModels(bundled: readonly Model[], own: readonly Model[]): readonly Model[] {
  const merged = [...bundled];
  for (const model of own) {
    for (const module of model.modules) merged.push(over(merged, model, module));
    if (model.global) merged.push({ ...over(merged, model, undefined), modules: [] });
  }
  return merged;
}

/** A model of one module (or of global names), completed by what is known of it before. */
function over(before: readonly Model[], model: Model, module: string | undefined): Model {
  const types: Record<string, TypeModel> = {};
  for (const known of before) {
    const speaksOfIt = module === undefined ? known.global : known.modules.includes(module);
    if (speaksOfIt) Object.assign(types, known.types);
  }
  for (const [name, type] of Object.entries(model.types ?? {})) {
    const known = Object.hasOwn(types, name) ? types[name] : undefined;
    types[name] = known === undefined ? type : overType(known, type);
  }
  const { global: _, ...rest } = model;
  return {
    ...rest,
    modules: module === undefined ? [] : [module],
    types,
    ...(module === undefined ? { global: true } : {}),
  };
}

function overType(known: TypeModel, type: TypeModel): TypeModel {
  return {
    ...known,
    ...type,
    members: { ...known.members, ...type.members },
    ...(known.statics || type.statics ? { statics: { ...known.statics, ...type.statics } } : {}),
  };
}
