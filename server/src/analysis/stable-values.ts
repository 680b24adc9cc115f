import type { FileFacts } from "../program/facts.ts";
import type { ProgramView } from "./analyzer.ts";
import { contentOf } from "./capacities.ts";
import { isEntry } from "./kept-or-made.ts";
import { parseKey } from "./places.ts";
import { plain, rootOf, type Value } from "./values.ts";

/** Whether a name means the same resource each time that it is read. */
export function isStable(view: ProgramView, value: Value): boolean {
  switch (value.kind) {
    case "fresh":
      return value.made.type === "resource" || value.made.type === "result" || value.made.type === "instance";
    case "variable": {
      const fact = view.world.variable(value.variable);
      return fact !== undefined && fact.assignments === 0;
    }
    case "parameter":
    case "receiver":
    case "global":
    // A function that a model describes as a resource.
    case "external":
      return true;
    case "typed":
      return isStable(view, value.of);
    case "member": {
      if (isInRecord(view, value)) return value.key === undefined || isStableKey(view, value.key);
      if (!isStable(view, value.of) && value.of.kind !== "class") return false;
      const { semantics } = view.solution;
      const owner = value.of.kind === "class" ? value.of : semantics.typeOf(value.of);
      // The lock of one key, or what a collection holds under one.
      if (owner?.kind === "model")
        return (
          (owner.model.keyed || owner.model.kind === "collection") &&
          (value.key === undefined || isStableKey(view, value.key))
        );
      if (owner?.kind === "class") {
        const content = view.solution.field(owner.class, value.name, value.of.kind === "class");
        // Assigned more than once: the field may hold another lock by now.
        return content.kind !== "union" || content.of.filter((part) => part.kind === "fresh").length <= 1;
      }
      if (owner?.kind === "interface") {
        return view.world.typeMember(owner.file, owner.type, value.name)?.member.kind === "property";
      }
      return false;
    }
    default:
      return false;
  }
}

/** `locks[name]` of an object that was made to hold things by their names. */
function isInRecord(view: ProgramView, entry: Extract<Value, { kind: "member" }>): boolean {
  if (!isEntry(entry)) return false;
  const real = plain(entry.of);
  const isField = real.kind === "member" && isStable(view, real);
  const content = isField ? plain(contentOf(view, real)) : real;
  return content.kind === "fresh" && content.made.type === "object";
}

/** A key is a text or number: the names that it is read through hold the same one as long as nobody sets them. */
function isStableKey(view: ProgramView, key: Value): boolean {
  const root = rootOf(key);
  const owner = root.kind === "parameter" ? root.function : root.kind === "receiver" ? root.of : undefined;
  if (key.kind === "variable") return isStable(view, key);
  const facts = owner === undefined ? undefined : view.world.facts(parseKey(owner).file);
  if (!facts) return false;
  const changed = changedIn(facts);
  for (let at: Value = key; at.kind === "member" || at.kind === "typed"; at = at.of) {
    if (at.kind === "member" && changed.has(at.name)) return false;
  }
  return true;
}

const changed = new WeakMap<FileFacts, ReadonlySet<string>>();

/** The properties that a file sets outside of constructors. */
function changedIn(facts: FileFacts): ReadonlySet<string> {
  const known = changed.get(facts);
  if (known) return known;
  const found = new Set(
    facts.functions.flatMap(({ kind, blocks }) =>
      kind === "constructor"
        ? []
        : blocks.flatMap(({ code }) => code.flatMap((i) => (i.op === "set" ? [i.name] : []))),
    ),
  );
  changed.set(facts, found);
  return found;
}
