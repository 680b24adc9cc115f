import type {
  CreateModel,
  Model,
  ModelKind,
  OperationModel,
  OperationName,
  TypeModel,
  WrapperModel,
} from "@unknot/models/model.ts";
import type { SymbolAnswer } from "../program/program.ts";

/** A type of a library, with the members it inherits. */
export interface ModelType {
  /** `async-mutex:Mutex`. */
  readonly key: string;
  readonly module: string;
  readonly name: string;
  readonly kind: ModelKind;
  readonly reentrant: boolean;
  readonly keyed: boolean;
  /** It emits `error` by itself, and the error is uncaught where nobody listens. */
  readonly emitsErrors: boolean;
  readonly call?: OperationModel;
  readonly members: ReadonlyMap<string, OperationModel>;
  readonly statics: ReadonlyMap<string, OperationModel>;
  /** It has a name outside of the program: another object may be the same. */
  readonly remote: boolean;
  /** A hold that is not given back ends by itself after a time. */
  readonly expires: boolean;
  /** Waiting ends by itself, in a rejection: after a time, or at once when the resource is taken. */
  readonly givesUp?: true;
}

const givingUp = new WeakMap<ModelType, ModelType>();

/** The same type, of a resource on which nobody waits for ever. */
export function thatGivesUp(type: ModelType): ModelType {
  const known = givingUp.get(type);
  if (known) return known;
  const made: ModelType = { ...type, key: `${type.key} that gives up`, givesUp: true };
  givingUp.set(type, made);
  return made;
}

const reentering = new WeakMap<ModelType, ModelType>();

/** The same type, of a resource that was made so that its holder may acquire again. */
export function thatLetsInAgain(type: ModelType): ModelType {
  const known = reentering.get(type);
  if (known) return known;
  const made: ModelType = { ...type, key: `${type.key} that lets in again`, reentrant: true };
  reentering.set(type, made);
  return made;
}

/** What an exported or global name means. */
export type ModelEntry =
  | { readonly kind: "constructor"; readonly type: ModelType; readonly create: CreateModel }
  | { readonly kind: "factory"; readonly type: ModelType; readonly create: CreateModel }
  | {
      readonly kind: "function";
      readonly name: string;
      readonly operation: OperationModel;
      /** The type whose resource the key names. */
      readonly type?: ModelType;
    }
  | {
      readonly kind: "static";
      readonly type: ModelType;
      readonly name: string;
      readonly operation: OperationModel;
    }
  | { readonly kind: "wrapper"; readonly wrapper: WrapperModel }
  | { readonly kind: "instance"; readonly type: ModelType; readonly create: CreateModel };

/** Finds what models say about names, members and TypeScript's answers. Never by the name of a member alone. */
export interface ModelIndex {
  /** What a package exports under a path of names. */
  exported(module: string, path: readonly string[]): ModelEntry | undefined;
  /** What a global variable means. */
  global(path: readonly string[]): ModelEntry | undefined;
  /** A type by the module that exports it, for annotations: `Mutex`, `default`. */
  exportedType(module: string, path: readonly string[]): ModelType | undefined;
  globalType(name: string): ModelType | undefined;
  /** The type whose member TypeScript found. */
  memberOwner(answer: SymbolAnswer): ModelType | undefined;
  /** Whether some model of a module that the program imports, or of the language, has a member of this name. */
  mayBeMember(name: string, imported: ReadonlySet<string>): boolean;
  /** Members that take something or give it back, of the language and of the modules among `imported`. */
  holdingMembers(imported: ReadonlySet<string>): ReadonlySet<string>;
  /** Something of the module takes without any member: `limit(task)`, `pMap(list, f)`, `fastq(worker)`. */
  holdsByCall(module: string): boolean;
  /** Whether the module has a type of such a kind. */
  hasKind(module: string, isOne: (kind: ModelKind) => boolean): boolean;
  /** The global variables by which types of such a kind are made. */
  globalsOf(isOne: (kind: ModelKind) => boolean): ReadonlySet<string>;
  /** Modules that some model describes. */
  readonly modules: ReadonlySet<string>;
}

/** It takes something, gives it back, or runs a callback meanwhile. */
export function isHolding({ op, handle, fn, fnArray }: OperationModel): boolean {
  switch (op) {
    case "acquire":
    case "tryAcquire":
    case "release":
    case "scoped":
    case "submit":
    case "map":
      return true;
    default:
      // `pool.query(text)` has given its client back by the time anybody could do something else with it.
      return handle !== undefined || (op === "use" && (fn ?? fnArray) !== undefined);
  }
}

export function indexModels(models: readonly Model[]): ModelIndex {
  const exported = new Map<string, ModelEntry>();
  const types = new Map<string, ModelType>();
  const declared = new Map<string, ModelType>();
  const memberNames = new Map<string, Set<string>>();
  const holding = new Map<string, Set<string>>();
  const holdingByCall = new Set<string>();
  const kinds = new Map<string, Set<ModelKind>>();
  const modules = new Set<string>();

  for (const model of models) {
    const scopes = [...model.modules, ...(model.global ? [""] : [])];
    for (const module of model.modules) modules.add(module);
    for (const module of scopes) {
      const put = (name: string, entry: ModelEntry) => exported.set(`${module} ${name}`, entry);
      for (const [name, type] of Object.entries(model.types ?? {})) {
        const made = modelType(model, module, name, type);
        types.set(`${module} ${name}`, made);
        kinds.set(module, (kinds.get(module) ?? new Set()).add(made.kind));
        declared.set(`${module} ${name}`, made);
        for (const create of type.create ?? []) {
          if (create.new !== undefined) {
            put(create.new, { kind: "constructor", type: made, create });
            types.set(`${module} ${create.new}`, made);
          }
          if (create.call !== undefined) put(create.call, { kind: "factory", type: made, create });
          if (create.global !== undefined) put(create.global, { kind: "instance", type: made, create });
        }
        for (const [member, operation] of made.statics) {
          for (const owner of constructorNames(name, type)) {
            put(`${owner}.${member}`, { kind: "static", type: made, name: member, operation });
          }
        }
        const isUsedByCall =
          (made.call && isHolding(made.call)) || type.create?.some(({ worker }) => worker !== undefined);
        if (isUsedByCall) holdingByCall.add(module);
        const taking = [...made.members, ...made.statics].filter(([, operation]) => isHolding(operation));
        if (taking.length > 0) {
          holding.set(module, new Set([...(holding.get(module) ?? []), ...taking.map(([name]) => name)]));
        }
        for (const [member, { op }] of made.members) {
          // To code that takes a callback anything may happen: knowing that it is a listener is not worth a question.
          if (op === "spawn") continue;
          const places = memberNames.get(member) ?? new Set();
          places.add(module);
          memberNames.set(member, places);
        }
      }
      for (const [name, operation] of Object.entries(model.functions ?? {})) {
        const type = operation.type === undefined ? undefined : types.get(`${module} ${operation.type}`);
        put(name, { kind: "function", name, operation, ...(type ? { type } : {}) });
        if (isHolding(operation)) holdingByCall.add(module);
      }
      for (const [name, wrapper] of Object.entries(model.wrappers ?? {}))
        put(name, { kind: "wrapper", wrapper });
    }
  }

  return {
    exported(module, path) {
      // `const limit = require("p-limit")` and `import limit from` mean the same export.
      const name = path.length === 0 ? "default" : path.join(".");
      return exported.get(`${module} ${name}`) ?? exported.get(`${module} ${name.replace(/^default\./, "")}`);
    },
    global: (path) => exported.get(` ${path.join(".").replace(/^(?:globalThis|window|self)\./, "")}`),
    exportedType: (module, path) => types.get(`${module} ${path.length === 0 ? "default" : path.join(".")}`),
    globalType: (name) => types.get(` ${name}`),
    memberOwner(answer) {
      if (answer.kind !== "declared" || answer.container === undefined) return undefined;
      // A file of the program is a module by its path.
      const owner = answer.library ? "" : (answer.module ?? answer.package ?? answer.file);
      return owner === undefined ? undefined : declared.get(`${owner} ${answer.container}`);
    },
    mayBeMember(name, imported) {
      const places = memberNames.get(name);
      return (
        places !== undefined && [...places].some((module) => imported.has(module) || isProgramFile(module))
      );
    },
    holdingMembers: (imported) =>
      new Set(
        [...holding].flatMap(([module, names]) =>
          module === "" || imported.has(module) || isProgramFile(module) ? [...names] : [],
        ),
      ),
    holdsByCall: (module) => holdingByCall.has(module),
    hasKind: (module, isOne) => [...(kinds.get(module) ?? [])].some(isOne),
    globalsOf: (isOne) =>
      new Set(
        [...exported].flatMap(([name, entry]) =>
          name.startsWith(" ") && "type" in entry && entry.type && isOne(entry.type.kind)
            ? [name.slice(1)]
            : [],
        ),
      ),
    modules,
  };
}

/** Models of the program's own files name them by absolute path. */
function isProgramFile(module: string): boolean {
  return /^(?:\/|[A-Za-z]:\/)/.test(module);
}

function constructorNames(name: string, type: TypeModel): readonly string[] {
  const names = (type.create ?? []).flatMap((create) => (create.new === undefined ? [] : [create.new]));
  return [...new Set([name, ...names])];
}

function modelType(model: Model, module: string, name: string, type: TypeModel): ModelType {
  const members = new Map<string, OperationModel>();
  const statics = new Map<string, OperationModel>();
  let call: OperationModel | undefined;
  let reentrant = false;
  let keyed = false;
  let remote = false;
  let givesUp = false;
  let expires = false;
  // From the type up to its ancestors; the nearest member counts.
  const seen = new Set<string>();
  let at: TypeModel | undefined = type;
  for (let from: string | undefined = name; at && from !== undefined && !seen.has(from); ) {
    seen.add(from);
    for (const [member, operation] of Object.entries(at.members)) {
      if (members.has(member)) continue;
      members.set(member, operation);
      if (operation.readWhen) members.set(asReader(member), { ...operation, mode: "read" });
    }
    for (const [member, operation] of Object.entries(at.statics ?? {})) {
      if (!statics.has(member)) statics.set(member, operation);
    }
    call ??= at.call;
    reentrant ||= at.reentrant ?? false;
    keyed ||= at.keyed ?? false;
    remote ||= at.remote ?? false;
    givesUp ||= at.givesUp ?? false;
    expires ||= at.expires ?? false;
    from = at.extends;
    at = from === undefined ? undefined : model.types?.[from];
  }
  for (const [member, operation] of Object.entries(model.functions ?? {})) {
    if (operation.type === name) members.set(member, operation);
  }
  return {
    key: `${module}:${name}`,
    module,
    name,
    kind: type.kind,
    reentrant,
    keyed,
    emitsErrors: type.emitsErrors ?? false,
    remote,
    expires,
    ...(givesUp ? { givesUp } : {}),
    ...(call ? { call } : {}),
    members,
    statics,
  };
}

/** What a member is called where an option makes it a reader. */
export function asReader(member: string): string {
  return `${member} (read)`;
}

/** The operation that a wait or handle names. */
export function operationOf(type: ModelType, name: string): OperationModel | undefined {
  return name === "()" ? type.call : (type.members.get(name) ?? type.statics.get(name));
}

/** What an operation does; undefined for one that is not modelled. */
export function opOf(use: {
  readonly model: ModelType;
  readonly operation: string;
}): OperationName | undefined {
  return operationOf(use.model, use.operation)?.op;
}

/** What one holder, or a few, may have at a time. */
export function isLock({ kind }: ModelType): boolean {
  return kind === "mutex" || kind === "semaphore" || kind === "rwlock";
}
