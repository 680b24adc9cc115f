import type { BlockId, FunctionFacts, Instruction, Temp, VariableId } from "../program/facts.ts";
import { successors } from "../program/instructions.ts";
import { usesIn } from "./flow.ts";

// A promise that has been waited for is settled: to wait for it once more is to wait for nobody.

/** The variable that a promise was read from. */
export function variableOf(facts: FunctionFacts, promise: Temp): VariableId | undefined {
  const [definition, other] = usesIn(facts).definitions(promise);
  return definition?.op === "load" && !other ? definition.variable : undefined;
}

/** Whether every way to an instruction leads through an `await` of what a variable holds; it is given that only once. */
export function isSettledBefore(facts: FunctionFacts, variable: VariableId, at: Instruction): boolean {
  const { blocks } = facts;
  const stores = blocks.flatMap(({ code }) =>
    code.filter((i) => i.op === "store" && i.variable === variable),
  );
  if (stores.length !== 1) return false;
  const seen = new Set<BlockId>();
  const open: BlockId[] = [0 as BlockId];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const block = blocks[id];
    if (!block || seen.has(id)) continue;
    seen.add(id);
    if (block.handler !== undefined) open.push(block.handler);
    const end = block.code.findIndex(
      (i) => i === at || (i.op === "await" && variableOf(facts, i.from) === variable),
    );
    if (end >= 0 && block.code[end] === at) return false;
    if (end < 0) open.push(...successors(block.end));
  }
  return true;
}
