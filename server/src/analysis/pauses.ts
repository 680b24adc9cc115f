import type { Block, BlockId, FunctionFacts, Instruction } from "../program/facts.ts";
import { isAwaitPoint, successors } from "../program/instructions.ts";

const afterOf = new WeakMap<FunctionFacts, ReadonlySet<Instruction>>();

/** The instructions that can come after an await point of their function: before the first, it runs as its caller does. */
export function afterPause(facts: FunctionFacts): ReadonlySet<Instruction> {
  const known = afterOf.get(facts);
  if (known) return known;
  const starts = facts.blocks.flatMap((block) => {
    const index = block.code.findIndex(isAwaitPoint);
    return index < 0 ? [] : [{ block, from: index + 1 }];
  });
  const found = reachableFrom(facts, starts);
  afterOf.set(facts, found);
  return found;
}

/** The instructions that can come after one of them. */
export function after(facts: FunctionFacts, instruction: Instruction): ReadonlySet<Instruction> {
  const starts = facts.blocks.flatMap((block) => {
    const index = block.code.indexOf(instruction);
    return index < 0 ? [] : [{ block, from: index + 1 }];
  });
  return reachableFrom(facts, starts);
}

/** Where a block may go on, failures included. */
export function exitsOf(block: Block): readonly BlockId[] {
  const next = successors(block.end);
  return block.handler === undefined ? next : [...next, block.handler];
}

function reachableFrom(
  facts: FunctionFacts,
  starts: readonly { readonly block: Block; readonly from: number }[],
): ReadonlySet<Instruction> {
  const found = new Set<Instruction>();
  const seen = new Set<BlockId>();
  const open = [...starts];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const i of next.block.code.slice(next.from)) found.add(i);
    for (const id of exitsOf(next.block)) {
      const block = facts.blocks[id];
      if (!block || seen.has(id)) continue;
      seen.add(id);
      open.push({ block, from: 0 });
    }
  }
  return found;
}
