import type { Block, Instruction } from "../program/facts.ts";
import type { AwaitEffect, CallEffect } from "./semantics.ts";

/**
 * Whether an instruction may throw where it stands. Handlers and clean-up are there to deal with failures: a call in
 * them counts as failing only if it is known to.
 */
export function throwsIn(
  block: Block,
  instruction: Instruction,
  calls: ReadonlyMap<Instruction, CallEffect>,
  awaits: ReadonlyMap<Instruction, AwaitEffect>,
): boolean {
  if (!instructionThrows(instruction, calls, awaits)) return false;
  if (!block.cleanup || instruction.op === "await" || instruction.op === "next") return true;
  const effect = calls.get(instruction);
  return effect?.targets.some((target) => target.kind === "function" && target.summary.throws) ?? false;
}

/** Whether an instruction may throw, with what is known of what it calls and awaits. */
function instructionThrows(
  instruction: Instruction,
  calls: ReadonlyMap<Instruction, CallEffect>,
  awaits: ReadonlyMap<Instruction, AwaitEffect>,
): boolean {
  switch (instruction.op) {
    case "call":
    case "new":
    case "super-call":
      return calls.get(instruction)?.throws ?? false;
    case "await":
      return awaits.get(instruction)?.rejects ?? true;
    // Loops over lists do not throw; a channel or stream may.
    case "next":
      return instruction.over === "async";
    case "dispose":
      return true;
    default:
      return false;
  }
}
