import type { FunctionId, TypeId, VariableId } from "../facts.ts";

/** The names of one block, function or class body, and where to look for the others. */
export class Scope {
  readonly parent: Scope | undefined;
  /** The function whose variables these are. */
  readonly function: FunctionId;
  readonly #values = new Map<string, VariableId>();
  readonly #types = new Map<string, TypeId>();

  constructor(parent: Scope | undefined, ofFunction: FunctionId) {
    this.parent = parent;
    this.function = ofFunction;
  }

  declareValue(name: string, variable: VariableId): void {
    this.#values.set(name, variable);
  }

  declareType(name: string, type: TypeId): void {
    this.#types.set(name, type);
  }

  /** The variable of this scope alone, for declarations that may merge (`var` twice, overloads). */
  ownValue(name: string): VariableId | undefined {
    return this.#values.get(name);
  }

  ownType(name: string): TypeId | undefined {
    return this.#types.get(name);
  }

  value(name: string): VariableId | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.parent) {
      const found = scope.#values.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** What a name means in a type: an interface or alias, or a class, enum or import. */
  type(name: string): { readonly type: TypeId } | { readonly variable: VariableId } | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.parent) {
      const type = scope.#types.get(name);
      if (type !== undefined) return { type };
      const variable = scope.#values.get(name);
      if (variable !== undefined) return { variable };
    }
    return undefined;
  }
}
