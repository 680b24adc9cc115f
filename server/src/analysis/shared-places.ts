import type { FunctionFacts, Instruction, Temp, VariableId } from "../program/facts.ts";
import { operands } from "../program/instructions.ts";
import type { Evaluation } from "./evaluate.ts";
import { describeTemp, storesReaching, usesIn } from "./flow.ts";
import { fieldOf } from "./members.ts";
import { type ClassKey, type FunctionKey, functionKey, isClassKey, parseKey, variableKey } from "./places.ts";
import type { Semantics } from "./semantics.ts";
import { plain, type Value } from "./values.ts";

// State that more than one call can reach: variables of a module, captured variables, fields of `this`, and the
// entries of collections that are held in one of them. What a function is given, and what it makes, is its own.

export interface SharedPlace {
  /** Equal for all accesses to the place. */
  readonly id: string;
  readonly owner:
    | { readonly kind: "program" }
    | { readonly kind: "instance" }
    | { readonly kind: "activation"; readonly of: FunctionKey };
  /** As written: `this.client`. */
  readonly text: string;
}

/** An entry of a collection, or with no key the place itself. */
export interface SharedAccess {
  readonly place: SharedPlace;
  readonly key?: Temp;
  readonly instruction: Instruction;
}

/** What accesses are read from. */
export interface AccessReader {
  readonly semantics: Semantics;
  readonly evaluation: Evaluation;
}

/** The instruction that a temp's value comes from, through moves and through locals that only one store can have filled. */
export function originOf({ semantics, evaluation }: AccessReader, temp: Temp): Instruction | undefined {
  const uses = usesIn(evaluation.facts);
  const { file, id } = parseKey(evaluation.key);
  const variables = semantics.world.facts(file)?.variables ?? [];
  let at = temp;
  for (let hops = 0; hops < 10; hops += 1) {
    const [definition, second] = uses.definitions(at);
    if (!definition || second) return undefined;
    if (definition.op === "move") at = definition.from;
    else if (definition.op === "load" && variables[definition.variable]?.function === id) {
      const stores = storesReaching(evaluation.facts, definition) ?? [];
      const [stored, other] = new Set(stores.map(({ from }) => from));
      if (stored === undefined || other !== undefined) return definition;
      at = stored;
    } else return definition;
  }
  return undefined;
}

/** What a local is given where it is declared. */
export function initialStore(facts: FunctionFacts, variable: VariableId): Temp | undefined {
  let found: Temp | undefined;
  for (const block of facts.blocks) {
    for (const i of block.code) {
      if (i.op !== "store" || i.variable !== variable || !i.initial) continue;
      // A finally block is there several times.
      if (found !== undefined && found !== i.from) return undefined;
      found = i.from;
    }
  }
  return found;
}

/** The shared place that an instruction reads: `x`, `this.x`. */
export function placeRead(reader: AccessReader, i: Instruction): SharedPlace | undefined {
  if (i.op === "load") return variablePlace(reader, i.variable);
  return i.op === "get" ? fieldPlace(reader, i.object, i.name) : undefined;
}

/** The shared place that an instruction writes. */
export function placeWritten(reader: AccessReader, i: Instruction): SharedPlace | undefined {
  if (i.op === "store") return i.initial ? undefined : variablePlace(reader, i.variable);
  return i.op === "set" ? fieldPlace(reader, i.object, i.name) : undefined;
}

/** The place that holds the object of a temp. */
export function placeOf(reader: AccessReader, temp: Temp): SharedPlace | undefined {
  const origin = originOf(reader, temp);
  return origin && placeRead(reader, origin);
}

/** The shared places that a condition is made of. */
export function placesTested(reader: AccessReader, test: Temp): readonly SharedPlace[] {
  const uses = usesIn(reader.evaluation.facts);
  const found: SharedPlace[] = [];
  const seen = new Set<Temp>();
  const open = [test];
  for (let temp = open.pop(); temp !== undefined; temp = open.pop()) {
    if (seen.has(temp)) continue;
    seen.add(temp);
    for (const i of uses.definitions(temp)) {
      const place = placeRead(reader, i);
      if (place) found.push(place);
      open.push(...operands(i));
    }
  }
  return found;
}

function variablePlace({ semantics, evaluation }: AccessReader, id: VariableId): SharedPlace | undefined {
  const { file, id: own } = parseKey(evaluation.key);
  const fact = semantics.world.facts(file)?.variables[id];
  if (fact?.kind === "import") return importedPlace(semantics, semantics.world.importOf(file, id), fact.name);
  if (!fact || fact.function === own) return undefined;
  if (fact.kind !== "let" && fact.kind !== "var" && fact.kind !== "const") return undefined;
  const declaredIn = functionKey(file, fact.function);
  const kind = semantics.world.function(declaredIn)?.kind;
  const owner =
    kind === "module" || kind === "namespace"
      ? ({ kind: "program" } as const)
      : ({ kind: "activation", of: declaredIn } as const);
  return { id: variableKey(file, id), owner, text: fact.name };
}

/** A variable of another module, which only that one can assign. */
function importedPlace(
  { world }: Semantics,
  target: ReturnType<Semantics["world"]["importOf"]>,
  text: string,
): SharedPlace | undefined {
  if (target?.kind !== "variable") return undefined;
  const key = variableKey(target.file, target.variable);
  const fact = world.variable(key);
  if (fact?.function !== 0 || !/^(?:let|var|const)$/.test(fact.kind)) return undefined;
  return { id: key, owner: { kind: "program" }, text };
}

function fieldPlace(
  { semantics, evaluation }: AccessReader,
  object: Temp,
  name: string,
): SharedPlace | undefined {
  const value = evaluation.values[object];
  const real = value && plain(value);
  const facts = semantics.world.facts(parseKey(evaluation.key).file);
  if (!real || !facts) return undefined;
  const text = `${describeTemp(facts, evaluation.facts, object)}.${name}`;
  if (real.kind === "module") {
    return importedPlace(semantics, semantics.world.exportOf(real.file, name), text);
  }
  if (real.kind === "receiver" && isClassKey(real.of)) {
    const member = semantics.world.member(real.of as ClassKey, name, false)?.member;
    if (member && member.kind !== "field") return undefined;
    return { id: fieldOf(semantics, real.of as ClassKey, name, false), owner: { kind: "instance" }, text };
  }
  if (real.kind === "class") {
    const member = semantics.world.member(real.class, name, true)?.member;
    if (member && member.kind !== "field") return undefined;
    return { id: fieldOf(semantics, real.class, name, true), owner: { kind: "program" }, text };
  }
  // An object that is made once, with what owns it: `const state = { client: undefined }`.
  if (real.kind === "fresh" && real.made.type === "object" && real.site.path.length === 1) {
    const maker = real.site.function;
    const id = `${maker}@${real.site.path[0]?.start}.${name}`;
    if (semantics.world.function(maker)?.kind === "module") return { id, owner: { kind: "program" }, text };
    if (!semantics.world.enclosing(evaluation.key).includes(maker)) return undefined;
    return { id, owner: { kind: "activation", of: maker }, text };
  }
  const field = real.kind === "member" ? objectField(semantics, real) : undefined;
  return field === undefined ? undefined : { id: `${field}.${name}`, owner: { kind: "instance" }, text };
}

/** The field of a class that keeps the one object which its initialiser made: `readonly #state = { … }`. */
function objectField(
  semantics: Semantics,
  { of, name }: Extract<Value, { kind: "member" }>,
): string | undefined {
  const owner = plain(of);
  if (owner.kind !== "receiver" || !isClassKey(owner.of)) return undefined;
  const field = fieldOf(semantics, owner.of as ClassKey, name, false);
  const value = plain(semantics.reader.field(field));
  if (value.kind !== "fresh" || value.made.type !== "object") return undefined;
  return semantics.world.function(value.site.function)?.kind === "fields" ? field : undefined;
}

/** Whether two temps of functions of one file are the same expression over names that do not change. */
export function sameKey(a: AccessReader, left: Temp, b: AccessReader, right: Temp, depth = 0): boolean {
  if (depth > 6) return false;
  if (isSameName(a, left, b, right)) return true;
  const [x, y] = [originOf(a, left), originOf(b, right)];
  if (!x || !y) return false;
  if (x === y) return x.op !== "next";
  const same = (one: Temp, other: Temp) => sameKey(a, one, b, other, depth + 1);
  switch (x.op) {
    case "constant":
      return y.op === "constant" && JSON.stringify(x.constant) === JSON.stringify(y.constant);
    case "parameter":
      return y.op === "parameter" && x.index === y.index && a.evaluation.key === b.evaluation.key;
    case "this":
      return y.op === "this";
    case "global":
      return y.op === "global" && x.name === y.name;
    case "get":
      return y.op === "get" && x.name === y.name && same(x.object, y.object);
    case "template":
      return (
        y.op === "template" &&
        x.parts.length === y.parts.length &&
        x.parts.every((part, index) => same(part, y.parts[index] as Temp))
      );
    default:
      return false;
  }
}

/** Both read one variable that is never assigned again, in whichever function. */
function isSameName(a: AccessReader, left: Temp, b: AccessReader, right: Temp): boolean {
  const [x] = usesIn(a.evaluation.facts).definitions(left);
  const [y] = usesIn(b.evaluation.facts).definitions(right);
  if (x?.op !== "load" || y?.op !== "load" || x.variable !== y.variable) return false;
  const { file } = parseKey(a.evaluation.key);
  if (file !== parseKey(b.evaluation.key).file) return false;
  return a.semantics.world.facts(file)?.variables[x.variable]?.assignments === 0;
}
