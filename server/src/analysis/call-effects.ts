import type { ModelType } from "./model-index.ts";
import type { Call, CallEffect, Semantics, Target } from "./semantics.ts";
import type { Site, Value, Values, Waits } from "./values.ts";

// What calls of all kinds have in common: what is known of a value that is called, and the effect of nothing.

/** The model of a resource, a promise, an array. */
export function modelTypeOf(s: Semantics, value: Value): ModelType | undefined {
  const type = s.typeOf(value);
  switch (type?.kind) {
    case "model":
      return type.model;
    case "promise":
      return s.world.models.globalType("Promise");
    case "array":
      return s.world.models.globalType("Array");
    case "class":
      return s.world.modelBase(type.class);
    default:
      return undefined;
  }
}

/** Only a caller can say what it is. */
export function isSymbolic(value: Value): boolean {
  switch (value.kind) {
    case "parameter":
    case "receiver":
      return true;
    case "member":
      return isSymbolic(value.of) || (value.key !== undefined && isSymbolic(value.key));
    case "typed":
      return isSymbolic(value.of);
    default:
      return false;
  }
}

export function resultOfType(s: Semantics, site: Site, type: ReturnType<Semantics["typeOf"]>): Value {
  const { values } = s;
  const fresh = values.fresh(site, { type: "result" });
  switch (type?.kind) {
    case "promise":
      return values.promise(resultOfType(s, site, type.of), values.noWaits, true);
    case "class":
    case "model":
      return values.typed(fresh, type);
    default:
      return fresh;
  }
}

/** A callback that only a caller knows: its waits are left for the caller to fill in. */
export function symbolicWaits(s: Semantics, call: Call, callee: Value, given: readonly Value[]): Waits {
  if (!isSymbolic(callee)) return s.values.noWaits;
  return s.values.waits([s.values.callWait({ callee, arguments: given, at: call.at, via: [] })]);
}

export function unknownCall(s: Semantics, call: Call): CallEffect {
  const type = call.isNew ? undefined : s.typeOf(call.callee);
  const result = resultOfType(s, call.site, type?.kind === "function" ? type.returns : undefined);
  return {
    ...nothingHappens(call, [{ kind: "unknown" }], result),
    throws: true,
    escapes: call.receiver === undefined ? call.arguments : [...call.arguments, call.receiver],
  };
}

export function nothingHappens(call: Call, targets: readonly Target[], result: Value): CallEffect {
  return {
    targets,
    arguments: call.arguments,
    ...(call.receiver === undefined ? {} : { receiver: call.receiver }),
    result,
    throws: false,
    ends: true,
    scopes: [],
    uses: [],
    escapes: [],
  };
}

export function joinEffects(values: Values, a: CallEffect, b: CallEffect): CallEffect {
  return {
    ...a,
    targets: [...a.targets, ...b.targets],
    result: values.join(a.result, b.result),
    throws: a.throws || b.throws,
    ends: a.ends || b.ends,
    scopes: [...a.scopes, ...b.scopes],
    uses: [...a.uses, ...b.uses],
    escapes: [...a.escapes, ...b.escapes],
  };
}
