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
      ...(block.cleanup ? { cleanup: true } : {}),
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
      if (!next || to === 0 || to === index || incoming[to] !== 1 || next.cleanup !== block.cleanup) break;
      const first = throws(block);
      if (block.handler !== next.handler && first && throws(next)) break;
      const handler = first ? block.handler : next.handler;
      const merged: Block = {
        code: [...block.code, ...next.code],
        end: next.end,
        ...(handler === undefined ? {} : { handler }),
        ...(block.cleanup ? { cleanup: true } : {}),
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

/** Drops what no path reaches and numbers the rest in reverse postorder. */
function compact(blocks: readonly Block[]): Block[] {
  const order = reversePostorder(blocks);
  const renumbered = new Map(order.map((id, index) => [id, index as BlockId]));
  const to = (id: BlockId) => renumbered.get(id) ?? id;
  return order.flatMap((id) => {
    const block = blocks[id];
    if (!block) return [];
    return [
      {
        code: block.code,
        end: retarget(block.end, to),
        // A handler that nothing in the block can reach would point at a dropped block.
        ...(block.handler === undefined || !throws(block) ? {} : { handler: to(block.handler) }),
        ...(block.cleanup ? { cleanup: true as const } : {}),
      },
    ];
  });
}

function reversePostorder(blocks: readonly Block[]): BlockId[] {
  const seen = new Set<BlockId>([0 as BlockId]);
  const done: BlockId[] = [];
  const stack: { readonly id: BlockId; readonly next: readonly BlockId[]; at: number }[] = [];
  const enter = (id: BlockId) => {
    const block = blocks[id];
    // The handler first, so that the normal way comes before it.
    const next = block
      ? [
          ...(block.handler !== undefined && throws(block) ? [block.handler] : []),
          ...successors(block.end).toReversed(),
        ]
      : [];
    stack.push({ id, next, at: 0 });
  };
  enter(0 as BlockId);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const to = top.next[top.at];
    top.at += 1;
    if (to === undefined) {
      done.push(top.id);
      stack.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      enter(to);
    }
  }
  return done.reverse();
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
