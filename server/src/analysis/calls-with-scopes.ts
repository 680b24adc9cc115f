import type { Instruction } from "../program/facts.ts";
import type { Evaluation } from "./evaluate.ts";
import type { CallEffect } from "./semantics.ts";

type CallsWithScopes = readonly (readonly [Instruction, CallEffect])[];

const known = new WeakMap<Evaluation, CallsWithScopes>();

/** The calls of a function that run something under a lock, in order. Hardly any function has one. */
export function callsWithScopes(evaluation: Evaluation): CallsWithScopes {
  const before = known.get(evaluation);
  if (before) return before;
  const found = [...evaluation.calls].filter(([, { scopes }]) => scopes.length > 0);
  known.set(evaluation, found);
  return found;
}
