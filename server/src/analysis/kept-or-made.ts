import type { FunctionFacts, Instruction } from "../program/facts.ts";
import type { FunctionKey } from "./places.ts";
import type { Semantics } from "./semantics.ts";
import { alternatives, type Value } from "./values.ts";

// `const lock = locks.get(key) ?? new Mutex(); locks.set(key, lock);`: one lock for each key, kept by hand.

/**
 * What a collection holds under a key, where the rest of a union is made for it when it holds none: both are the lock of
 * that key from then on.
 */
export function keptUnderKey({ values }: Semantics, result: Value): Value | undefined {
  const [kept, ...others] = alternatives(result).filter(isEntry);
  const made = alternatives(result).filter((part) => part !== kept);
  const [one] = made;
  if (!kept || others.length > 0 || one?.kind !== "fresh" || one.made.type !== "resource") return undefined;
  const { model } = one.made;
  const isOneModel = made.every(
    (part) => part.kind === "fresh" && part.made.type === "resource" && part.made.model === model,
  );
  return isOneModel ? values.typed(kept, { kind: "model", model }) : undefined;
}

/** What a collection holds under a key. */
export function isEntry(value: Value): boolean {
  return value.kind === "member" && (value.key !== undefined || /^\[.*\]$/.test(value.name));
}

const known = new WeakMap<FunctionFacts, boolean>();

/** Whether a function, or one around it, puts something under a key. */
export function setsEntries({ world }: Semantics, key: FunctionKey): boolean {
  return [key, ...world.enclosing(key)].some((one) => {
    const facts = world.function(one);
    if (!facts) return false;
    const before = known.get(facts);
    const found = before ?? facts.blocks.some(({ code }) => code.some(isSet));
    if (before === undefined) known.set(facts, found);
    return found;
  });
}

function isSet(i: Instruction): boolean {
  return i.op === "set-element" || (i.op === "get" && i.name === "set");
}
