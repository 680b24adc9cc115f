import type { FilePath } from "../program/ids.ts";
import type { SymbolAnswer } from "../program/program.ts";
import type { ModelType } from "./model-index.ts";
import type { ClassKey, FunctionKey, Location, VariableKey } from "./places.ts";
import type { Value, Values, Waits } from "./values.ts";

/** A callback that runs while a lock is held, or in the slot of a queue. */
export interface Scope {
  readonly model: ModelType;
  readonly operation: string;
  readonly resource: Value;
  /** The callback: a function, or a parameter until a caller says more. */
  readonly callee: Value;
  readonly arguments: readonly Value[];
  readonly at: Location;
  /** The calls that lead there, outermost first. */
  readonly via: readonly Location[];
}

/** One operation on a resource, awaited or not. */
export interface Use {
  readonly model: ModelType;
  readonly operation: string;
  readonly resource: Value;
  readonly at: Location;
  readonly via: readonly Location[];
}

/**
 * What a caller has to know of a function, in terms of its parameters, its receiver and what it captures. Grows from
 * nothing to its fixed point.
 */
export interface Summary {
  /** What it returns; of an async function, what the promise gives. */
  readonly returns: Value;
  /** Of an async function: what happens before its promise settles. */
  readonly waits: Waits;
  /** Calling it may throw at once. */
  readonly throws: boolean;
  /** Of an async function: its promise may reject. */
  readonly rejects: boolean;
  /** It can come to its end (no call of `process.exit` on every path). */
  readonly ends: boolean;
  readonly scopes: readonly Scope[];
  readonly uses: readonly Use[];
  /** Parameters and what is reached from them that leaves our sight. */
  readonly escapes: readonly Value[];
}

/** What functions contribute to a variable or field, seen from elsewhere. */
export interface Reader {
  summary(key: FunctionKey): Summary | undefined;
  variable(key: VariableKey): Value;
  field(key: FieldKey): Value;
  /** Nothing is known to be assigned to a field, and by now nothing will be. */
  isUnassigned(key: FieldKey): boolean;
  answer(file: FilePath, node: number): SymbolAnswer | undefined;
}

declare const fieldKeyBrand: unique symbol;
/** A field of a class, static or not, or a property of what is made at a site. */
export type FieldKey = string & { readonly [fieldKeyBrand]: never };

export function classField(of: ClassKey, name: string, isStatic: boolean): FieldKey {
  return `${of}${isStatic ? "::" : "."}${name}` as FieldKey;
}

export function siteField(site: number, name: string): FieldKey {
  return `site ${site}.${name}` as FieldKey;
}

/** Two summaries are equal when their texts are: values and waits are interned. */
export function summaryText(summary: Summary): string {
  const path = (via: readonly Location[]) => via.map((at) => `${at.file}:${at.start}`).join(">");
  return [
    summary.returns.id,
    summary.waits.id,
    summary.throws,
    summary.rejects,
    summary.ends,
    ...summary.scopes.map(
      (scope) =>
        `s${scope.resource.id}/${scope.callee.id}/${scope.arguments.map((value) => value.id).join(",")}/${path([scope.at])}/${path(scope.via)}`,
    ),
    ...summary.uses.map((use) => `u${use.resource.id}/${use.operation}/${path([use.at])}/${path(use.via)}`),
    ...summary.escapes.map((value) => `e${value.id}`),
  ].join(" ");
}

/** A summary that says no more and no less than both; evaluation only ever adds. */
export function joinSummaries(values: Values, a: Summary, b: Summary): Summary {
  return {
    returns: values.join(a.returns, b.returns),
    waits: values.bothWaits(a.waits, b.waits),
    throws: a.throws || b.throws,
    rejects: a.rejects || b.rejects,
    ends: a.ends || b.ends,
    scopes: b.scopes,
    uses: b.uses,
    escapes: b.escapes,
  };
}
