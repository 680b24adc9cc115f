import type { FileFacts, FunctionFacts, FunctionId, Instruction } from "../program/facts.ts";
import { isSame } from "../program/ranges.ts";
import type { ProgramView } from "./analyzer.ts";
import { describeTemp } from "./flow.ts";
import { type FunctionKey, functionKey, type Location, parseKey } from "./places.ts";
import { plain, type Value } from "./values.ts";

// What things are called in messages: the code's own names.

/** A call or loop, and the function that it stands in. */
interface CodeAt {
  readonly facts: FileFacts;
  readonly one: FunctionFacts;
  readonly id: FunctionId;
  readonly i: Instruction;
}

/** The call or loop that stands exactly there. */
function codeAt(view: Pick<ProgramView, "world">, at: Location): CodeAt | undefined {
  const facts = view.world.facts(at.file);
  if (!facts) return undefined;
  return callsByStart(facts)
    .get(at.start)
    ?.find(({ one, i }) => isSame(i, at) && one.end >= at.start && one.start <= at.end);
}

export type CallAt = CodeAt & { readonly i: Extract<Instruction, { readonly op: "call" }> };

/** The call that stands exactly there. */
export function callAt(view: Pick<ProgramView, "world">, at: Location): CallAt | undefined {
  const found = codeAt(view, at);
  return found?.i.op === "call" ? { ...found, i: found.i } : undefined;
}

const startsOf = new WeakMap<FileFacts, ReadonlyMap<number, readonly CodeAt[]>>();

/** The calls and loops of a file by where they start: a long file is asked about thousands of them. */
function callsByStart(facts: FileFacts): ReadonlyMap<number, readonly CodeAt[]> {
  const known = startsOf.get(facts);
  if (known) return known;
  const made = new Map<number, CodeAt[]>();
  for (const [id, one] of facts.functions.entries()) {
    for (const i of one.blocks.flatMap((block) => block.code)) {
      if (i.op !== "call" && i.op !== "next") continue;
      const code = { facts, one, id: id as FunctionId, i };
      const others = made.get(i.start);
      if (others) others.push(code);
      else made.set(i.start, [code]);
    }
  }
  startsOf.set(facts, made);
  return made;
}

/** The resource of an operation, as written where it is used; by its variable when a function hides it. */
export function resourceName(view: ProgramView, resource: Value, at: Location): string {
  const found = codeAt(view, at);
  switch (found?.i.op) {
    case "call": {
      const evaluation = view.solution.evaluation(functionKey(at.file, found.id));
      const { receiver } = found.i;
      const direct = evaluation?.calls
        .get(found.i)
        // A bound member is called without its object.
        ?.targets.some((one) => one.kind === "operation" && (receiver !== undefined || one.name === "()"));
      const written = describeTemp(found.facts, found.one, receiver ?? found.i.callee);
      // In a class that is a lock itself; elsewhere that object has another name.
      const isItself = written === "this" && plain(resource).kind !== "receiver";
      return direct && !isItself ? written : (valueName(view, resource) ?? written);
    }
    case "next":
      return describeTemp(found.facts, found.one, found.i.iterator);
    default:
      return valueName(view, resource) ?? "…";
  }
}

/** The innermost function with an operation at a place. */
export function functionAround(view: ProgramView, at: Location): FunctionKey | undefined {
  const found = codeAt(view, at);
  return found && functionKey(at.file, found.id);
}

/** The callee of the call at a place: `this.inner`. */
export function calleeName(view: ProgramView, at: Location): string {
  const found = codeAt(view, at);
  return found?.i.op === "call" ? describeTemp(found.facts, found.one, found.i.callee) : "a callback";
}

/** A value by the variable, field or parameter that holds it. */
export function valueName(view: ProgramView, value: Value): string | undefined {
  switch (value.kind) {
    case "member": {
      const of = valueName(view, value.of);
      if (of === undefined) return undefined;
      const key = value.key && valueName(view, value.key);
      if (key !== undefined) return `${of}[${key}]`;
      return value.name.startsWith("[") ? of : `${of}.${value.name}`;
    }
    case "typed":
      return valueName(view, value.of);
    case "receiver":
      return "this";
    case "class":
      return view.world.class(value.class)?.name;
    case "variable":
      return view.world.variable(value.variable)?.name;
    case "parameter": {
      const { file } = parseKey(value.function);
      const variable = view.world.function(value.function)?.parameters[value.index]?.variable;
      return variable === undefined ? undefined : view.world.facts(file)?.variables[variable]?.name;
    }
    case "fresh":
      return view.solution.nameOf(value);
    case "external":
      return value.path.at(-1);
    default:
      return undefined;
  }
}
