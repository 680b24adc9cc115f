import type { FunctionFacts } from "../program/facts.ts";
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

function isEntry(value: Value): boolean {
  return value.kind === "member" && (value.key !== undefined || /^\[.*\]$/.test(value.name));
}

/** Whether a function puts something under a key. */
export function setsEntries({ blocks }: FunctionFacts): boolean {
  return blocks.some(({ code }) => code.some((i) => i.op === "get" && i.name === "set"));
}
