import type { Block, BlockId, Terminator } from "../facts.ts";
import { successors, throws } from "../instructions.ts";

/**
 * The same graph with fewer blocks: jumps through empty blocks are shortened, blocks that follow only one another
 * are joined, and what no path reaches is dropped.
 */
export function simplify(blocks: readonly Block[]): Block[] {
  const shortcut = shortcuts(blocks);
  let graph: Block[] = blocks.map((block) => {
    const handler = block.handler === undefined ? undefined : shortcut[block.handler];
    return {
      code: block.code,
      end: retarget(block.end, (id) => shortcut[id] ?? id),
      ...(handler === undefined ? {} : { handler }),
    };
  });
  graph = join(graph);
  return compact(graph);
}

/** Where each block leads when empty blocks that only jump on are skipped. */
function shortcuts(blocks: readonly Block[]): readonly BlockId[] {
  return blocks.map((_, index) => {
    let at = index as BlockId;
    // A loop of empty blocks (`for (;;);`) ends the walk.
    for (let steps = 0; steps < blocks.length; steps += 1) {
      const block = blocks[at];
      if (!block || block.code.length > 0 || block.end.kind !== "goto") break;
      at = block.end.to;
    }
    return at;
  });
}

function join(blocks: readonly Block[]): Block[] {
  const incoming = new Array<number>(blocks.length).fill(0);
  const seen = reachable(blocks);
  for (const [index, block] of blocks.entries()) {
    if (!seen[index]) continue;
    for (const next of exits(block)) incoming[next] = (incoming[next] ?? 0) + 1;
  }
  const joined = [...blocks];
  for (const index of blocks.keys()) {
    let block = joined[index];
    while (seen[index] && block?.end.kind === "goto") {
      const to = block.end.to;
      const next = joined[to];
      if (!next || to === 0 || to === index || incoming[to] !== 1) break;
      const first = throws(block);
      if (block.handler !== next.handler && first && throws(next)) break;
      const handler = first ? block.handler : next.handler;
      const merged: Block = {
        code: [...block.code, ...next.code],
        end: next.end,
        ...(handler === undefined ? {} : { handler }),
      };
      joined[index] = merged;
      joined[to] = { code: [], end: { kind: "unreachable" } };
      block = merged;
    }
  }
  return joined;
}

function exits(block: Block): readonly BlockId[] {
  const next = successors(block.end);
  return block.handler !== undefined && throws(block) ? [...next, block.handler] : next;
}

function reachable(blocks: readonly Block[]): readonly boolean[] {
  const seen = new Array<boolean>(blocks.length).fill(false);
  const open: number[] = [0];
  seen[0] = true;
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const block = blocks[id];
    if (!block) continue;
    for (const to of exits(block)) {
      if (seen[to]) continue;
      seen[to] = true;
      open.push(to);
    }
  }
  return seen;
}

function compact(blocks: readonly Block[]): Block[] {
  const seen = reachable(blocks);
  const renumbered: BlockId[] = [];
  let count = 0;
  for (const [index, keep] of seen.entries()) {
    renumbered[index] = count as BlockId;
    if (keep) count += 1;
  }
  const to = (id: BlockId) => renumbered[id] ?? id;
  return blocks
    .filter((_, index) => seen[index])
    .map((block) => ({
      code: block.code,
      end: retarget(block.end, to),
      // A handler that nothing in the block can reach would point at a dropped block.
      ...(block.handler === undefined || !throws(block) ? {} : { handler: to(block.handler) }),
    }));
}

function retarget(end: Terminator, to: (id: BlockId) => BlockId): Terminator {
  switch (end.kind) {
    case "goto":
      return { ...end, to: to(end.to) };
    case "branch":
      return { ...end, yes: to(end.yes), no: to(end.no) };
    case "suspend":
      return { ...end, resume: to(end.resume), abandon: to(end.abandon) };
    case "return":
    case "throw":
    case "unreachable":
      return end;
  }
}
