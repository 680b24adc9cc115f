import type { CreateModel, OperationModel } from "@unknot/models/model.ts";
import type { ModelType } from "./model-index.ts";
import type { FunctionKey, Location } from "./places.ts";
import type { Answered, Reader, Scope, Summary, Use } from "./summary.ts";
import type { Binding, Site, Value, Values, Wait, Waits } from "./values.ts";
import type { TypeInfo, World } from "./world.ts";

/** What a call turned out to be. */
export type Target =
  | {
      readonly kind: "function";
      readonly function: FunctionKey;
      readonly binding: Binding;
      readonly summary: Summary;
    }
  | {
      readonly kind: "operation";
      /** Absent for free functions that have no resource. */
      readonly model?: ModelType;
      readonly name: string;
      readonly operation: OperationModel;
      readonly resource?: Value;
    }
  | {
      readonly kind: "create";
      /** Of what a model describes. */
      readonly create?: CreateModel;
    }
  /** A parameter or something else that only a caller knows. */
  | { readonly kind: "symbolic"; readonly callee: Value }
  | { readonly kind: "unknown" };

/** A point where a function waits. */
export interface AwaitEffect {
  readonly waits: Waits;
  readonly rejects: boolean;
}

/** A call with everything that follows from its targets. */
export interface CallEffect {
  readonly targets: readonly Target[];
  readonly arguments: readonly Value[];
  readonly receiver?: Value;
  readonly result: Value;
  readonly throws: boolean;
  /** It comes back. */
  readonly ends: boolean;
  readonly scopes: readonly Scope[];
  readonly uses: readonly Use[];
  /** Arguments whose further way is not known. */
  readonly escapes: readonly Value[];
}

export interface Call {
  readonly callee: Value;
  readonly receiver?: Value;
  readonly arguments: readonly Value[];
  readonly spreadFrom?: number;
  readonly isNew: boolean;
  readonly site: Site;
  readonly at: Location;
}

/** The parts of the meaning of values, which need one another. */
export interface Semantics {
  readonly world: World;
  readonly values: Values;
  readonly reader: Reader;
  member(of: Value, name: string, answer?: Answered): Value;
  typeOf(value: Value): TypeInfo | undefined;
  call(call: Call): CallEffect;
  /** What awaiting a value gives, and what has to happen first. */
  awaited(
    value: Value,
    site: Site,
  ): { readonly value: Value; readonly waits: Waits; readonly rejects: boolean };
  substitute(value: Value, binding: Binding): Value;
  substituteWaits(waits: Waits, binding: Binding, call: Location | undefined): Waits;
  /** The waits of a callback that by now may be known. */
  callWaits(wait: Extract<Wait, { kind: "call" }>, binding: Binding): Waits;
}
