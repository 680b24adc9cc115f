import type { CreateModel, NumberSource, OperationModel } from "@unknot/models/model.ts";
import {
  isSymbolic,
  joinEffects,
  modelTypeOf,
  nothingHappens,
  symbolicWaits,
  unknownCall,
} from "./call-effects.ts";
import {
  asReader,
  type ModelEntry,
  type ModelType,
  operationOf,
  thatGivesUp,
  thatLetsInAgain,
} from "./model-index.ts";
import type { Call, CallEffect, Semantics, Target } from "./semantics.ts";
import type { Scope, Use } from "./summary.ts";
import {
  alternatives,
  type Binding,
  isNothing,
  type Made,
  plain,
  type Value,
  type Values,
  type Wait,
  type Waits,
} from "./values.ts";

// Calls of what models describe: making a resource, its operations, and the callbacks that they run.

export function applyEntry(s: Semantics, call: Call, entry: ModelEntry | undefined): CallEffect {
  const { values } = s;
  switch (entry?.kind) {
    case "constructor":
      return call.isNew ? createResource(s, call, entry.type, entry.create) : unknownCall(s, call);
    case "factory":
      return createResource(s, call, entry.type, entry.create);
    case "function": {
      if (entry.type) return applyNamed(s, call, entry.name, entry.operation, entry.type);
      const at = entry.operation.receiver;
      const resource = at === undefined ? undefined : call.arguments[at];
      const model = resource && modelTypeOf(s, resource);
      return applyOperation(s, call, {
        name: entry.name,
        operation: entry.operation,
        ...(resource ? { resource: plain(resource) } : {}),
        ...(model ? { model } : {}),
      });
    }
    case "static":
      return applyOperation(s, call, { name: entry.name, operation: entry.operation, model: entry.type });
    case "wrapper": {
      // The same lock in another coat.
      const wrapped = call.arguments[entry.wrapper.wraps] ?? values.unknown;
      const type = modelTypeOf(s, wrapped);
      const patient = entry.wrapper.acquire !== "mayReject" || type === undefined;
      const result = patient
        ? wrapped
        : values.typed(plain(wrapped), { kind: "model", model: thatGivesUp(type) });
      return nothingHappens(call, [{ kind: "create" }], result);
    }
    case "instance":
    case undefined:
      return unknownCall(s, call);
  }
}

/** `lock("file")`: its key alone says which resource a function means. */
function applyNamed(
  s: Semantics,
  call: Call,
  name: string,
  { key, ...operation }: OperationModel,
  model: ModelType,
): CallEffect {
  const given = key === undefined ? undefined : call.arguments[key];
  const owner = s.values.external(model.module, [model.name]);
  // Keys that are not known may be equal: whoever gives back by such a key may mean any of them.
  const text = given?.kind === "constant" && "value" in given.constant ? String(given.constant.value) : "…";
  return applyTo(s, call, { name, operation, model, resource: s.values.member(owner, `[${text}]`) });
}

function createResource(s: Semantics, call: Call, model: ModelType, create: CreateModel): CallEffect {
  const { values } = s;
  if (create.maxArguments !== undefined && call.arguments.length > create.maxArguments)
    return unknownCall(s, call);
  const target: Target = { kind: "create", create };
  if (create.executor !== undefined) {
    const executor = call.arguments[create.executor] ?? values.unknown;
    const run = invoke(s, call, executor, [values.settler, values.settler]);
    const rejects = run.throws || mayReject(s, executor);
    const result = values.promise(values.fresh(call.site, { type: "result" }), values.noWaits, rejects);
    return { ...run, targets: [target], result, arguments: call.arguments, throws: false };
  }
  if (model.kind === "collection") {
    // What a collection holds is not followed.
    return {
      ...nothingHappens(call, [target], resourceValue(s, call, model, create)),
      escapes: call.arguments,
    };
  }
  const again = create.reentrant && flagAt(call.arguments, create.reentrant) !== false;
  const made = again ? thatLetsInAgain(model) : model;
  const named = namedResource(s, call, model, create);
  const resource = named
    ? values.typed(named, { kind: "model", model: made })
    : resourceValue(s, call, made, create);
  return {
    ...nothingHappens(call, [target], resource),
    scopes: create.worker === undefined ? [] : workerScopes(call, model, plain(resource), create.worker),
  };
}

/** `new Worker("orders", …)` is about what `new Queue("orders")` is about, wherever they are made. */
function namedResource(s: Semantics, call: Call, model: ModelType, create: CreateModel): Value | undefined {
  const given = create.key === undefined ? undefined : call.arguments[create.key];
  if (given?.kind !== "constant" || given.constant.type !== "string") return undefined;
  return s.values.external(model.module, [create.type ?? model.name, given.constant.value]);
}

/** What is submitted later runs the worker in a slot. */
function workerScopes(call: Call, model: ModelType, resource: Value, index: number): readonly Scope[] {
  const callee = call.arguments[index];
  const entry = [...model.members].find(([, { op }]) => op === "submit" || op === "bindWorker");
  if (callee === undefined || entry === undefined) return [];
  return [{ model, operation: entry[0], resource, callee, arguments: [], at: call.at, via: [] }];
}

/** Whether an executor takes `reject`; one that only takes `resolve` settles with success. */
function mayReject(s: Semantics, executor: Value): boolean {
  return alternatives(executor).some((one) => {
    const facts = one.kind === "function" ? s.world.function(one.function) : undefined;
    return facts === undefined || facts.parameters.length > 1 || facts.usesArguments;
  });
}

function resourceValue(s: Semantics, call: Call, model: ModelType, create: CreateModel): Value {
  const capacity = capacityOf(create, call.arguments);
  const made: Made = {
    type: "resource",
    model,
    paused: create.paused !== undefined && flagAt(call.arguments, create.paused) === true,
    ...(capacity === undefined ? {} : { capacity }),
  };
  return s.values.fresh(call.site, made);
}

type Flag = NonNullable<CreateModel["paused"]>;

/** Whether an option has the value that counts; undefined when that cannot be seen. */
function flagAt(given: readonly Value[], { arg, prop, is }: Flag): boolean | undefined {
  const options = given[arg];
  const option = optionAt(options, prop);
  if (option === undefined) return options === undefined || isKnownObject(options) ? false : undefined;
  return option.kind === "constant" && option.constant.type === "boolean"
    ? option.constant.value === is
    : undefined;
}

/** A literal capacity; undefined when it is not written as a number. */
function capacityOf(create: CreateModel, given: readonly Value[]): number | undefined {
  const sources = Array.isArray(create.capacity)
    ? (create.capacity as readonly NumberSource[])
    : create.capacity === undefined
      ? []
      : [create.capacity as NumberSource];
  for (const source of sources) {
    const found = numberOf(source, given);
    if (found !== "absent") return found;
  }
  return undefined;
}

/** `absent` when the argument or property is not given at all and there is no default. */
export function numberOf(source: NumberSource, given: readonly Value[]): number | undefined | "absent" {
  if (source === "Infinity") return Number.POSITIVE_INFINITY;
  if (typeof source === "number") return source;
  const argument = given[source.arg];
  const value = source.prop === undefined ? argument : optionAt(argument, source.prop);
  if (value === undefined || (value.kind === "constant" && value.constant.type === "undefined")) {
    if (
      source.prop !== undefined &&
      argument !== undefined &&
      !isKnownObject(argument) &&
      argument.kind !== "constant"
    ) {
      return undefined;
    }
    if (source.default === "Infinity") return Number.POSITIVE_INFINITY;
    return source.default ?? "absent";
  }
  if (value.kind === "constant" && value.constant.type === "number") return value.constant.value;
  if (value.kind === "global" && value.path.join(".").endsWith("Infinity")) return Number.POSITIVE_INFINITY;
  if (source.prop === undefined && isKnownObject(value)) return "absent";
  return undefined;
}

function isKnownObject(value: Value): boolean {
  return value.kind === "fresh" && value.made.type === "object";
}

function optionAt(value: Value | undefined, path: string): Value | undefined {
  let at = value;
  for (const name of path.split(".")) {
    if (at?.kind !== "fresh" || at.made.type !== "object") return undefined;
    at = at.made.properties.get(name);
  }
  return at;
}

/** An operation of a model, on a resource when it has one. */
export interface Operation {
  readonly model?: ModelType;
  readonly name: string;
  readonly operation: OperationModel;
  readonly resource?: Value;
}

export function applyOperation(s: Semantics, call: Call, on: Operation): CallEffect {
  const given = asGiven(s, call, on);
  const { key } = given.operation;
  if (key === undefined) return applyTo(s, call, given);
  // Several keys at once are several locks.
  return keysIn(call.arguments[key])
    .map((one) => applyTo(s, call, ofKey(s, given, one)))
    .reduce((a, b) => joinEffects(s.values, a, b));
}

function applyTo(s: Semantics, call: Call, of: Operation): CallEffect {
  const { values } = s;
  const { operation, resource, name } = of;
  const model = of.model && limitsWaiting(call, operation) ? thatGivesUp(of.model) : of.model;
  const target: Target = { kind: "operation", ...of };
  const base = {
    ...nothingHappens(call, [target], values.unknown),
    throws: operation.throws !== false && !operation.await,
  };
  const wait =
    model && resource
      ? values.waits([values.operationWait({ model, operation: name, resource, at: call.at, via: [] })])
      : values.noWaits;
  const uses: readonly Use[] =
    model && resource ? [{ model, operation: name, resource, at: call.at, via: [] }] : [];
  const consumed = new Set(
    [
      operation.fn,
      operation.fnArray,
      operation.fulfilled,
      operation.rejected,
      operation.settled,
      operation.promises,
      operation.op === "pipe" ? operation.value : undefined,
    ].filter((index) => index !== undefined),
  );
  const escapes = call.arguments.filter((_, index) => !consumed.has(index) && index !== operation.receiver);
  const rejects = operation.throws !== false;
  const fresh = values.fresh(call.site, { type: "result" });
  const settle = (effect: CallEffect): CallEffect => ({
    ...effect,
    uses: [...uses, ...effect.uses],
    escapes: [...escapes, ...effect.escapes],
  });
  // A callback hears how it ends; whether there is a promise, too, its type says.
  if (operation.callback !== undefined && hearsOutcome(call, operation.callback)) {
    return settle({
      ...base,
      targets: [target, { kind: "unknown" }],
      result: fresh,
      escapes: call.arguments,
    });
  }
  switch (operation.op) {
    case "acquire":
    case "tryAcquire": {
      if (!model || !resource) return settle({ ...base, result: fresh });
      const handle = values.fresh(call.site, { type: "handle", model, operation: name, resource });
      const given = operation.await ? values.promise(handle, wait, rejects) : handle;
      if (operation.promiseIn === undefined) return settle({ ...base, result: given });
      const properties = new Map([[operation.promiseIn, given]]);
      return settle({ ...base, result: values.fresh(call.site, { type: "object", properties }) });
    }
    case "scoped":
    case "submit":
    case "use": {
      if (!model || !resource) return settle(applyScoped(s, call, base, of, wait));
      const use = { model, operation: name, resource };
      if (operation.lazy) {
        return settle({
          ...base,
          result: values.fresh(call.site, { type: "query", ...use, at: call.at, via: [] }),
        });
      }
      if (operation.returns !== undefined) {
        const type = s.world.models.exportedType(model.module, [operation.returns]);
        return settle({
          ...base,
          result: type ? ofType(s, operation, resource, type) : fresh,
        });
      }
      if (operation.handle && hasNoCallback(call.arguments[operation.fn ?? 0])) {
        const handle = values.fresh(call.site, { type: "handle", ...use });
        return settle({ ...base, result: operation.await ? values.promise(handle, wait, rejects) : handle });
      }
      return settle(applyScoped(s, call, base, of, wait));
    }
    case "map":
    case "run":
      return settle(applyRun(s, call, base, of, wait));
    case "chain":
      return settle(applyChain(s, call, base, of));
    case "join":
      return settle(applyJoin(s, call, base, of));
    case "settle": {
      const given = call.arguments[operation.value ?? operation.rejected ?? 0] ?? values.undefined;
      const rejected = operation.rejected !== undefined;
      const inner = s.awaited(given, call.site);
      return settle({
        ...base,
        result: rejected
          ? values.promise(values.unknown, values.noWaits, true)
          : values.promise(inner.value, inner.waits, given.kind === "promise" && given.rejects),
      });
    }
    case "spawn":
      return settle({ ...base, result: operation.returns === "this" && resource ? resource : fresh });
    // Chains go on with the target.
    case "pipe":
      return settle({ ...base, result: call.arguments[operation.value ?? 0] ?? fresh });
    case "exit":
      return settle({ ...base, ends: false, throws: false });
    case "sleep":
    case "send":
    case "recv":
    case "select":
    case "waitIdle":
    case "wait":
    case "shutdown":
      return settle({ ...base, result: operation.await ? values.promise(fresh, wait, rejects) : fresh });
    case "waitEvent": {
      // `once(emitter, "error")` gives the error; with options it may end by a signal.
      const isForErrors = call.arguments.length < 3 && call.arguments.some(isErrorName);
      return settle({
        ...base,
        result: operation.await ? values.promise(fresh, wait, rejects && !isForErrors) : fresh,
      });
    }
    default: {
      if (operation.result === "resolvers") {
        const promise = values.promise(fresh, values.noWaits, true);
        const properties = new Map([
          ["promise", promise],
          ["resolve", values.settler],
          ["reject", values.settler],
        ]);
        return settle({ ...base, result: values.fresh(call.site, { type: "object", properties }) });
      }
      // What was known of an object may be wrong now.
      const isSame = operation.returns === "this" && resource !== undefined && !isKnownObject(resource);
      const own = isSame ? resource : fresh;
      return settle({ ...base, result: operation.await ? values.promise(own, wait, rejects) : own });
    }
  }
}

function isErrorName(value: Value): boolean {
  return value.kind === "constant" && value.constant.type === "string" && value.constant.value === "error";
}

/** Nothing is given, or an object with options. */
function hasNoCallback(given: Value | undefined): boolean {
  return given === undefined || isNothing(given) || isKnownObject(given);
}

type Query = Extract<Made, { type: "query" }>;

/** What has to happen before the await of something that was only described is over. */
export function queryWaits(values: Values, query: Query): Waits {
  const isAwaited = operationOf(query.model, query.operation)?.lazy?.thenable === true;
  return isAwaited ? waitsOf(values, query) : values.noWaits;
}

function waitsOf(values: Values, { type, ...query }: Query): Waits {
  return values.waits([values.operationWait(query)]);
}

/** A member of something described: it says more about it, or makes it happen. Undefined for `then` and the like. */
export function applyQueryMember(
  s: Semantics,
  call: Call,
  of: Value,
  query: Query,
  name: string,
): CallEffect | undefined {
  const { values } = s;
  const { thenable, runs = [], elsewhere = [] } = operationOf(query.model, query.operation)?.lazy ?? {};
  if (elsewhere.includes(name)) return unknownCall(s, call);
  if (thenable && (name === "then" || name === "catch" || name === "finally")) return undefined;
  const described = { ...nothingHappens(call, [{ kind: "unknown" }], of), escapes: call.arguments };
  if (!runs.includes(name)) return { ...described, throws: true };
  const result = values.fresh(call.site, { type: "result" });
  return { ...described, result: values.promise(result, waitsOf(values, query), true) };
}

/** The operation as this call means it: with options in front of the callback or without, as a reader or a writer. */
function asGiven(s: Semantics, call: Call, on: Operation): Operation {
  const { options, readWhen, ...operation } = on.operation;
  if (options === undefined) return on;
  if (!hasOptions(s, call, options)) {
    const { timeout: _, signal: __, neverWaits: ___, ...bare } = operation;
    return { ...on, operation: bare };
  }
  const moved = (index: number | undefined) =>
    index === undefined ? undefined : index >= options ? index + 1 : index;
  const [fn, restToFn, callback] = [operation.fn, operation.restToFn, operation.callback].map(moved);
  const shifted: OperationModel = {
    ...operation,
    ...(fn === undefined ? {} : { fn }),
    ...(restToFn === undefined ? {} : { restToFn }),
    ...(callback === undefined ? {} : { callback }),
  };
  const mode = readWhen && optionAt(call.arguments[readWhen.arg], readWhen.prop);
  const isReader =
    mode?.kind === "constant" && mode.constant.type === "string" && mode.constant.value === readWhen?.is;
  return {
    ...on,
    ...(isReader ? { name: asReader(on.name) } : {}),
    operation: isReader ? { ...shifted, mode: "read" } : shifted,
  };
}

/** Whether options stand at an index, and the callback behind them. */
function hasOptions(s: Semantics, call: Call, index: number): boolean {
  const given = call.arguments[index];
  const next = call.arguments[index + 1];
  if (given === undefined || next === undefined || isCallable(s, given)) return false;
  return isKnownObject(given) || isCallable(s, next);
}

function isCallable(s: Semantics, value: Value): boolean {
  return alternatives(value).every((one) => one.kind === "function" || s.typeOf(one)?.kind === "function");
}

/** The waiting may end by itself: a limit or a signal is given, or may be among options that are not known. */
function limitsWaiting(call: Call, { timeout, signal, neverWaits }: OperationModel): boolean {
  return [timeout, signal, ...(neverWaits ?? [])].some((source) => {
    const given = source && call.arguments[source.arg];
    if (given === undefined || isNothing(given)) return false;
    if (source?.prop === undefined || !isKnownObject(given)) return true;
    const option = optionAt(given, source.prop);
    if (option === undefined || isNothing(option)) return false;
    return !(option.kind === "constant" && option.constant.type === "boolean" && !option.constant.value);
  });
}

/** The resource, as what an operation gives; that it gives it needs nobody else. */
function ofType(
  s: Semantics,
  { await: isAwaited, throws }: OperationModel,
  resource: Value,
  model: ModelType,
): Value {
  const typed = s.values.typed(plain(resource), { kind: "model", model });
  return isAwaited === true ? s.values.promise(typed, s.values.noWaits, throws !== false) : typed;
}

/** Every key is a resource of its own: a literal, or what a name stands for; others cannot be told apart. */
function ofKey(s: Semantics, of: Operation, key: Value | undefined): Operation {
  const { resource, ...rest } = of;
  const entry = resource && key && s.values.entry(resource, key);
  return entry ? { ...rest, resource: entry } : rest;
}

/** The keys that an argument names: one, or those of a list. */
function keysIn(given: Value | undefined): readonly (Value | undefined)[] {
  const isList = given?.kind === "fresh" && given.made.type === "array" && given.made.elements.length > 0;
  return isList ? given.made.elements : [given];
}

/** Something that may be a function stands at an index or behind it. */
function hearsOutcome(call: Call, from: number): boolean {
  return call.arguments
    .slice(from)
    .some((one) => alternatives(one).some((part) => part.kind !== "constant" && !isKnownThing(part)));
}

function isKnownThing(value: Value): boolean {
  return value.kind === "fresh" && value.made.type !== "result";
}

/** A callback under a lock or in a slot: its end is the end of the operation. */
function applyScoped(s: Semantics, call: Call, base: CallEffect, of: Operation, wait: Waits): CallEffect {
  const { values } = s;
  const { operation, model, resource, name } = of;
  const callbacks = callbacksOf(s, call, operation);
  const given = operation.restToFn === undefined ? [] : call.arguments.slice(operation.restToFn);
  let waits = wait;
  // What was submitted goes to a worker, and what that gives is not followed.
  let result: Value = callbacks.length > 0 ? values.nothing : values.fresh(call.site, { type: "result" });
  let rejects = callbacks.length === 0;
  const scopes: Scope[] = [];
  let effect = base;
  for (const callee of callbacks) {
    const run = invoke(s, call, callee, given, given.length);
    const inner = s.awaited(run.result, call.site);
    waits = values.bothWaits(waits, values.bothWaits(inner.waits, symbolicWaits(s, call, callee, given)));
    result = values.join(result, inner.value);
    rejects ||= inner.rejects || run.throws;
    if (model && resource) {
      scopes.push({ model, operation: name, resource, callee, arguments: given, at: call.at, via: [] });
    }
    effect = {
      ...effect,
      uses: [...effect.uses, ...run.uses],
      escapes: [...effect.escapes, ...run.escapes],
      scopes: [...effect.scopes, ...run.scopes],
    };
  }
  const collected = operation.callbackResult === "collected";
  const value = collected ? values.fresh(call.site, { type: "array", elements: [] }) : result;
  return {
    ...effect,
    scopes: [...effect.scopes, ...scopes],
    // Where there is nothing to wait for, the call only tells of its callback.
    result: operation.await
      ? values.promise(value, waits, rejects)
      : values.fresh(call.site, { type: "result" }),
    throws: false,
  };
}

function callbacksOf(s: Semantics, call: Call, operation: OperationModel): readonly Value[] {
  if (operation.fn !== undefined) {
    const callback = call.arguments[operation.fn];
    return callback ? alternatives(callback) : [];
  }
  const list = operation.fnArray === undefined ? undefined : call.arguments[operation.fnArray];
  if (list?.kind === "fresh" && list.made.type === "array") return list.made.elements;
  return list ? [s.values.unknown] : [];
}

/** A callback that runs during the call, once or for every element. */
function applyRun(s: Semantics, call: Call, base: CallEffect, of: Operation, wait: Waits): CallEffect {
  const { values } = s;
  const { operation, model, resource, name } = of;
  const callee = call.arguments[operation.fn ?? 0];
  const array = () => values.fresh(call.site, { type: "array", elements: [] });
  if (callee === undefined) {
    // `Array.from(values)`, `values.sort()`.
    return {
      ...base,
      result: operation.callbackResult === "collected" ? array() : base.result,
      throws: false,
    };
  }
  const given = operation.restToFn === undefined ? [] : call.arguments.slice(operation.restToFn);
  // The elements are not followed; more arguments than we know of come, so none of them is `undefined`.
  const run = invoke(s, call, callee, given, operation.restToFn === undefined ? 0 : undefined);
  const scopes: Scope[] =
    model && resource && operation.op === "map"
      ? [{ model, operation: name, resource, callee, arguments: [], at: call.at, via: [] }]
      : [];
  let result: Value = values.unknown;
  if (operation.callbackResult === "collected") {
    result = values.fresh(call.site, { type: "array", elements: [run.result] });
  } else if (operation.callbackResult !== "dropped") result = run.result;
  if (operation.await) {
    const inner = s.awaited(run.result, call.site);
    const waits = values.bothWaits(
      wait,
      values.bothWaits(inner.waits, symbolicWaits(s, call, callee, given)),
    );
    result = values.promise(
      operation.callbackResult === "collected" ? array() : inner.value,
      waits,
      operation.throws !== false && (inner.rejects || run.throws),
    );
  }
  return {
    ...run,
    targets: base.targets,
    arguments: call.arguments,
    scopes: [...run.scopes, ...scopes],
    result,
    throws: run.throws && !operation.await,
  };
}

/** `p.then(f, g)`, `p.catch(g)`, `p.finally(h)`. */
function applyChain(s: Semantics, call: Call, base: CallEffect, of: Operation): CallEffect {
  const { values } = s;
  const { operation, resource } = of;
  const source = resource ? s.awaited(resource, call.site) : undefined;
  const first = source?.value ?? values.unknown;
  let waits = source?.waits ?? values.noWaits;
  const sourceRejects = resource?.kind === "promise" ? resource.rejects : true;
  const sure =
    resource !== undefined &&
    (resource.kind === "promise" ? resource.sure : s.typeOf(resource)?.kind === "promise");
  let result = first;
  let effect = base;
  const run = (index: number | undefined, given: readonly Value[]) => {
    const callee = index === undefined ? undefined : call.arguments[index];
    if (callee === undefined || (callee.kind === "constant" && callee.constant.type !== "string"))
      return undefined;
    const done = invoke(s, call, callee, given);
    const inner = s.awaited(done.result, call.site);
    waits = values.bothWaits(waits, values.bothWaits(inner.waits, symbolicWaits(s, call, callee, given)));
    effect = {
      ...effect,
      uses: [...effect.uses, ...done.uses],
      escapes: [...effect.escapes, ...done.escapes],
      scopes: [...effect.scopes, ...done.scopes],
    };
    // A callback that ends the process leaves nobody to see a failure.
    return { value: inner.value, rejects: inner.rejects, throws: done.throws, ends: done.ends };
  };
  const fulfilled = run(operation.fulfilled, [first]);
  const rejected = run(operation.rejected, [values.unknown]);
  const settled = run(operation.settled, []);
  if (fulfilled) result = fulfilled.value;
  else if (rejected) result = values.join(first, rejected.value);
  // A handler of failures is there to handle them, `finally` to clean up: that they may fail themselves is no reason
  // to doubt them.
  const rejects =
    rejected || settled?.ends === false
      ? false
      : sourceRejects || fulfilled?.throws === true || [fulfilled, settled].some((one) => one?.rejects);
  return { ...effect, result: values.promise(result, waits, rejects, sure), throws: false };
}

/** `Promise.all(list)` and its siblings. */
function applyJoin(s: Semantics, call: Call, base: CallEffect, of: Operation): CallEffect {
  const { values } = s;
  const { operation } = of;
  const list = call.arguments[operation.promises ?? 0] ?? values.unknown;
  const every = operation.needs !== "any";
  const fails = operation.throws !== false;
  if (list.kind !== "fresh" || list.made.type !== "array") {
    return { ...base, result: values.promise(values.unknown, values.noWaits, fails), throws: false };
  }
  const elements = list.made.elements.map((element) => s.awaited(element, call.site));
  const waits = every
    ? elements.reduce((all, element) => values.bothWaits(all, element.waits), values.noWaits)
    : values.noWaits;
  const value = every
    ? values.fresh(call.site, { type: "array", elements: elements.map((element) => element.value) })
    : elements.reduce<Value>((joined, element) => values.join(joined, element.value), values.nothing);
  const rejects = fails && (elements.length === 0 || elements.some((element) => element.rejects));
  return { ...base, result: values.promise(value, waits, rejects), throws: false };
}

function invoke(
  s: Semantics,
  call: Call,
  callee: Value,
  given: readonly Value[],
  spreadFrom?: number,
): CallEffect {
  return s.call({
    callee,
    arguments: given,
    ...(spreadFrom === undefined ? {} : { spreadFrom }),
    isNew: false,
    site: call.site,
    at: call.at,
  });
}

/** What a callback waits for once a caller has said which one it is. */
export function callbackWaits(s: Semantics, wait: Extract<Wait, { kind: "call" }>, binding: Binding): Waits {
  const { values } = s;
  const callee = s.substitute(wait.callee, binding);
  const given = wait.arguments.map((argument) => s.substitute(argument, binding));
  if (isSymbolic(callee)) {
    return values.waits([values.callWait({ ...wait, callee, arguments: given })]);
  }
  const site = values.outerSite(values.site(binding.function, [wait.at]), binding.site);
  if (!site || (callee.kind !== "function" && callee.kind !== "union")) return values.noWaits;
  const run = s.call({ callee, arguments: given, isNew: false, site, at: wait.at });
  let { waits } = s.awaited(run.result, site);
  for (const at of [...wait.via].reverse()) {
    const list = waits.list.flatMap((one) => values.viaCall(one, at) ?? []);
    waits = values.waits(list, waits.overflow || list.length < waits.list.length);
  }
  return waits;
}
