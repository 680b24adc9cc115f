import type { Block, BlockId, Instruction, Temp, Terminator } from "./facts.ts";

/** The temps that an instruction writes. */
export function written(instruction: Instruction): readonly Temp[] {
  if (instruction.op === "next") return [instruction.to, instruction.done];
  return "to" in instruction ? [instruction.to] : [];
}

/** The temps that an instruction reads, in the order in which they were computed. */
export function operands(instruction: Instruction): readonly Temp[] {
  switch (instruction.op) {
    case "constant":
    case "this":
    case "super":
    case "meta":
    case "parameter":
    case "load":
    case "global":
    case "closure":
    case "namespace":
    case "caught":
    case "require":
    case "import":
      return [];
    case "store":
    case "store-global":
    case "await":
    case "unary":
    case "move":
    case "iterate":
    case "dispose":
    case "spread":
      return [instruction.from];
    case "yield":
      return instruction.from === undefined ? [] : [instruction.from];
    case "class":
      return instruction.superclass === undefined ? [] : [instruction.superclass];
    case "get":
    case "rest":
      return [instruction.object];
    case "set":
      return [instruction.object, instruction.from];
    case "get-element":
      return [instruction.object, instruction.key];
    case "set-element":
      return [instruction.object, instruction.key, instruction.from];
    case "call":
      return instruction.receiver === undefined
        ? [instruction.callee, ...instruction.arguments]
        : [instruction.receiver, instruction.callee, ...instruction.arguments];
    case "new":
      return [instruction.callee, ...instruction.arguments];
    case "super-call":
      return instruction.arguments;
    case "object":
      return instruction.parts.flatMap((part) =>
        part.kind === "computed" ? [part.key, part.value] : [part.value],
      );
    case "array":
      return instruction.elements.filter((element) => element !== null);
    case "template":
      return instruction.parts;
    case "jsx":
      return [
        ...(instruction.tag === undefined ? [] : [instruction.tag]),
        ...instruction.attributes.map((attribute) => attribute.value),
        ...instruction.children,
      ];
    case "binary":
      return [instruction.left, instruction.right];
    case "next":
    case "close-iterator":
      return [instruction.iterator];
    case "opaque":
      return instruction.from;
  }
}

/**
 * Whether it runs code that we do not see here and that may throw. Plain property access can throw too, on null, but
 * that is what the type checker watches; counting it would put an exceptional edge behind every dot.
 */
export function mayThrow(instruction: Instruction): boolean {
  switch (instruction.op) {
    case "call":
    case "new":
    case "super-call":
    case "await":
    case "yield":
    case "class":
    case "namespace":
    case "dispose":
    case "require":
    case "spread":
      return true;
    case "iterate":
    case "next":
      return instruction.over !== "keys";
    case "close-iterator":
      return !instruction.quiet;
    default:
      return false;
  }
}

/** Whether the function may give way here: code after it runs in another turn. */
export function isAwaitPoint(instruction: Instruction): boolean {
  switch (instruction.op) {
    case "await":
    case "yield":
      return true;
    case "next":
    case "close-iterator":
      return instruction.over === "async";
    case "dispose":
      return instruction.async;
    default:
      return false;
  }
}

/** Where a block goes on when nothing throws. */
export function successors(end: Terminator): readonly BlockId[] {
  switch (end.kind) {
    case "goto":
      return [end.to];
    case "branch":
      return [end.yes, end.no];
    case "suspend":
      return [end.resume, end.abandon];
    case "return":
    case "throw":
    case "unreachable":
      return [];
  }
}

/** Whether an exception can leave the block. */
export function throws(block: Block): boolean {
  return block.end.kind === "throw" || block.code.some(mayThrow);
}
