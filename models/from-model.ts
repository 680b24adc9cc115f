// Instrumentations that follow from a model: what a member does is data, how a call is watched is written here once.
import type { ResourceKind } from "@unknot/protocol/resource.ts";
import type { Model, NumberSource, OperationModel, TypeModel } from "./model.ts";
import {
  type Bindings,
  type Callback,
  type Instrumentation,
  type Operation,
  type OperationOptions,
  ownValue,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
  wrapFunction,
} from "./probe.ts";
import {
  isObject,
  type Outermost,
  outside,
  prototypeOf,
  refuseDuring,
  replaceExport,
  whileRunning,
} from "./wrappers.ts";

/** What a model does not tell of a type: where its objects keep what a dump shows, and what its members are inside. */
interface TypeParts {
  /** As a dump shows it; `library.Type` if not given. */
  readonly name?: string;
  /** Holders at once, or items buffered; what is no positive number is unknown. */
  readonly capacity?: (object: object) => unknown;
  /** Items buffered, or jobs that wait. */
  readonly length?: (object: object) => unknown;
  /** True when a receive would get what is there, by a promise that was settled long ago: nothing tells its end. */
  readonly isReady?: (object: object) => boolean;
  /** Internal methods that give back, where the model names only what hands out the right to. */
  readonly releases?: readonly string[];
  /** The library makes a promise besides the one it gives back, and settles it when the hold is given back. */
  readonly heldUntilMade?: boolean;
  /** The library gives back by a call that is seen, not by itself when the callback of a scoped member has ended. */
  readonly releasesAfterCallback?: boolean;
  /** Members that nothing follows for: `others` wraps them, or nobody has to wait in them. */
  readonly except?: readonly string[];
}

/** What one patched file of a library shares with the parts written by hand. */
export interface Patching {
  readonly bindings: Bindings;
  readonly probe: Probe;
  /** Busy while a member runs that was called from outside; one for the whole library. */
  readonly outermost: Outermost;
}

export interface Parts {
  /** By the type's name in the model. */
  readonly types?: Readonly<Record<string, TypeParts>>;
  /** More exports of interest. */
  readonly exports?: readonly string[];
  /** What is wrapped by hand. */
  readonly others?: (patching: Patching) => readonly Undo[];
}

/** The instrumentation of a library whose classes and factories work as its model says. `json` is a `model.json`. */
export function fromModel(library: string, json: object, parts: Parts = {}): Instrumentation {
  // Checked against the format by a test.
  const model = json as Model;
  const types = Object.entries(model.types ?? {}).map(([name, type]) =>
    describeType(library, model, name, type, parts.types?.[name] ?? {}),
  );
  const outermost: Outermost = { busy: false };
  const names = types.flatMap(({ creates }) => creates.map(({ exported }) => exported));
  return {
    library,
    exports: [...new Set([...names, ...(parts.exports ?? [])])],
    patch(bindings, probe) {
      const undos: Undo[] = [];
      const patching: Patching = { bindings, probe, outermost };
      for (const type of types) undos.push(...patchType(type, patching));
      undos.push(...(parts.others?.(patching) ?? []));
      return undoAll(undos);
    },
  };
}

interface Described {
  readonly resource: ResourceType;
  readonly creates: readonly Created[];
  readonly members: ReadonlyMap<string, OperationModel>;
  /** The members that a prototype has to have for itself: those of a base class are wrapped there. */
  readonly own: ReadonlySet<string>;
  readonly parts: TypeParts;
  /** Waiters can be refused. */
  readonly refuses: boolean;
}

interface Created {
  readonly exported: string;
  readonly byCall: boolean;
  /** Of a factory: where it is told how much there is room for. */
  readonly capacities: readonly NumberSource[];
}

const kinds: Readonly<Partial<Record<TypeModel["kind"], ResourceKind>>> = {
  mutex: "mutex",
  rwlock: "rwlock",
  semaphore: "semaphore",
  channel: "channel",
  queue: "queue",
  pool: "pool",
  waitgroup: "waitgroup",
  event: "event",
  stream: "stream",
};

function describeType(
  library: string,
  model: Model,
  name: string,
  type: TypeModel,
  parts: TypeParts,
): Described {
  const members = new Map<string, OperationModel>();
  for (let at: TypeModel | undefined = type; at !== undefined; at = model.types?.[at.extends ?? ""]) {
    for (const [member, operation] of Object.entries(at.members))
      if (!members.has(member)) members.set(member, operation);
  }
  const creates = (type.create ?? []).flatMap(({ new: made, call, capacity = [] }) => {
    const exported = made ?? call;
    const capacities = (Array.isArray(capacity) ? capacity : [capacity]) as readonly NumberSource[];
    return exported === undefined ? [] : [{ exported, byCall: call !== undefined, capacities }];
  });
  const constant = (type.create ?? [])
    .map(({ capacity }) => capacity)
    .find((each) => typeof each === "number");
  const { capacity } = parts;
  return {
    resource: {
      kind: kinds[type.kind] ?? "event",
      name: parts.name ?? `${library}.${name}`,
      ...(capacity === undefined && constant === undefined
        ? {}
        : { capacity: (object) => (capacity === undefined ? constant : natural(capacity(object))) }),
    },
    creates,
    members,
    own: new Set(Object.keys(type.members)),
    parts,
    refuses: [...members.values()].some(({ op }) => op === "cancelWaiters" || op === "shutdown"),
  };
}

function patchType(type: Described, patching: Patching): readonly Undo[] {
  const { bindings, probe } = patching;
  const undos: Undo[] = [];
  const seen = new Set<object>();
  for (const created of type.creates) {
    const value = bindings.get(created.exported);
    if (!created.byCall) {
      const prototype = prototypeOf(value);
      // Another file of the package may give something else under the name `default`.
      const isIt =
        prototype !== undefined &&
        !seen.has(prototype) &&
        (type.own.size === 0 || [...type.own].some((name) => Object.hasOwn(prototype, keyOf(name))));
      if (!isIt) continue;
      seen.add(prototype);
      probe.describe(prototype, type.resource);
      undos.push(...patchMembers(prototype, type, patching));
    } else if (typeof value === "function" && !isClass(value)) {
      undos.push(patchFactory(created, type, patching));
    }
  }
  return undos;
}

/** What a factory gives is new, so its members can be wrapped before anybody has seen them. */
function patchFactory({ exported, capacities }: Created, type: Described, patching: Patching): Undo {
  const { bindings, probe } = patching;
  return replaceExport(bindings, exported, (original) =>
    wrapFunction(probe, original, (_, args) => ({
      returned(result) {
        // A class of the library may stand behind it, and is described already.
        if (isObject(result) && [...type.members.keys()].some((name) => Object.hasOwn(result, keyOf(name)))) {
          probe.introduce(result, type.resource);
          const capacity = capacities.map((each) => numberOf(each, args)).find((each) => each !== undefined);
          if (capacity !== undefined) probe.changed(result, { capacity });
          patchMembers(result, type, patching);
        }
      },
    })),
  );
}

function patchMembers(target: object, type: Described, patching: Patching): readonly Undo[] {
  const undos: Undo[] = [];
  for (const [name, operation] of type.members) {
    if (type.parts.except?.includes(name) === true) continue;
    const undo = patchMember(target, keyOf(name), operation, type, patching);
    if (undo !== undefined) undos.push(undo);
  }
  for (const name of type.parts.releases ?? []) undos.push(watchRelease(target, name, type, patching));
  return undos;
}

function keyOf(member: string): string | symbol {
  return member === "[Symbol.asyncIterator]" ? Symbol.asyncIterator : member;
}

function patchMember(
  target: object,
  key: string | symbol,
  model: OperationModel,
  type: Described,
  patching: Patching,
): Undo | undefined {
  const { probe, outermost } = patching;
  switch (model.op) {
    case "acquire":
      return model.await === true ? watchWait(target, key, "acquire", model, type, patching) : undefined;
    case "tryAcquire":
      return whileBusy(probe, target, key, outermost, (self) => (result) => {
        if (result !== undefined && result !== false && result !== null)
          probe.granted(probe.begin(self, "acquire"));
      });
    case "release":
    case "done":
      return type.resource.kind === "waitgroup"
        ? watchState(target, key, type, patching)
        : watchRelease(target, key, type, patching);
    case "scoped":
      return watchScoped(target, key, model, type, patching);
    case "submit":
      return watchSubmit(target, key, model, type, patching);
    case "send":
      return watchWait(target, key, "send", model, type, patching);
    case "recv":
      return watchWait(target, key, "receive", model, type, patching);
    case "waitIdle":
    case "wait":
      return watchWait(target, key, "waitIdle", model, type, patching);
    case "waitEvent":
      return model.await === true ? watchWait(target, key, "waitEvent", model, type, patching) : undefined;
    case "trySend":
    case "tryRecv":
    case "add":
      return watchState(target, key, type, patching);
    case "close":
      return whileBusy(probe, target, key, outermost, (self) => () => {
        probe.changed(self, { closed: true });
        noteState(self, type, probe);
      });
    case "clear":
    case "stop":
      return wrap(probe, target, key, (self) => ({
        returned() {
          probe.dropped(self);
          noteState(self, type, probe);
        },
      }));
    case "cancelWaiters":
      return refuseDuring(probe, target, key);
    default:
      return undefined;
  }
}

/** A member whose promise is all that it waits for. */
function watchWait(
  target: object,
  key: string | symbol,
  verb: "acquire" | "send" | "receive" | "waitIdle" | "waitEvent",
  model: OperationModel,
  type: Described,
  { probe, outermost }: Patching,
): Undo {
  return wrap(probe, target, key, (self, args) => {
    if (outermost.busy || calledBack(model, args)) return undefined;
    if (verb === "receive" && type.parts.isReady?.(self) === true)
      return { returned: () => noteState(self, type, probe) };
    const operation = probe.begin(self, verb, optionsOf(model, args, type));
    return whileRunning(probe, operation, outermost, () => {
      noteState(self, type, probe);
      if (verb === "acquire" && type.parts.heldUntilMade === true) probe.heldUntilMade(operation);
    });
  });
}

function watchScoped(
  target: object,
  key: string | symbol,
  model: OperationModel,
  type: Described,
  { probe, outermost }: Patching,
): Undo {
  return wrap(probe, target, key, (self, args) => {
    const at = callbackIndex(model, args);
    const callback = at === undefined ? undefined : args[at];
    if (outermost.busy || typeof callback !== "function") return undefined;
    const operation = probe.begin(self, "scoped", optionsOf(model, args, type));
    return {
      args: args.map((each, index) =>
        index === at
          ? jobOf(probe, operation, callback as Callback, outermost, {
              endsWithCallback: type.parts.releasesAfterCallback !== true,
            })
          : each,
      ),
      ...whileRunning(probe, operation, outermost),
    };
  });
}

function watchSubmit(
  target: object,
  key: string | symbol,
  model: OperationModel,
  type: Described,
  { probe, outermost }: Patching,
): Undo {
  return wrap(probe, target, key, (self, args) => {
    if (model.fnArray !== undefined && !outermost.busy) return collectSubmitted(probe);
    const at = callbackIndex(model, args);
    const callback = at === undefined ? undefined : args[at];
    if (outermost.busy || typeof callback !== "function") return undefined;
    noteCapacity(self, type, probe);
    const operation = probe.begin(self, "submit", optionsOf(model, args, type));
    submitted?.push(operation);
    const job = jobOf(probe, operation, callback as Callback, outermost, { endsWithCallback: true });
    return {
      args: args.map((each, index) => (index === at ? job : each)),
      ...whileRunning(probe, operation, outermost),
    };
  });
}

/** What was submitted during the call of a member that takes a list of jobs, each by the member that takes one. */
let submitted: Operation[] | undefined;

function collectSubmitted(probe: Probe) {
  const outer = submitted;
  const mine: Operation[] = [];
  submitted = mine;
  return {
    returned(promise: unknown) {
      submitted = outer;
      probe.joined(promise, mine);
    },
    threw() {
      submitted = outer;
    },
  };
}

/** The callback to hand to the library; what it calls itself is called from outside. */
function jobOf(
  probe: Probe,
  operation: Operation,
  callback: Callback,
  outermost: Outermost,
  options: { readonly endsWithCallback: boolean },
): Callback {
  return outside(probe, outermost, probe.callback(operation, callback, options), callback);
}

function watchRelease(
  target: object,
  key: string | symbol,
  type: Described,
  { probe, outermost }: Patching,
): Undo {
  return wrap(probe, target, key, (self) => {
    if (outermost.busy) return undefined;
    outermost.busy = true;
    probe.releasedBySomebody(self);
    const done = () => {
      outermost.busy = false;
      noteState(self, type, probe);
    };
    return { returned: done, threw: done };
  });
}

function watchState(
  target: object,
  key: string | symbol,
  type: Described,
  { probe, outermost }: Patching,
): Undo {
  return whileBusy(probe, target, key, outermost, (self) => () => noteState(self, type, probe));
}

/** What the member calls is part of it; `watch` gives what happens when it returns. */
function whileBusy(
  probe: Probe,
  target: object,
  key: string | symbol,
  outermost: Outermost,
  watch: (self: object) => (result: unknown) => void,
): Undo {
  return wrap(probe, target, key, (self) => {
    if (outermost.busy) return undefined;
    outermost.busy = true;
    const returned = watch(self);
    return {
      returned(result) {
        outermost.busy = false;
        returned(result);
      },
      threw() {
        outermost.busy = false;
      },
    };
  });
}

function noteState(self: object, type: Described, probe: Probe): void {
  const { length } = type.parts;
  if (length === undefined) return;
  const now = length(self);
  if (typeof now === "number") probe.changed(self, { length: now });
}

/** The capacity of a queue may be changed while it is used. */
function noteCapacity(self: object, type: Described, probe: Probe): void {
  const { capacity } = type.resource;
  const now = capacity?.(self);
  if (now !== undefined) probe.changed(self, { capacity: now });
}

function optionsOf(model: OperationModel, args: readonly unknown[], type: Described): OperationOptions {
  const cancellable = [model.timeout, model.signal].some((source) => {
    const value = source === undefined ? undefined : argumentOf(source, args);
    return value !== undefined && value !== null && value !== Number.POSITIVE_INFINITY;
  });
  const amount = model.amount === undefined ? undefined : numberOf(model.amount, args);
  const { readWhen } = model;
  const shared =
    model.mode === "read" || (readWhen !== undefined && argumentOf(readWhen, args) === readWhen.is);
  return {
    ...(amount === undefined ? {} : { amount }),
    ...(cancellable ? { cancellable } : {}),
    ...(cancellable || type.refuses ? { refusable: true } : {}),
    ...(shared ? { shared } : {}),
  };
}

function callbackIndex({ fn, options }: OperationModel, args: readonly unknown[]): number | undefined {
  if (fn === undefined || options === undefined || fn < options) return fn;
  return typeof args[fn] === "function" ? fn : fn + 1;
}

/** With a callback of its own the call gives no promise. */
function calledBack({ callback }: OperationModel, args: readonly unknown[]): boolean {
  return callback !== undefined && args.slice(callback).some((each) => typeof each === "function");
}

function argumentOf({ arg, prop }: { arg: number; prop?: string }, args: readonly unknown[]): unknown {
  return prop === undefined
    ? args[arg]
    : prop.split(".").reduce((value: unknown, name) => ownValue(value, name), args[arg]);
}

function numberOf(source: NumberSource, args: readonly unknown[]): number | undefined {
  if (typeof source === "number") return source;
  if (source === "Infinity") return undefined;
  return natural(argumentOf(source, args) ?? source.default);
}

function natural(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function isClass(value: object): boolean {
  return Object.getOwnPropertyDescriptor(value, "prototype")?.writable === false;
}
