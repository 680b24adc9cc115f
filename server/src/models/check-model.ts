import type {
  CreateModel,
  Era,
  HandleModel,
  Model,
  NumberSource,
  OperationModel,
  TypeModel,
} from "@unknot/models/model.ts";
import type { LibraryExports, LibrarySignature, LibraryType } from "../program/library-types.ts";
import { isThereAt } from "./at-versions.ts";

/** A claim of a model that the installed library does not bear out. */
export interface ModelContradiction {
  /** Where in the model: `["types", "Mutex", "members", "acquire", "fn"]`. */
  readonly path: readonly string[];
  /** One sentence. */
  readonly message: string;
}

export interface ModelCheck {
  /** Things that were looked up: types, members, arguments. */
  readonly claims: number;
  readonly contradictions: readonly ModelContradiction[];
  /** Types and optional arguments that this version has not; another version of the range may. */
  readonly absent: readonly string[];
}

/**
 * Compares a model with the declarations that describe it: of one of its modules, or of the globals. `version` is the
 * installed one; what came later is not looked for.
 */
export function checkModel(model: Model, exports: LibraryExports, version?: string): ModelCheck {
  const checker = new Checker(model, exports, version);
  checker.model();
  return { claims: checker.claims, contradictions: checker.contradictions, absent: checker.absent };
}

type Path = readonly string[];

class Checker {
  claims = 0;
  readonly contradictions: ModelContradiction[] = [];
  readonly absent: string[] = [];
  readonly #model: Model;
  readonly #exports: LibraryExports;
  readonly #version: string | undefined;

  constructor(model: Model, exports: LibraryExports, version: string | undefined) {
    this.#model = model;
    this.#exports = exports;
    this.#version = version;
  }

  model(): void {
    const { types = {}, functions = {}, wrappers = {} } = this.#model;
    for (const [name, type] of Object.entries(types)) {
      if (this.#isThere(type)) this.#type(["types", name], name, type);
    }
    for (const [name, operation] of Object.entries(functions)) {
      if (!this.#isThere(operation)) continue;
      const path = ["functions", name];
      const found = this.#value(path, name);
      if (found) this.#operation(path, name, operation, found, undefined);
    }
    for (const [name, wrapper] of Object.entries(wrappers)) {
      const path = ["wrappers", name];
      const found = this.#value(path, name);
      if (found) this.#inRange([...path, "wraps"], name, found.calls, wrapper.wraps);
    }
  }

  #isThere(era: Era): boolean {
    return this.#version === undefined || isThereAt(era, this.#version);
  }

  #claim(holds: boolean, path: Path, message: string): boolean {
    this.claims += 1;
    if (!holds) this.contradictions.push({ path, message });
    return holds;
  }

  #value(path: Path, name: string): LibraryType | undefined {
    const found = this.#exports.value(name.split("."));
    this.#claim(found !== undefined, path, `There is no export '${name}'.`);
    return found?.unknown ? undefined : found;
  }

  #type(path: Path, name: string, type: TypeModel): void {
    const made = (type.create ?? []).flatMap((create, index) => {
      const at = [...path, "create", String(index)];
      return this.#created(at, name, create) ?? [];
    });
    const found = made[0] ?? this.#exports.type(name);
    if (found === undefined) {
      const isMade = (type.create ?? []).length > 0;
      // The members of a type that is not exported are checked where they are inherited.
      const isInherited = Object.values(this.#model.types ?? {}).some((one) => one.extends === name);
      // What only functions name has no name in the library.
      const isNamed = Object.values(this.#model.functions ?? {}).some((one) => one.type === name);
      if (!isMade && !isInherited && !isNamed) this.absent.push(path.join("."));
      return;
    }
    if (found.unknown) return;
    if (type.call) this.#operation([...path, "call"], name, type.call, found, type);
    for (const [member, operation] of Object.entries(this.#members(type, found))) {
      if (this.#isThere(operation))
        this.#member([...path, "members", member], member, operation, found, type);
    }
    for (const [member, operation] of Object.entries(type.statics ?? {})) {
      const at = [...path, "statics", member];
      const owner = this.#exports.value((type.create?.[0]?.new ?? name).split("."));
      const own = owner?.member(member);
      this.#claim(own !== undefined, at, `'${name}' has no static member '${member}'.`);
      if (own && !own.unknown) this.#operation(at, member, operation, own, type);
    }
  }

  /**
   * Its own members, and what it inherits from types that are not exported and so cannot be checked themselves. Of the
   * others it may lack some: the model of an array inherits from the one that cannot be changed.
   */
  #members(type: TypeModel, found: LibraryType): Readonly<Record<string, OperationModel>> {
    const members: Record<string, OperationModel> = { ...type.members };
    const seen = new Set([type]);
    for (let { extends: name } = type; name !== undefined; ) {
      const parent: TypeModel | undefined = this.#model.types?.[name];
      if (parent === undefined || seen.has(parent)) break;
      seen.add(parent);
      const isChecked = (parent.create ?? []).length > 0 || this.#exports.type(name) !== undefined;
      for (const [member, operation] of Object.entries(parent.members)) {
        if (!isChecked || found.member(member) !== undefined) members[member] ??= operation;
      }
      name = parent.extends;
    }
    return members;
  }

  #created(path: Path, name: string, create: CreateModel): LibraryType | undefined {
    const from = create.new ?? create.call ?? create.global;
    if (from === undefined) return undefined;
    const value = this.#value(path, from);
    if (value === undefined) return undefined;
    if (create.global !== undefined) return value;
    const signatures = create.new === undefined ? value.calls : value.constructs;
    const how = create.new === undefined ? "called" : "constructed";
    if (!this.#claim(signatures.length > 0, path, `'${from}' cannot be ${how}.`)) return undefined;
    for (const [field, source] of sourcesOf(create)) {
      this.#inRange([...path, field], from, signatures, source);
    }
    if (create.key !== undefined) this.#inRange([...path, "key"], from, signatures, create.key);
    if (create.type !== undefined) {
      const isKnown = this.#model.types?.[create.type] !== undefined;
      this.#claim(isKnown, [...path, "type"], `There is no type '${create.type}' in this model.`);
    }
    for (const field of ["executor", "worker"] as const) {
      const index = create[field];
      if (index !== undefined) this.#callable([...path, field], from, signatures, index);
    }
    const results = signatures.map((signature) => signature.returns);
    // A result without a name of its own is what the model calls it; versions may differ in what they call it.
    const result =
      results.find((one) => one.name === name) ??
      results.find((one) => one.name === undefined || one.unknown) ??
      results.find((one) => one.name !== undefined && this.#model.types?.[one.name]?.extends === name);
    const names = [...new Set(results.map((one) => one.name))].join(", ");
    this.#claim(result !== undefined, path, `'${from}' makes '${names}', not '${name}'.`);
    return result;
  }

  #member(path: Path, name: string, operation: OperationModel, owner: LibraryType, type: TypeModel): void {
    const found = owner.member(name);
    if (!this.#claim(found !== undefined, path, `There is no member '${name}'.`)) return;
    if (found && !found.unknown) this.#operation(path, name, operation, found, type, owner);
  }

  #operation(
    path: Path,
    name: string,
    operation: OperationModel,
    found: LibraryType,
    type: TypeModel | undefined,
    owner: LibraryType = found,
  ): void {
    const all = found.calls;
    // A getter of a state is no call.
    if (operation.op === "query" && all.length === 0) return;
    if (!this.#claim(all.length > 0, path, `'${name}' cannot be called.`)) return;
    const at = (field: string): Path => [...path, field];
    for (const field of ["fn", "fulfilled", "rejected", "settled"] as const) {
      const index = operation[field];
      if (index !== undefined && operation.op !== "settle") this.#callable(at(field), name, all, index);
    }
    for (const field of ["receiver", "key", "value", "promises", "fnArray"] as const) {
      const index = operation[field];
      if (index !== undefined) this.#inRange(at(field), name, all, index);
    }
    for (const field of ["amount", "timeout", "signal"] as const) {
      const source = operation[field];
      if (typeof source === "object") this.#optional(at(field), takes(all, source.arg));
    }
    const { options } = operation;
    if (options !== undefined) this.#optional(at("options"), takes(all, options));
    for (const source of operation.neverWaits ?? []) {
      this.#optional(at("neverWaits"), takes(all, source.arg));
    }
    if (operation.readWhen) this.#optional(at("readWhen"), takes(all, operation.readWhen.arg));
    const { callback } = operation;
    if (callback !== undefined) {
      const told = all.some(({ parameters }) => parameters.slice(callback).some((one) => one.callable));
      this.#optional(at("callback"), told);
    }
    const { promiseIn } = operation;
    const given = all.map((signature) => signature.returns);
    const results =
      promiseIn === undefined ? given : given.flatMap((result) => result.member(promiseIn) ?? []);
    if (promiseIn !== undefined) {
      this.#claim(results.length > 0, at("promiseIn"), `What '${name}' gives has no '${promiseIn}'.`);
    }
    const awaited = results.flatMap((result) => result.awaited ?? []);
    if (operation.await) {
      const promises = awaited.length > 0 || results.some((result) => result.unknown);
      this.#claim(promises, at("await"), `'${name}' gives no promise.`);
    } else if (operation.handle) {
      this.#claim(awaited.length === 0, at("await"), `'${name}' gives a promise.`);
    }
    if (operation.handle && type) {
      const values = operation.await ? awaited : results;
      this.#handle(at("handle"), name, operation.handle, values, owner);
    }
    if (operation.type !== undefined) {
      const isKnown = this.#model.types?.[operation.type] !== undefined;
      this.#claim(isKnown, at("type"), `There is no type '${operation.type}' in this model.`);
    }
    for (const member of operation.alsoReleasedBy ?? []) {
      if (operation.type !== undefined) {
        const isFunction = this.#model.functions?.[member] !== undefined;
        this.#claim(isFunction, at("alsoReleasedBy"), `There is no function '${member}' in this model.`);
        continue;
      }
      if (!this.#isThere(type?.members[member] ?? {})) continue;
      this.#claim(
        owner.member(member) !== undefined,
        at("alsoReleasedBy"),
        `There is no member '${member}'.`,
      );
    }
  }

  #handle(
    path: Path,
    name: string,
    handle: HandleModel,
    results: readonly LibraryType[],
    owner: LibraryType,
  ): void {
    if (results.some((result) => result.unknown)) return;
    const some = (holds: (result: LibraryType) => boolean, message: string) =>
      this.#claim(results.some(holds), path, message);
    switch (handle.form) {
      case "fn":
        some((result) => result.callable, `What '${name}' gives is no function.`);
        return;
      case "tuple": {
        const index = String(handle.index ?? 0);
        some((result) => result.member(index)?.callable === true, `'${name}' gives no function at ${index}.`);
        return;
      }
      case "object":
        for (const member of handle.release ?? []) {
          some((result) => result.member(member) !== undefined, `What '${name}' gives has no '${member}'.`);
        }
        return;
      case "self":
      case "resource":
        for (const member of handle.release ?? []) {
          this.#claim(
            owner.member(member) !== undefined,
            path,
            `There is no member '${member}' to release by.`,
          );
        }
        return;
      case "callback":
        return;
    }
  }

  #inRange(path: Path, name: string, signatures: readonly LibrarySignature[], index: number): void {
    this.#claim(takes(signatures, index), path, `'${name}' has no argument ${index}.`);
  }

  /** An argument that older versions may not have yet: who does not give it loses nothing. */
  #optional(path: Path, holds: boolean): void {
    this.claims += 1;
    if (!holds) this.absent.push(path.join("."));
  }

  #callable(path: Path, name: string, signatures: readonly LibrarySignature[], index: number): void {
    const fits = signatures.some(({ parameters, rest }) => parameters[index]?.callable ?? rest);
    this.#claim(fits, path, `Argument ${index} of '${name}' is no function.`);
  }
}

function takes(signatures: readonly LibrarySignature[], index: number): boolean {
  return signatures.some(({ parameters, rest }) => rest || index < parameters.length);
}

/** The arguments that a creation takes its facts from. */
function sourcesOf(create: CreateModel): readonly (readonly [field: string, index: number])[] {
  const { capacity, paused } = create;
  const list = Array.isArray(capacity) ? (capacity as readonly NumberSource[]) : [capacity as NumberSource];
  return [
    ...list.flatMap((source) => (typeof source === "object" ? [["capacity", source.arg] as const] : [])),
    ...(paused ? [["paused", paused.arg] as const] : []),
  ];
}
