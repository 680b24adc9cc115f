import { type ClassKey, classKey, type FunctionKey, type Location, parseKey } from "./places.ts";
import type { Semantics } from "./semantics.ts";
import { type Binding, isNothing, isOfCaller, type Value, type Wait, type Waits } from "./values.ts";

/** A callee's value in the words of its caller: arguments for parameters, the receiver for `this`. */
export function substituteValue(s: Semantics, value: Value, binding: Binding): Value {
  const { world, values } = s;
  const go = (inner: Value) => substituteValue(s, inner, binding);
  switch (value.kind) {
    case "nothing":
    case "unknown":
    case "settler":
    case "constant":
    case "class":
    case "module":
    case "namespace":
    case "external":
    case "global":
    case "variable":
      return value;
    case "parameter":
      return value.function === binding.function ? argumentAt(s, binding, value.index) : value;
    case "receiver":
      return receiverOf(s, binding) === value.of ? (binding.receiver ?? values.unknown) : value;
    case "member": {
      const of = go(value.of);
      if (value.key) return values.entry(of, go(value.key)) ?? values.unknown;
      return of === value.of ? value : s.member(of, value.name);
    }
    case "typed": {
      const of = go(value.of);
      return of === value.of ? value : values.typed(of, value.type);
    }
    case "function": {
      const bound = value.bound.map((outer) => ({
        ...outer,
        arguments: outer.arguments.map(go),
        ...(outer.receiver === undefined ? {} : { receiver: go(outer.receiver) }),
      }));
      // A closure that leaves the activation it was made in takes the activation along.
      const inside =
        world.enclosing(value.function).includes(binding.function) &&
        !bound.some((outer) => outer.function === binding.function);
      return values.function(value.function, inside ? [...bound, binding] : bound);
    }
    case "fresh": {
      const inside = value.site.function === binding.function;
      const site = inside ? values.outerSite(value.site, binding.site) : value.site;
      if (!site) return values.unknown;
      const { made } = value;
      switch (made.type) {
        case "object":
          return values.fresh(site, {
            type: "object",
            properties: new Map([...made.properties].map(([name, property]) => [name, go(property)])),
          });
        case "array":
          return values.fresh(site, { type: "array", elements: made.elements.map(go) });
        case "handle":
          return values.fresh(site, { ...made, resource: go(made.resource) });
        case "query": {
          const { unless, ...rest } = made;
          const otherwise = unless && go(unless);
          if (otherwise && isGiven(otherwise)) return values.fresh(site, { type: "result" });
          const resource = go(made.resource);
          return values.fresh(site, {
            ...rest,
            resource,
            ...(otherwise && isOfCaller(otherwise) ? { unless: otherwise } : {}),
          });
        }
        default:
          return values.fresh(site, made);
      }
    }
    case "promise":
      return values.promise(
        go(value.of),
        substituteWaits(s, value.waits, binding, undefined),
        value.rejects,
        value.sure,
      );
    case "union": {
      // `on` in `on = pool` and `on ?? pool`, for a caller that gives it: the rest is for those who do not.
      const given = value.of.find((part) => isOptional(s, part) && isGiven(go(part)));
      if (given) return go(given);
      return value.of.reduce<Value>((joined, part) => values.join(joined, go(part)), values.nothing);
    }
  }
}

/** Something that a caller may leave out. Without types, any parameter may be. */
function isOptional({ world }: Semantics, part: Value): boolean {
  if (part.kind !== "parameter") return isOfCaller(part);
  const { file } = parseKey(part.function);
  const optional = world.function(part.function)?.parameters[part.index]?.optional;
  return optional === true || world.facts(file)?.language === "javascript";
}

/** A caller gives it, and not only hands on what its own caller may give. */
function isGiven(value: Value): boolean {
  return !isOfCaller(value) && !isNothing(value);
}

/** The symbol that stands for `this` in a function; undefined in arrow functions, which have the one around them. */
function receiverOf(s: Semantics, binding: Binding): ClassKey | FunctionKey | undefined {
  const facts = s.world.function(binding.function);
  return !facts || facts.kind === "arrow" ? undefined : receiverSymbol(s, binding.function);
}

/** What `this` is called in a function: its class, or itself when it is in none. */
export function receiverSymbol(s: Semantics, key: FunctionKey): ClassKey | FunctionKey {
  const owner = s.world.thisOwner(key);
  const of = s.world.function(owner)?.class;
  return of === undefined ? owner : classKey(parseKey(owner).file, of);
}

function argumentAt(s: Semantics, binding: Binding, index: number): Value {
  if (binding.spreadFrom !== undefined && index >= binding.spreadFrom) return s.values.unknown;
  return binding.arguments[index] ?? s.values.undefined;
}

/**
 * A callee's waits in the words of its caller, a call further away when `call` is given. A callback that has become
 * known is replaced by what it waits for.
 */
export function substituteWaits(
  s: Semantics,
  waits: Waits,
  binding: Binding,
  call: Location | undefined,
): Waits {
  const { values } = s;
  if (waits.list.length === 0) return waits;
  const list: Wait[] = [];
  let overflow = waits.overflow;
  for (const wait of waits.list) {
    if (wait.kind === "operation") {
      const { unless, ...rest } = wait;
      const otherwise = unless && substituteValue(s, unless, binding);
      if (otherwise && isGiven(otherwise)) continue;
      const resource = substituteValue(s, wait.resource, binding);
      const still = otherwise && isOfCaller(otherwise) ? { unless: otherwise } : {};
      list.push(values.operationWait({ ...rest, resource, ...still }));
      continue;
    }
    const inner = s.callWaits(wait, binding);
    list.push(...inner.list);
    overflow ||= inner.overflow;
  }
  if (!call) return values.waits(list, overflow);
  const further = list.map((wait) => values.viaCall(wait, call));
  const kept = further.filter((wait) => wait !== undefined);
  return values.waits(kept, overflow || kept.length < further.length);
}
