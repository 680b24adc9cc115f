import { applyCall } from "./calls.ts";
import { memberOf, typeOfValue } from "./members.ts";
import { callbackWaits, queryWaits } from "./model-calls.ts";
import type { Semantics } from "./semantics.ts";
import { substituteValue, substituteWaits } from "./substitute.ts";
import type { Reader } from "./summary.ts";
import { isOpenResult, type Site, type Value, type Values, type Waits } from "./values.ts";
import type { World } from "./world.ts";

// Ties the parts of the meaning of values together: calls, members, types and waits need one another.

const maxTypeDepth = 12;

export function createSemantics(world: World, values: Values, reader: Reader): Semantics {
  let typeDepth = 0;
  const semantics: Semantics = {
    world,
    values,
    reader,
    member: (of, name, answer) => memberOf(semantics, of, name, answer),
    typeOf(value) {
      // A field may hold what another field of the same object holds, in circles.
      if (typeDepth >= maxTypeDepth) return undefined;
      typeDepth += 1;
      try {
        return typeOfValue(semantics, value);
      } finally {
        typeDepth -= 1;
      }
    },
    call: (call) => applyCall(semantics, call),
    awaited: (value, site) => awaitedValue(semantics, value, site),
    substitute: (value, binding) => substituteValue(semantics, value, binding),
    substituteWaits: (waits, binding, call) => substituteWaits(semantics, waits, binding, call),
    callWaits: (wait, binding) => callbackWaits(semantics, wait, binding),
  };
  return semantics;
}

function awaitedValue(
  s: Semantics,
  value: Value,
  site: Site,
): { readonly value: Value; readonly waits: Waits; readonly rejects: boolean } {
  const { values } = s;
  const unknown = {
    value: values.fresh(site, { type: "result", settled: true }),
    waits: values.noWaits,
    rejects: true,
  };
  switch (value.kind) {
    case "promise":
      return { value: settled(values, value.of, site), waits: value.waits, rejects: value.rejects };
    case "nothing":
    case "settler":
    case "constant":
    case "function":
    case "class":
    case "module":
    case "namespace":
      return { value, waits: values.noWaits, rejects: false };
    case "union": {
      const parts = value.of.map((part) => awaitedValue(s, part, site));
      return {
        value: parts.reduce<Value>((joined, part) => values.join(joined, part.value), values.nothing),
        waits: parts.reduce<Waits>((joined, part) => values.bothWaits(joined, part.waits), values.noWaits),
        rejects: parts.some((part) => part.rejects),
      };
    }
    case "fresh":
      if (value.made.type === "query") return { ...unknown, waits: queryWaits(values, value.made) };
      return isOpenResult(value) ? unknown : { value, waits: values.noWaits, rejects: false };
    default: {
      const type = s.typeOf(value);
      const isOwn = type?.kind === "class" || type?.kind === "model" || type?.kind === "plain";
      return isOwn ? { value, waits: values.noWaits, rejects: false } : unknown;
    }
  }
}

/** A value that is no promise, because it was awaited. */
function settled(values: Values, value: Value, site: Site): Value {
  if (value.kind === "unknown") return values.fresh(site, { type: "result", settled: true });
  if (value.kind === "union") {
    return value.of.reduce<Value>(
      (joined, part) => values.join(joined, settled(values, part, site)),
      values.nothing,
    );
  }
  return value.kind === "fresh" && isOpenResult(value)
    ? values.fresh(value.site, { type: "result", settled: true })
    : value;
}
