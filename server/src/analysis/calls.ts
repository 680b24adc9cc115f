import { isSame } from "../program/ranges.ts";
import {
  isSymbolic,
  joinEffects,
  modelTypeOf,
  nothingHappens,
  resultOfType,
  symbolicWaits,
  unknownCall,
} from "./call-effects.ts";
import { isEntry, keptUnderKey } from "./kept-or-made.ts";
import { applyEntry, applyOperation, applyQueryMember, type Operation } from "./model-calls.ts";
import { type ClassKey, type FunctionKey, functionKey, type Location, parseKey } from "./places.ts";
import type { Call, CallEffect, Semantics } from "./semantics.ts";
import type { Scope, Use } from "./summary.ts";
import {
  alternatives,
  type Binding,
  isOfCaller,
  plain,
  type Site,
  type Value,
  type Waits,
} from "./values.ts";
import type { World } from "./world.ts";

// What a call does: of a function or class of the program by its summary, of what a model describes in
// model-calls.ts, of anything else as little as can be said.

const maxVia = 5;

/** What a call does, for every function that the callee may be. */
export function applyCall(s: Semantics, call: Call): CallEffect {
  const callees = alternatives(call.callee);
  const ofCaller = callees.length > 1 ? callees.map(subjectOf).find(isOfCaller) : undefined;
  const effects = callees.map((callee) => {
    const effect = applyOne(s, { ...call, callee });
    const isOther = ofCaller !== undefined && !isOfCaller(subjectOf(callee));
    return isOther ? { ...effect, result: onlyWithout(s, effect.result, ofCaller) } : effect;
  });
  return effects.reduce((a, b) => joinEffects(s.values, a, b));
}

/** `pool` of `pool.query`, `db` of `db("orders")`. */
function subjectOf(callee: Value): Value {
  return callee.kind === "member" ? callee.of : callee;
}

/** What comes of a call on something that stands in for what a caller may give. */
function onlyWithout({ values }: Semantics, result: Value, unless: Value): Value {
  if (result.kind === "fresh" && result.made.type === "query") {
    return values.fresh(result.site, { ...result.made, unless });
  }
  if (result.kind !== "promise" || result.waits.list.length === 0) return result;
  const list = result.waits.list.map((wait) =>
    wait.kind === "operation" ? values.operationWait({ ...wait, unless }) : wait,
  );
  const waits = values.waits(list, result.waits.overflow);
  return values.promise(result.of, waits, result.rejects, result.sure);
}

function applyOne(s: Semantics, call: Call): CallEffect {
  const { values, world } = s;
  const { callee } = call;
  switch (callee.kind) {
    case "nothing":
      return { ...nothingHappens(call, [], values.nothing), ends: false };
    case "settler":
      return {
        ...nothingHappens(call, [{ kind: "create" }], values.undefined),
        escapes: call.arguments,
      };
    case "function":
      return applyFunction(s, call, callee.function, callee.bound, call.receiver);
    case "class":
      return call.isNew ? construct(s, call, callee.class) : unknownCall(s, call);
    case "external": {
      const entry = world.models.exported(callee.module, callee.path);
      // `navigator.locks` is an object; a function may be one, too, and is called.
      if (entry?.kind === "instance" && entry.type.call) break;
      return applyEntry(s, call, entry);
    }
    case "global":
      return applyEntry(s, call, world.models.global(callee.path));
    case "member": {
      if (callee.of.kind === "fresh" && callee.of.made.type === "query") {
        const effect = applyQueryMember(s, call, callee.of, callee.of.made, callee.name);
        if (effect) return effect;
      }
      const builtin =
        callee.of.kind === "function" ? applyFunctionMethod(s, call, callee.of, callee.name) : undefined;
      if (builtin) return builtin;
      // `lock.runExclusive.bind(lock)` is a member that keeps its object, which ours do anyway.
      const [self] = call.arguments;
      const isBound = callee.name === "bind" && callee.of.kind === "member" && call.arguments.length === 1;
      if (isBound && self && plain(self) === plain(callee.of.of) && modelTypeOf(s, self)) {
        return nothingHappens(call, [{ kind: "create" }], callee.of);
      }
      const type = modelTypeOf(s, callee.of);
      const operation = type?.members.get(callee.name);
      if (type && operation) {
        return applyOperation(s, call, {
          model: type,
          name: callee.name,
          operation,
          resource: plain(callee.of),
        });
      }
      const chain = type ? undefined : chainOf(s, callee.name);
      if (chain) return applyOperation(s, call, { ...chain, resource: callee.of });
      break;
    }
    default:
  }
  const type = modelTypeOf(s, callee);
  if (type?.call) {
    return applyOperation(s, call, {
      model: type,
      name: "()",
      operation: type.call,
      resource: plain(callee),
    });
  }
  return isSymbolic(callee) ? symbolicCall(s, call) : unknownCall(s, call);
}

/** `then`, `catch` and `finally` are the language's own protocol, whatever object has them. */
function chainOf(s: Semantics, name: string): Operation | undefined {
  const model = s.world.models.globalType("Promise");
  const operation = model?.members.get(name);
  return model && operation?.op === "chain" ? { model, name, operation } : undefined;
}

// --- functions of the program

function applyFunction(
  s: Semantics,
  call: Call,
  key: FunctionKey,
  bound: readonly Binding[],
  receiver: Value | undefined,
): CallEffect {
  const { values, reader, world } = s;
  const binding: Binding = {
    function: key,
    arguments: call.arguments,
    ...(call.spreadFrom === undefined ? {} : { spreadFrom: call.spreadFrom }),
    ...(receiver === undefined ? {} : { receiver }),
    site: call.site,
  };
  const summary = reader.summary(key);
  const facts = world.function(key);
  if (!summary || !facts) {
    return { ...nothingHappens(call, [], values.nothing), ends: facts?.async ?? false };
  }
  const bindings = [binding, ...bound];
  const inside = (value: Value) => bindings.reduce((inner, one) => s.substitute(inner, one), value);
  const insideWaits = (waits: Waits) =>
    bindings.reduce(
      (inner, one, index) => s.substituteWaits(inner, one, index === 0 ? call.at : undefined),
      waits,
    );
  // What a recursive function does a level further down is no other use, and each level would add one.
  const via = (path: readonly Location[]) =>
    path.length < maxVia && !path.some((at) => at.file === call.at.file && isSame(at, call.at))
      ? [call.at, ...path]
      : undefined;
  let result = inside(summary.returns);
  if (facts.generator) result = values.fresh(call.site, { type: "result" });
  else if (facts.async) result = values.promise(result, insideWaits(summary.waits), summary.rejects);
  else result = furtherAway(s, declaredResult(s, call.site, result, key), call.at);
  const scopes = summary.scopes.flatMap((scope): Scope[] => {
    const path = via(scope.via);
    const callee = inside(scope.callee);
    const resource = inside(scope.resource);
    // What the callee itself sees whole, its own evaluation reports.
    const isSame = callee === scope.callee && resource === scope.resource;
    if (!path || (isSame && !isSymbolic(callee))) return [];
    return [{ ...scope, callee, resource, arguments: scope.arguments.map(inside), via: path }];
  });
  const uses = summary.uses.flatMap((use): Use[] => {
    const path = via(use.via);
    const resource = inside(use.resource);
    const isSame = resource === use.resource;
    return !path || (isSame && !isSymbolic(resource)) ? [] : [{ ...use, resource, via: path }];
  });
  return {
    targets: [{ kind: "function", function: key, binding, summary }],
    arguments: call.arguments,
    ...(receiver === undefined ? {} : { receiver }),
    result,
    throws: summary.throws,
    ends: summary.ends || facts.async || facts.generator,
    scopes,
    uses,
    escapes: summary.escapes.map(inside),
  };
}

/** A promise or query that a synchronous function gives: what it waits for is one call further away. */
function furtherAway(s: Semantics, result: Value, call: Location): Value {
  const { values } = s;
  if (result.kind === "union") {
    return result.of.reduce<Value>(
      (joined, part) => values.join(joined, furtherAway(s, part, call)),
      values.nothing,
    );
  }
  if (result.kind === "fresh" && result.made.type === "query") {
    const path = [call, ...result.made.via];
    const isNear = path.length <= maxVia;
    return values.fresh(result.site, isNear ? { ...result.made, via: path } : { type: "result" });
  }
  if (result.kind !== "promise" || result.waits.list.length === 0) return result;
  const list = result.waits.list.flatMap((wait) => values.viaCall(wait, call) ?? []);
  const waits = values.waits(list, result.waits.overflow || list.length < result.waits.list.length);
  return values.promise(result.of, waits, result.rejects, result.sure);
}

/** What is not known of a result its declared type may say. */
function declaredResult(s: Semantics, site: Site, result: Value, key: FunctionKey): Value {
  const isOpen = result.kind === "fresh" && result.made.type === "result";
  // A new one or one that was kept: `locks.get(key) ?? new Mutex()`.
  const isEither = result.kind === "union" && s.typeOf(result) === undefined;
  const kept = isEither ? keptUnderKey(s, result) : undefined;
  if (kept) return kept;
  const isKept = isEntry(result) && s.typeOf(result) === undefined;
  if (result.kind !== "unknown" && !isOpen && !isEither && !isKept) return result;
  const { file } = parseKey(key);
  const declared = s.world.typeOf(file, s.world.function(key)?.returnType);
  if (isKept) return declared?.kind === "model" ? s.values.typed(result, declared) : result;
  if (isEither && declared?.kind !== "model") return result;
  return resultOfType(s, site, declared);
}

/** `f.call(self, …)`, `f.apply(self, list)`, `f.bind(self, …)`. */
function applyFunctionMethod(
  s: Semantics,
  call: Call,
  of: Extract<Value, { kind: "function" }>,
  name: string,
): CallEffect | undefined {
  const [self, ...rest] = call.arguments;
  switch (name) {
    case "call":
      return applyFunction(s, { ...call, arguments: rest }, of.function, of.bound, self);
    case "apply":
      return applyFunction(s, { ...call, arguments: [], spreadFrom: 0 }, of.function, of.bound, self);
    case "bind":
      if (self === undefined || rest.length > 0) return undefined;
      return nothingHappens(call, [{ kind: "create" }], boundTo(s, call.site, of, self));
    default:
      return undefined;
  }
}

function boundTo(s: Semantics, site: Site, of: Extract<Value, { kind: "function" }>, self: Value): Value {
  const binding: Binding = { function: of.function, arguments: [], spreadFrom: 0, receiver: self, site };
  return s.values.function(of.function, [...of.bound, binding]);
}

function construct(s: Semantics, call: Call, key: ClassKey): CallEffect {
  const { values, world } = s;
  const instance = values.fresh(call.site, { type: "instance", class: key });
  let effect = nothingHappens(call, [{ kind: "create" }], instance);
  for (const run of constructorsOf(world, key)) {
    const done = applyFunction(s, call, run, [], instance);
    effect = { ...joinEffects(values, effect, done), result: instance };
  }
  return effect;
}

/** The functions that run when a class is constructed, up to the constructor that calls its own `super`. */
export function constructorsOf(world: World, key: ClassKey): readonly FunctionKey[] {
  const found: FunctionKey[] = [];
  const seen = new Set<ClassKey>();
  for (let at: ClassKey | undefined = key; at && !seen.has(at); at = world.superclass(at)) {
    seen.add(at);
    const fact = world.class(at);
    const { file } = parseKey(at);
    if (fact?.fieldsFunction !== undefined) found.push(functionKey(file, fact.fieldsFunction));
    if (fact?.constructorFunction === undefined) continue;
    found.push(functionKey(file, fact.constructorFunction));
    break;
  }
  return found;
}

function symbolicCall(s: Semantics, call: Call): CallEffect {
  const { values } = s;
  const type = s.typeOf(call.callee);
  const declared = type?.kind === "function" ? type.returns : undefined;
  let result = resultOfType(s, call.site, declared);
  if (declared === undefined || result.kind === "promise") {
    // Whether it is asynchronous only the caller knows; awaiting it waits for it either way.
    const waits = symbolicWaits(s, call, call.callee, call.arguments);
    const sure = result.kind === "promise";
    result = values.promise(result.kind === "promise" ? result.of : result, waits, true, sure);
  }
  return {
    ...nothingHappens(call, [{ kind: "symbolic", callee: call.callee }], result),
    throws: true,
    escapes: call.arguments,
  };
}
