import type { BlockId, Constant, FunctionFacts, Range, Temp, VariableId } from "../program/facts.ts";
import type { Place } from "./births.ts";
import { usesIn } from "./flow.ts";

// One path through a function: which names lead to the right to release, and what conditions have said so far.

export interface PathStep {
  readonly at: Range;
  readonly what: "taken" | "skipped" | "throws" | "released" | "ends";
}

export interface State {
  readonly block: BlockId;
  readonly held: boolean;
  readonly foreign: boolean;
  readonly places: ReadonlyMap<string, Place>;
  /** What conditions on this path have said: `v3` is truthy. */
  readonly known: ReadonlyMap<string, Known>;
  readonly from: State | undefined;
  readonly step: PathStep | undefined;
}

export type Known = "truthy" | "falsy" | "nullish" | "present";

/** A path while it grows through a block. */
export class Path {
  held: boolean;
  /** The name of the resource means another one by now. */
  foreign: boolean;
  readonly #origin: State;
  readonly #places: Map<string, Place>;
  readonly #known: Map<string, Known>;

  constructor(state: State) {
    this.#origin = state;
    this.held = state.held;
    this.foreign = state.foreign;
    this.#places = new Map(state.places);
    this.#known = new Map(state.known);
  }

  get known(): ReadonlyMap<string, Known> {
    return this.#known;
  }

  get places(): ReadonlyMap<string, Place> {
    return this.#places;
  }

  set(name: string, place: Place | undefined): void {
    if (place) this.#places.set(name, place);
    else this.#places.delete(name);
  }

  know(key: string, what: Known): void {
    this.#known.set(key, what);
  }

  /** All that is known from here on. */
  relearn(known: ReadonlyMap<string, Known>): void {
    if (known === this.#known) return;
    this.#known.clear();
    for (const [key, what] of known) this.#known.set(key, what);
  }

  clone(): Path {
    const { block, step, from } = this.#origin;
    return new Path({ ...this.state(block, step), from });
  }

  state(block: BlockId, step: PathStep | undefined): State {
    const { held, foreign } = this;
    return { block, held, foreign, places: this.#places, known: this.#known, from: this.#origin, step };
  }

  steps(): PathStep[] {
    const steps: PathStep[] = [];
    for (let at: State | undefined = this.#origin; at; at = at.from) if (at.step) steps.push(at.step);
    return steps.reverse();
  }

  lastThrow(): PathStep | undefined {
    return this.steps().findLast((step) => step.what === "throws");
  }
}

/** Whether what is known under a text depends on a variable. */
export function speaksOf(name: string, key: string): boolean {
  return name === key || name.includes(`${key}.`) || name.includes(`${key} `) || name.includes(`${key})`);
}

export function intersect(
  a: ReadonlyMap<string, Known>,
  b: ReadonlyMap<string, Known>,
): ReadonlyMap<string, Known> {
  return new Map([...a].filter(([key, what]) => b.get(key) === what));
}

export function stateKey(state: State): string {
  const places = [...state.places].map(
    ([name, place]) => `${name}${place.promise ? `?${place.promiseIn ?? ""}` : ""}${place.path.join(".")}`,
  );
  // Temps live within a statement or two; only variables and conditions on them tell paths apart later.
  const known = [...state.known]
    .filter(([name]) => !name.startsWith("%"))
    .map(([name, what]) => `${name}=${what}`);
  return `${state.block} ${state.held} ${state.foreign} ${places.sort().join(",")} ${known.sort().join(",")}`;
}

export function tempPlace(temp: Temp): string {
  return `%${temp}`;
}

export function tempKey(temp: Temp): string {
  return `%${temp}`;
}

export function variablePlace(variable: VariableId): string {
  return `v${variable}`;
}

export function variableKeyText(variable: VariableId): string {
  return `v${variable}`;
}

/** A text for what is tested, the same for every test of the same thing. */
export function testedKey(facts: FunctionFacts, temp: Temp, depth = 0): string {
  const definitions = usesIn(facts).definitions(temp);
  const [definition] = definitions;
  if (!definition || definitions.length > 1 || depth > 5) return tempKey(temp);
  const inner = (of: Temp) => testedKey(facts, of, depth + 1);
  switch (definition.op) {
    case "load":
      return variableKeyText(definition.variable);
    case "this":
      return "this";
    case "global":
      return `global ${definition.name}`;
    case "get":
      return `${inner(definition.object)}.${definition.name}`;
    case "constant":
      return `${definition.constant.type} ${"value" in definition.constant ? String(definition.constant.value) : ""}`;
    case "binary":
      return `(${inner(definition.left)} ${definition.operator} ${inner(definition.right)})`;
    case "unary":
      return `(${definition.operator} ${inner(definition.from)})`;
    default:
      return tempKey(temp);
  }
}

export function constantKnown(constant: Constant): Known {
  switch (constant.type) {
    case "undefined":
    case "null":
      return "nullish";
    default:
      return constant.value ? "truthy" : "falsy";
  }
}

/** Whether a branch is taken, with what is known of the tested value. */
export function decide(on: "truthy" | "nullish", known: Known): boolean | undefined {
  switch (known) {
    case "truthy":
      return on === "truthy";
    case "nullish":
      return on === "nullish";
    case "falsy":
      return on === "truthy" ? false : undefined;
    case "present":
      return on === "nullish" ? false : undefined;
  }
}
